package cron

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/schedule"
)

// A job with @reboot has one trigger for each start of the machine, however often cron
// starts and however many there are, if it was enabled before.
func TestReboot(t *testing.T) {
	s := eventstest.Start(t, eventstest.Options{})
	bus := eventstest.Connect(t, s)
	d := published(t, bus)
	h := &testClock{}
	h.set(at(0, 30))
	d.create(at(0, 1), "a", schedule.Reboot, options{})
	d.create(at(0, 1), "off", schedule.Reboot, options{})
	d.disable(at(0, 2), "off")
	d.create(at(0, 1), "shade", schedule.Reboot, options{Shadow: true})
	d.create(at(0, 20), "late", schedule.Reboot, options{}) // after the first start
	boot := events.Boot{Host: "h", ID: "one", At: at(0, 10)}
	start := func(boot events.Boot, replicas int) {
		t.Helper()
		var wg sync.WaitGroup
		for range replicas {
			l, leave := join(t, eventstest.Connect(t, s), h, 7)
			l.catchUp(t.Context())
			b := &boots{
				ledger: eventstest.Connect(t, s), index: l.engine.index, boot: func() (events.Boot, error) { return boot, nil },
				ready: l.health.check, now: h.now, log: quiet(t),
			}
			wg.Go(func() { b.run(t.Context()); leave() })
		}
		wg.Wait()
	}
	check := func(want ...string) {
		t.Helper()
		fired, passed := stream{bus}.all(t)
		if diff := cmp.Diff(want, show(fired, passed)); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
	}
	start(boot, 3)
	start(boot, 1)
	check("a 00:10 fired")
	d.enable(at(0, 40), "off")
	h.set(at(0, 50))
	start(boot, 2)
	check("a 00:10 fired")
	boot.ID, boot.At = "two", at(0, 45)
	start(boot, 2)
	start(boot, 1)
	check("a 00:10 fired", "a 00:45 fired", "late 00:45 fired", "off 00:45 fired")
	start(events.Boot{Host: "another", ID: "three", At: at(0, 47)}, 1)
	check("a 00:10 fired", "a 00:45 fired", "a 00:47 fired", "late 00:45 fired", "late 00:47 fired", "off 00:45 fired", "off 00:47 fired")
}

// This machine says when it started, and the same each time.
func TestThisBoot(t *testing.T) {
	first, err := thisBoot()
	if err != nil {
		t.Skipf("this machine does not say when it started: %v", err)
	}
	again, err := thisBoot()
	if err != nil || first.ID == "" || first.ID != again.ID || first.At.After(time.Now()) {
		t.Errorf("%+v, then %+v, %v", first, again, err)
	}
}
