package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"spool.internal/events"
)

// Real minutes, and kill -9 at 20 random moments between the commit of a
// minute's triggers and the end of their runs.
func TestLongTicksAcrossKills(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: it waits for real minutes")
	}
	t.Parallel()
	const jobs, minutes, kills = 100, 2, 20
	p := newHarness(t)
	p.flow("quick.ibflowbin", "#!/bin/sh\nexit 0\n")
	pr := p.serve("--durability", "interval")
	var ids []string
	for range jobs {
		ids = append(ids, p.job("minutely", "* * * * *", "quick.ibflowbin", "tick/in", nil))
	}
	first := time.Now().Truncate(time.Minute).Add(time.Minute)
	for m := range minutes {
		time.Sleep(time.Until(first.Add(time.Duration(m) * time.Minute)))
		for range kills / minutes {
			time.Sleep(time.Duration(rand.IntN(400)) * time.Millisecond)
			pr.kill()
			pr.start()
		}
	}
	bus := p.bus()
	total := 0
	for _, id := range ids {
		var ended []events.RunEvent
		p.eventually("the runs of both minutes end", func() bool {
			ended = read(p, bus.Runs(events.Ended, id))
			return len(ended) >= minutes
		})
		want := map[string]bool{}
		for m := range minutes {
			want[events.CronTriggerID(id, events.MinuteOf(first)+events.Minute(m))] = true
		}
		keys := map[string]int{}
		for _, e := range ended {
			keys[e.TriggerID]++
			delete(want, e.TriggerID)
			if keys[e.TriggerID] > 1 {
				t.Errorf("%s ran %d times", e.TriggerID, keys[e.TriggerID])
			}
			total++
		}
		if len(want) > 0 {
			t.Errorf("did not run: %v", want)
		}
	}
	t.Logf("%d jobs × %d real minutes, %d kills: %d runs, none doubled, none missing", jobs, minutes, kills, total)
}
