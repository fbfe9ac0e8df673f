package cron

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// ledger is a store that a test can look into.
type ledger interface {
	store
	backlogs
	all(testing.TB) ([]events.Trigger, []events.Verdict)
}

// stream is the store that is real.
type stream struct{ *jet.Bus }

// all gives what was committed, in the order that it was stored in.
func (s stream) all(t testing.TB) (fired []events.Trigger, passed []events.Verdict) {
	t.Helper()
	return contents(t, s.Bus.Triggers(events.KindCron, "")),
		contents(t, s.Bus.NewVerdicts(""))
}

func contents[T any](t testing.TB, v jet.View[T]) (all []T) {
	t.Helper()
	err := v.Since(t.Context(), time.Time{}, func(m jet.Entry[T]) bool {
		value, err := m.Value()
		if err != nil {
			t.Error(err)
		}
		all = append(all, value)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The engine's promises rest on these, so the memory that most tests use has to
// keep them as the real store does.
func TestStore(t *testing.T) {
	stores := map[string]func(t *testing.T) ledger{
		"memory": func(*testing.T) ledger { return &memory{} },
		"stream": func(t *testing.T) ledger { return stream{eventstest.Bus(t)} },
	}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Run("a clock that was never set", func(t *testing.T) {
				c, at, err := open(t).Clock(t.Context())
				if c != (events.Clock{}) || at != 0 || err != nil {
					t.Errorf("Clock() = %+v, %d, %v", c, at, err)
				}
			})
			t.Run("what is committed is there", func(t *testing.T) { storeKeeps(t, open(t)) })
			t.Run("who is not the first leaves nothing", func(t *testing.T) { storeRefuses(t, open(t)) })
			t.Run("of many who race one wins", func(t *testing.T) { storeArbitrates(t, open(t)) })
			t.Run("a backlog grows and is worked off", func(t *testing.T) { storeOwes(t, open(t)) })
			t.Run("of many who work off one wins", func(t *testing.T) { storeOwesOnce(t, open(t)) })
		})
	}
}

func some(from, n int) (fired []events.Trigger, passed []events.Verdict) {
	for i := from; i < from+n; i++ {
		id := fmt.Sprintf("job-%04d", i)
		fired = append(fired, events.Trigger{
			ID: events.CronTriggerID(id, events.Minute(i+1)), JobID: id, Kind: events.KindCron,
			Minute: events.Minute(i + 1), JobSeq: 7, At: at(0, i),
		})
		passed = append(passed, events.Verdict{
			JobID: id, From: 1, To: events.Minute(i + 1), Verdict: events.VerdictSuperseded, Reason: "why", At: at(0, i),
		})
	}
	return fired, passed
}

func storeKeeps(t *testing.T, s ledger) {
	var seq uint64
	var allFired []events.Trigger
	var allPassed []events.Verdict
	for n, clock := range []events.Clock{
		{From: 1, Minute: 2, Cursor: "job-0002", JobsSeq: 5},
		{From: 1, Minute: 2, JobsSeq: 5},
		{From: 2, Minute: 3, JobsSeq: 6},
	} {
		fired, passed := some(3*n, 3-n) // at last not any
		if n == 2 {
			fired, passed = nil, nil
		}
		at, err := s.CommitPass(t.Context(), clock, seq, events.Answers{Fired: fired, Passed: passed})
		if err != nil || at <= seq {
			t.Fatalf("commit %d = %d, %v after %d", n, at, err, seq)
		}
		seq = at
		allFired, allPassed = append(allFired, fired...), append(allPassed, passed...)
		got, at, err := s.Clock(t.Context())
		if got != clock || at != seq || err != nil {
			t.Errorf("Clock() = %+v, %d, %v; want %+v, %d", got, at, err, clock, seq)
		}
	}
	fired, passed := s.all(t)
	if diff := cmp.Diff(allFired, fired); diff != "" {
		t.Errorf("triggers (-committed +stored):\n%s", diff)
	}
	if diff := cmp.Diff(allPassed, passed); diff != "" {
		t.Errorf("verdicts (-committed +stored):\n%s", diff)
	}
}

func storeRefuses(t *testing.T, s ledger) {
	fired, passed := some(0, 2)
	first, err := s.CommitPass(t.Context(), events.Clock{Minute: 1}, 0, events.Answers{Fired: fired, Passed: passed})
	if err != nil {
		t.Fatal(err)
	}
	for _, expect := range []uint64{0, first - 1, first + 1} {
		lateFired, latePassed := some(5, 2)
		late := events.Answers{Fired: lateFired, Passed: latePassed, Later: []events.Backlog{owing("job-0000", false, 0, 1)}}
		if _, err := s.CommitPass(t.Context(), events.Clock{Minute: 9}, expect, late); !jet.IsConflict(err) {
			t.Errorf("a commit on %d after %d: %v, want a conflict", expect, first, err)
		}
	}
	c, at, err := s.Clock(t.Context())
	if c.Minute != 1 || at != first || err != nil {
		t.Errorf("Clock() = %+v, %d, %v", c, at, err)
	}
	if gotFired, gotPassed := s.all(t); len(gotFired) != 2 || len(gotPassed) != 2 {
		t.Errorf("%d triggers and %d verdicts are stored, want 2 and 2", len(gotFired), len(gotPassed))
	}
	if all := backlogsOf(t, s); len(all) != 0 {
		t.Errorf("backlogs are stored: %v", all)
	}
}

func storeArbitrates(t *testing.T, s ledger) {
	const racers, rounds = 4, 10
	won := make([]int, rounds)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range racers {
		wg.Go(func() {
			for {
				c, seq, err := s.Clock(t.Context())
				if err != nil {
					t.Error(err)
				}
				round := int(c.Minute)
				if err != nil || round == rounds {
					return
				}
				fired, _ := some(round, 1)
				_, err = s.CommitPass(t.Context(), events.Clock{From: c.Minute, Minute: c.Minute + 1}, seq, events.Answers{Fired: fired})
				if err == nil {
					mu.Lock()
					won[round]++
					mu.Unlock()
				} else if !jet.IsConflict(err) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	fired, _ := s.all(t)
	if !slices.Equal(won, slices.Repeat([]int{1}, rounds)) || len(fired) != rounds {
		t.Errorf("rounds were won %v times and %d triggers are stored", won, len(fired))
	}
}

// owing makes a message of a backlog with a stretch for each pair of slots.
func owing(id string, rest bool, last uint64, slots ...events.Minute) events.Backlog {
	b := events.Backlog{JobID: id, Rest: rest, Last: last}
	for i := 0; i+1 < len(slots); i += 2 {
		b.Owed = append(b.Owed, events.Stretch{
			When: events.When{Schedule: "* * * * *"}, From: slots[i], To: slots[i+1], Slots: int(slots[i+1] - slots[i] + 1),
		})
	}
	return b
}

// backlogsOf writes what is owed to each job as pairs of slots.
func backlogsOf(t testing.TB, s backlogs) map[string][]events.Minute {
	t.Helper()
	all, err := s.Backlogs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	owed := map[string][]events.Minute{}
	for id, b := range all {
		owed[id] = []events.Minute{}
		for _, o := range b.Owed {
			owed[id] = append(owed[id], o.From, o.To)
		}
	}
	return owed
}

func storeOwes(t *testing.T, s ledger) {
	is := func(want map[string][]events.Minute) map[string]events.Backlog {
		t.Helper()
		if diff := cmp.Diff(want, backlogsOf(t, s)); diff != "" {
			t.Fatalf("backlogs (-want +got):\n%s", diff)
		}
		all, err := s.Backlogs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	work := func(later ...events.Backlog) uint64 {
		t.Helper()
		fired, _ := some(0, 1)
		seq, err := s.WorkOff(t.Context(), events.Answers{Fired: fired, Later: later})
		if err != nil {
			t.Fatal(err)
		}
		return seq
	}
	is(map[string][]events.Minute{})
	at, err := s.CommitPass(t.Context(), events.Clock{Minute: 9}, 0, events.Answers{
		Later: []events.Backlog{owing("a", false, 0, 1, 5), owing("b", false, 0, 1, 5)},
	})
	if err != nil {
		t.Fatal(err)
	}
	all := is(map[string][]events.Minute{"a": {1, 5}, "b": {1, 5}})
	seq := work(owing("b", true, all["b"].Last, 2, 5), owing("a", true, all["a"].Last, 3, 5))
	all = is(map[string][]events.Minute{"a": {3, 5}, "b": {2, 5}})
	if all["a"].Last != seq || all["b"].Last != seq-1 {
		t.Errorf("the rests are at %d and %d, want %d and the one before", all["a"].Last, all["b"].Last, seq)
	}
	// A pass does not look at what is there; who looked before it has lost.
	if _, err = s.CommitPass(t.Context(), events.Clock{Minute: 12}, at, events.Answers{
		Later: []events.Backlog{owing("a", false, 0, 10, 11)},
	}); err != nil {
		t.Fatal(err)
	}
	late := events.Answers{Later: []events.Backlog{owing("a", true, seq, 4, 5), owing("b", true, seq-1, 3, 5)}}
	if _, err := s.WorkOff(t.Context(), late); !jet.IsConflict(err) {
		t.Errorf("work on a backlog that has grown: %v, want a conflict", err)
	}
	all = is(map[string][]events.Minute{"a": {3, 5, 10, 11}, "b": {2, 5}})
	if err := s.TrimBacklogs(t.Context(), min(all["a"].First, all["b"].First)); err != nil {
		t.Fatal(err)
	}
	all = is(map[string][]events.Minute{"a": {3, 5, 10, 11}, "b": {2, 5}})
	work(owing("b", true, all["b"].Last))
	all = is(map[string][]events.Minute{"a": {3, 5, 10, 11}, "b": {}})
	seq = work(owing("a", true, all["a"].Last))
	if err := s.TrimBacklogs(t.Context(), seq+1); err != nil {
		t.Fatal(err)
	}
	is(map[string][]events.Minute{})
	if err := s.TrimBacklogs(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if c, _, err := s.Clock(t.Context()); c.Minute != 12 || err != nil {
		t.Errorf("Clock() = %+v, %v: what was trimmed is more than backlogs", c, err)
	}
}

func storeOwesOnce(t *testing.T, s ledger) {
	const racers, slots = 4, 20
	if _, err := s.CommitPass(t.Context(), events.Clock{Minute: 99}, 0, events.Answers{
		Later: []events.Backlog{owing("a", false, 0, 1, slots)},
	}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range racers {
		wg.Go(func() {
			for {
				all, err := s.Backlogs(t.Context())
				if err != nil {
					t.Error(err)
				}
				if err != nil || len(all["a"].Owed) == 0 {
					return
				}
				slot := all["a"].Owed[0].From
				rest := owing("a", true, all["a"].Last, slot+1, slots)
				if slot == slots {
					rest.Owed = nil
				}
				_, err = s.WorkOff(t.Context(), events.Answers{
					Fired: []events.Trigger{trigger("a", 1, slot, at(0, 0))}, Later: []events.Backlog{rest},
				})
				if err != nil && !jet.IsConflict(err) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	fired, _ := s.all(t)
	var got, want []events.Minute
	for i, f := range fired {
		got, want = append(got, f.Minute), append(want, events.Minute(i+1))
	}
	if !slices.Equal(got, want) || len(got) != slots {
		t.Errorf("slots were triggered in the order %v, want each of %d once", got, slots)
	}
}
