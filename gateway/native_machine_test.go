package gateway_test

import (
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// A run whose machine is away says so, in its row and in its why, whether it was begun or not.
func TestRunThatWaitsForItsMachine(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{}.String())
	waiting, begun, ended := s.executed(j.ID, "admin", events.OK), s.executed(j.ID, "admin", events.OK), s.executed(j.ID, "admin", events.OK)
	for _, x := range []executed{waiting, begun, ended} {
		ev := x.event(events.Accepted, 0)
		ev.Place = "m2"
		s.phase(ev)
	}
	for _, x := range []executed{begun, ended} {
		ev := x.event(events.Started, 100*time.Millisecond)
		ev.Attempt, ev.Place, ev.Process = 1, "m2", &events.Process{Host: "mill", Place: "m2", PID: 7, Runner: "r1"}
		s.phase(ev)
	}
	s.finish(ended, events.OK, "")
	if got := s.story(begun.id, s.admin); got.Run.Waits != "waits for machine m2, which has no runner yet" {
		t.Errorf("without any runner: %+v", got.Run)
	}
	seq, err := s.bus.PutPlaceLease(t.Context(), events.PlaceLease{Place: "m2", Pool: "default", Released: true}, 0)
	if err != nil {
		t.Fatal(err)
	}
	since := "waits for machine m2, stopped since "
	for _, x := range []executed{waiting, begun} {
		eventstest.Eventually(t, "it is seen that the machine is away", func() bool {
			got := s.story(x.id, s.admin)
			return len(got.Why) > len(since) && got.Why[:len(since)] == since && got.Run.Waits == got.Why
		})
	}
	if got := s.story(ended.id, s.admin); got.Run.Waits != "" || got.Outcome != "ok" {
		t.Errorf("one that has ended: %+v", got)
	}
	if _, err := s.bus.PutPlaceLease(t.Context(), events.PlaceLease{Place: "m2", Pool: "default"}, seq); err != nil {
		t.Fatal(err)
	}
	eventstest.Eventually(t, "it is seen that the machine is back", func() bool { return s.story(begun.id, s.admin).Run.Waits == "" })
}
