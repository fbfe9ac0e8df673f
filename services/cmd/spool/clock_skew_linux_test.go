package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// Four replicas of cron on a store of three servers: two are right, the clock of one is 40 s
// ahead, that of another 40 s behind. No slot fires before its minute, none twice, and those
// two say what is wrong.
func TestLongClocksThatAreOff(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: it waits for a real minute")
	}
	if _, err := faulty(); err != nil { // which takes a while, ahead of the minute that is waited for
		t.Fatal(err)
	}
	p := newHarness(t)
	trio := eventstest.Cluster(t, 3).Ensure(t)
	bus := trio.Connect(t)
	const id = "6bc58441-1f60-4265-99f1-000000000777"
	if left := time.Until(nextMinute()); left < 45*time.Second { // the one ahead has its minute at 20 s
		time.Sleep(left + time.Second)
	}
	slot := events.MinuteOf(nextMinute())
	putClockJob(p, bus, id, "latest", time.Now())
	apis := map[string]string{}
	for i, fault := range []string{"", "", "clock=step:40s@0s", "clock=step:-40s@0s"} {
		api := eventstest.FreeAddress(t)
		apis[fault] = api
		p.startToFail(fault, "cron", "--data", p.data, "--nats-url", trio.Members[i%3].URL(), "--listen", api)
	}
	p.eventually("both that are off say so", func() bool {
		return strings.Contains(readyz(apis["clock=step:40s@0s"]), "ahead of the store's") && strings.Contains(readyz(apis["clock=step:-40s@0s"]), "behind the store's")
	})
	p.eventually("the slot fires", func() bool { return len(cronTriggers(t, bus, id)[slot]) > 0 })
	time.Sleep(3 * time.Second)
	for minute, stored := range cronTriggers(t, bus, id) {
		if len(stored) != 1 {
			t.Errorf("the slot %v has %d triggers", minute.Time(), len(stored))
		}
		for _, at := range stored {
			if at.Before(minute.Time()) {
				t.Errorf("the slot %v was stored at %v", minute.Time(), at)
			}
		}
	}
	if why := readyz(apis[""]); strings.Contains(why, "clock of this machine") {
		t.Errorf("a replica whose clock is right says %s", why)
	}
}

// cronTriggers gives when the triggers of each slot of a job were stored.
func cronTriggers(t *testing.T, bus *jet.Bus, id string) map[events.Minute][]time.Time {
	t.Helper()
	all := map[events.Minute][]time.Time{}
	err := bus.Triggers(events.KindCron, id).Sure().Since(t.Context(), time.Time{}, func(m jet.Entry[events.Trigger]) bool {
		if trigger, err := m.Value(); err == nil {
			all[trigger.Minute] = append(all[trigger.Minute], m.Time)
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func readyz(api string) string {
	answer, err := http.Get("http://" + api + "/readyz")
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	return string(body)
}
