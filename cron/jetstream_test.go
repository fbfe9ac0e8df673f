package cron

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// testClock is a wall clock that a test moves.
type testClock struct{ ns atomic.Int64 }

func (h *testClock) set(t time.Time) { h.ns.Store(t.UnixNano()) }
func (h *testClock) now() time.Time  { return time.Unix(0, h.ns.Load()).UTC() }

// published makes an editor whose events go to JOBS.
func published(t *testing.T, b *jet.Bus) *editor {
	last := map[string]uint64{}
	return newEditor(func(_ time.Time, ev events.JobEvent) {
		t.Helper()
		seq, err := b.PutJob(t.Context(), ev, last[ev.Job.ID])
		if err != nil {
			t.Fatal(err)
		}
		last[ev.Job.ID] = seq
	})
}

// recorded gives the history of all jobs, for the audit, with the test's times
// instead of the stream's.
func recorded(t *testing.T, b *jet.Bus) map[string][]events.JobChange {
	t.Helper()
	all := map[string][]events.JobChange{}
	err := b.JobEvents("").Since(t.Context(), time.Time{}, func(m jet.Entry[events.JobEvent]) bool {
		c := events.JobChange{JobRevision: events.JobRevision{Seq: m.Sequence}}
		var err error
		if c.Event, err = m.Value(); err != nil {
			t.Error(err)
		}
		c.Stored = c.Event.At
		all[c.Event.Job.ID] = append(all[c.Event.Job.ID], c)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// join starts a replica with a feed of its own, but without its clocks.
func join(t *testing.T, b *jet.Bus, h *testClock, batch int) (l *loop, leave func()) {
	t.Helper()
	c, err := New(Config{Bus: b, Log: quiet(t)})
	if err != nil {
		t.Fatal(err)
	}
	c.loop.engine.now, c.loop.engine.batch = h.now, batch
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := c.feed.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	return c.loop, func() { cancel(); wg.Wait() }
}

func TestReplicasRaceOnJetStream(t *testing.T) {
	s := eventstest.Start(t, eventstest.Options{})
	h := &testClock{}
	h.set(at(0, 0))
	first, second := eventstest.Connect(t, s), eventstest.Connect(t, s)
	d := published(t, first)
	for n := range 40 {
		d.create(at(0, 0), fmt.Sprintf("job-%02d", n), []string{"* * * * *", "*/2 * * * *"}[n%2], options{})
	}
	a, leave := join(t, first, h, 7)
	b, leaveB := join(t, second, h, 7)
	for minute := 1; minute <= 12; minute++ {
		h.set(at(0, minute, time.Second))
		if minute%4 == 0 { // one dies, another comes
			leaveB()
			b, leaveB = join(t, second, h, 7)
		}
		var wg sync.WaitGroup
		wg.Go(func() { a.catchUp(t.Context()) })
		wg.Go(func() { b.catchUp(t.Context()) })
		wg.Wait()
	}
	leave()
	leaveB()
	fired, passed := stream{first}.all(t)
	if len(fired) != 20*12+20*6 || len(passed) != 0 {
		t.Errorf("%d triggers and %d verdicts", len(fired), len(passed))
	}
	audit(t, recorded(t, first), fired, passed, first, h.now())
}

// The server restarts between and during passes, and jobs are changed while no
// replica is there.
func TestRestartsOnJetStream(t *testing.T) {
	s := eventstest.Start(t, eventstest.Options{})
	h := &testClock{}
	h.set(time.Now().Truncate(time.Minute))
	began := h.now()
	bus := eventstest.Connect(t, s)
	d := published(t, bus)
	for n := range 20 {
		d.create(began, fmt.Sprintf("job-%02d", n), "* * * * *", options{})
	}
	for round := range 3 {
		l, leave := join(t, bus, h, 4)
		for range 3 {
			h.set(h.now().Add(time.Minute))
			var wg sync.WaitGroup
			wg.Go(func() { l.catchUp(t.Context()) })
			if round == 1 {
				s.Restart(t)
			}
			wg.Wait()
			if err := l.health.check(); err != nil {
				t.Error(err)
			}
		}
		leave()
		s.Restart(t)
		eventstest.Eventually(t, "the connection is back", func() bool { return bus.Check() == nil })
		h.set(h.now().Add(2 * time.Minute))
		d.edit(h.now(), fmt.Sprintf("job-%02d", round), "*/2 * * * *", options{})
	}
	l, leave := join(t, bus, h, 4)
	defer leave()
	l.catchUp(t.Context())
	fired, passed := stream{bus}.all(t)
	audit(t, recorded(t, bus), fired, passed, bus, h.now())
}

func TestRun(t *testing.T) {
	bus := eventstest.Bus(t)
	d := published(t, bus)
	// Half an hour ago, so that something is owed whatever time it is.
	now := time.Now()
	d.create(now.Add(-30*time.Minute), "job", "* * * * *", options{})
	c, err := New(Config{Bus: bus, Log: eventstest.Log(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err == nil {
		t.Error("ready before it runs")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()

	var fired []events.Trigger
	eventstest.Eventually(t, "a trigger is stored, and cron is ready", func() bool { fired, _ = stream{bus}.all(t); return len(fired) > 0 && c.Check() == nil })
	if late := now.Sub(fired[0].Minute.Time()); late > time.Minute {
		t.Errorf("the trigger is for a slot %s ago", late)
	}
	var copied []events.Verdict
	eventstest.Eventually(t, "the verdict is copied", func() bool {
		copied = contents(t, bus.Verdicts("job"))
		_, queued := stream{bus}.all(t)
		return len(copied) > 0 && len(queued) == 0
	})
	want := events.Verdict{
		JobID: "job", From: events.MinuteOf(now.Add(-30*time.Minute)) + 1, To: fired[0].Minute - 1,
		Verdict: events.VerdictSuperseded, Reason: "a newer slot ran instead", At: copied[0].At, Ran: fired[0].Minute,
	}
	if diff := cmp.Diff(want, copied[0]); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}

	eventstest.Eventually(t, "the clock is committed by somebody else", func() bool { // a minute may come just now
		clock, seq, err := bus.Clock(t.Context())
		if err == nil {
			_, err = bus.CommitPass(t.Context(), clock, seq, events.Answers{})
		}
		return err == nil
	})
	eventstest.Eventually(t, "old clocks are taken out", func() bool {
		c.loop.sweep.Set()
		return len(contents(t, bus.Clocks())) == 1
	})

	left := running()
	for _, part := range parts {
		if left[part] == "" {
			t.Errorf("no goroutine of %s while cron runs: the check for what is left would miss it", part)
		}
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("Run does not return")
	}
	eventstest.Eventually(t, "all goroutines have ended", func() bool { left = running(); return len(left) == 0 })
}

// parts are frames that only a cron that runs has.
var parts = []string{"cron.(*Cron)", "cron.(*loop)", "cron.(*drainer)", "cron.(*watchdog)", "gocron", "jet.(*JobFeed)", "jet.(*puller)"}

// running gives the stacks of goroutines of such a cron, by part.
func running() map[string]string {
	stacks := map[string]string{}
	buf := make([]byte, 1<<20)
	for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		for _, part := range parts {
			if strings.Contains(g, part) {
				stacks[part] = g
			}
		}
	}
	return stacks
}

// However soon it is stopped, nothing of it is left, and the next one begins where it was.
func TestStartAndStop(t *testing.T) { startAndStop(t, 5) }

func TestLongStartAndStop(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	startAndStop(t, 100)
}

func startAndStop(t *testing.T, times int) {
	bus := eventstest.Bus(t)
	published(t, bus).create(time.Now().Add(-time.Hour), "job", "* * * * *", options{CatchUp: events.CatchUpAll})
	began := events.MinuteOf(time.Now())
	for n := range times {
		c, err := New(Config{Bus: bus, Log: quiet(t)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Duration(n%5)*20*time.Millisecond, cancel)
		if err := c.Run(ctx); err != nil {
			t.Fatalf("round %d: %v", n, err)
		}
		cancel()
	}
	var left map[string]string
	eventstest.Eventually(t, "all goroutines have ended", func() bool { left = running(); return len(left) == 0 })
	c, err := New(Config{Bus: bus, Log: quiet(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	eventstest.Eventually(t, "nothing is owed", func() bool {
		all, err := bus.Backlogs(t.Context())
		return err == nil && c.Check() == nil && len(all["job"].Owed) == 0
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	fired, _ := stream{bus}.all(t)
	slots := map[events.Minute]int{}
	for _, f := range fired {
		slots[f.Minute]++
	}
	for m := began - 59; m <= began; m++ {
		if slots[m] != 1 {
			t.Errorf("the slot %s has %d triggers, want 1", m.Time(), slots[m])
		}
	}
}

func TestConfigNamesEveryFault(t *testing.T) {
	_, err := New(Config{})
	for _, field := range []string{"bus", "log"} {
		if err == nil || !strings.Contains(err.Error(), field+": is required") {
			t.Errorf("New(Config{}) = %v, want it to name %s", err, field)
		}
	}
}

// onJetStream makes a store with jobs of policy all that run every minute, and the
// clock at the end of the first.
func onJetStream(t *testing.T, jobs int) (*jet.Bus, *editor, *testClock, func()) {
	t.Helper()
	bus, h := eventstest.Bus(t), &testClock{}
	d := published(t, bus)
	for n := range jobs {
		d.create(at(0, 0), fmt.Sprintf("job-%02d", n), "* * * * *", options{CatchUp: "all"})
	}
	h.set(at(0, 1, time.Second))
	l, leave := join(t, bus, h, jet.MaxBatch-1)
	l.catchUp(t.Context())
	return bus, d, h, leave
}
