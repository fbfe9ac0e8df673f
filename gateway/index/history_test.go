package index

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"spool.internal/events"
)

// began is when the histories of the tests begin.
var began = time.Unix(1_800_000_000, 0)

// at gives a time in a history.
func at(second int) time.Time { return began.Add(time.Duration(second) * time.Second) }

// told is how a history shows a job: its executions, newest first, and how it stands.
func told(h *history, job uint32) (s string) {
	h.eachOf(job, func(e *entry) bool {
		s += fmt.Sprintf("%d:%s ", e.sequence(), outcomes[e.outcome()])
		return true
	})
	if _, e, ok := h.before(h.seen(job).finished); ok {
		s += fmt.Sprintf("finished %d", e.sequence())
		if last := h.seen(job).last; last != e.outcome() {
			s += " but stands as " + string(outcomes[last])
		}
	} else if last := h.seen(job).last; last != none {
		s += "unfinished but stands as " + string(outcomes[last])
	}
	if o, ok := h.open[job]; ok {
		s += fmt.Sprintf(" open %d", len(o.places))
	}
	return s
}

func TestHowAJobStands(t *testing.T) {
	type step = func(h *history)
	res := func(seq, second int, trigger uint64, call outcome) step {
		return func(h *history) {
			h.take(result{seq: uint64(seq), stored: at(second), job: 1, trigger: trigger, call: call})
		}
	}
	ran := func(second int, trigger uint64, is outcome) step {
		return func(h *history) { h.told(run{job: 1, trigger: trigger, is: is, at: at(second), took: 7}, false) }
	}
	for _, c := range []struct {
		name  string
		steps []step
		want  string
	}{
		{"nothing", nil, ""},
		{"a call alone", []step{res(1, 1, 9, called)}, "1:called finished 1"},
		{"a run that goes on", []step{res(1, 1, 9, waiting), ran(1, 9, waiting), ran(2, 9, running)}, "1:running  open 1"},
		{"a run that failed", []step{res(1, 1, 9, waiting), ran(2, 9, running), ran(3, 9, failed)}, "1:failed finished 1"},
		{"it ended before its result came", []step{ran(2, 9, running), ran(3, 9, failed), res(1, 3, 9, waiting)}, "1:failed finished 1"},
		{"its end is told before its start", []step{res(1, 1, 9, waiting), ran(3, 9, okay), ran(2, 9, running)}, "1:ok finished 1"},
		{"an attempt failed", []step{res(1, 1, 9, waiting), ran(2, 9, running), ran(3, 9, retrying)}, "1:retrying  open 1"},
		{"the older ends later", []step{res(1, 1, 8, waiting), res(2, 2, 9, waiting), ran(3, 9, okay), ran(4, 8, failed)}, "2:ok 1:failed finished 1"},
		{"one goes on behind a failure", []step{res(1, 1, 8, failed), res(2, 2, 9, waiting), ran(3, 9, running)}, "2:running 1:failed finished 1 open 1"},
		{"a dead letter is tried again", []step{res(1, 1, 9, gaveUp), res(2, 5, 9, waiting), ran(6, 9, okay)}, "2:ok finished 2"},
		{"a dead letter goes on", []step{res(1, 1, 9, gaveUp), res(2, 5, 9, waiting)}, "2:waiting  open 1"},
		{"the end is heard twice", []step{res(1, 1, 9, waiting), ran(3, 9, failed), ran(3, 9, failed), res(1, 1, 9, waiting)}, "1:failed finished 1"},
		{"cancelled after a failure", []step{res(1, 1, 8, failed), res(2, 2, 9, waiting), ran(3, 9, cancelled)}, "2:cancelled 1:failed finished 2"},
	} {
		h := newHistory(100, began)
		for _, s := range c.steps {
			s(h)
		}
		if got := told(h, 1); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Whatever order results and runs come in, against each other, the history is the same as
// when all results come first: so it is after a start.
func TestOrderMakesNoDifference(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		var results []result
		var runs []run
		for n := range 60 {
			job, trigger := uint32(random.IntN(3)), uint64(n*1000+1)
			second := 10 * n
			call := []outcome{waiting, waiting, waiting, failed, called}[random.IntN(5)]
			results = append(results, result{seq: uint64(n + 1), stored: at(second), job: job, trigger: trigger, call: call})
			if call != waiting {
				continue
			}
			for i, is := range []outcome{running, []outcome{okay, failed, cancelled}[random.IntN(3)]}[:random.IntN(3)] {
				runs = append(runs, run{job: job, trigger: trigger, is: is, at: at(second + 3 + 40*i + random.IntN(30)), took: 5})
			}
		}
		slices.SortStableFunc(runs, func(a, b run) int { return a.at.Compare(b.at) })
		mixed, after := newHistory(1000, began), newHistory(1000, began)
		i, k := 0, 0
		for i < len(results) || k < len(runs) {
			if k == len(runs) || i < len(results) && random.IntN(2) == 0 {
				mixed.take(results[i])
				i++
			} else {
				mixed.told(runs[k], false)
				k++
			}
		}
		for _, r := range results {
			after.take(r)
		}
		for _, r := range runs {
			after.told(r, true)
		}
		for job := range uint32(3) {
			if diff := gocmp.Diff(told(after, job), told(mixed, job)); diff != "" {
				t.Fatalf("seed %d, job %d (-results first +mixed):\n%s", seed, job, diff)
			}
		}
		if len(mixed.early) != 0 {
			t.Fatalf("seed %d: runs of %d jobs wait for their results", seed, len(mixed.early))
		}
	}
}

// What the stream drops goes, and what takes its memory with it; how jobs stand stays.
func TestOldExecutionsGo(t *testing.T) {
	const perJob, jobs, each = 20, 50, 400
	h := newHistory(perJob, began)
	h.whole = true
	n := 0
	for second := range each {
		for job := range uint32(jobs) {
			n++
			call := called
			if second%7 == 0 {
				call = failed
			}
			h.take(result{seq: uint64(n), stored: at(second), job: job, trigger: uint64(n), call: call})
		}
	}
	if h.live != jobs*perJob || h.log.len() != jobs*each {
		t.Fatalf("%d of %d are live; want %d", h.live, h.log.len(), jobs*perJob)
	}
	before := told(h, 7)
	h.keep(0, at(each))
	if h.log.len() != jobs*perJob || len(h.log.chunks) != 1 {
		t.Errorf("%d entries in %d chunks are kept; want %d in 1", h.log.len(), len(h.log.chunks), jobs*perJob)
	}
	if diff := gocmp.Diff(before, told(h, 7)); diff != "" {
		t.Errorf("compacted (-before +after):\n%s", diff)
	}
	// The older half is dropped by the stream.
	h.keep(uint64(n-jobs*perJob/2+1), at(each))
	if got := h.log.len(); got != jobs*perJob/2 {
		t.Errorf("%d entries are kept; want %d", got, jobs*perJob/2)
	}
	h.forget(7)
	if got := told(h, 7); got != "" {
		t.Errorf("a job that is forgotten has %s", got)
	}
	h.keep(uint64(n+1), at(each))
	if h.log.len() != 0 || h.live != 0 {
		t.Errorf("%d entries are kept, %d live; want none", h.log.len(), h.live)
	}
}

func TestARunThatSaysNothing(t *testing.T) {
	h := newHistory(100, began)
	h.whole = true
	h.take(result{seq: 1, stored: at(0), job: 1, trigger: 5, call: waiting})
	h.take(result{seq: 2, stored: at(1), job: 1, trigger: 6, call: waiting})
	h.told(run{job: 1, trigger: 6, is: waiting, at: at(1)}, false)
	h.keep(1, at(599))
	if got := told(h, 1); got != "2:waiting 1:waiting  open 2" {
		t.Errorf("before ten minutes: %s", got)
	}
	h.keep(1, at(700))
	if got := told(h, 1); got != "2:waiting 1:not_kept finished 1 open 1" {
		t.Errorf("after ten minutes: %s", got)
	}
}

// The identity of the trigger of a slot is known without its result being read, however late it was called; of
// others it is not guessed.
func TestTriggersOfSlots(t *testing.T) {
	const id = "07a3e5c1-1b4f-4852-9cd6-1a072fc8ab31"
	now := events.MinuteOf(began)
	for _, c := range []struct {
		trigger, of string // of: whose trace the entry has
		known       bool
	}{
		{events.CronTriggerID(id, now), "", true},
		{events.CronTriggerID(id, now-60*24*400), "", true},
		{events.CronTriggerID(id, 0), "", true},
		{events.CronTriggerID("another", now), "", false},
		{events.CronTriggerID(id, now), events.CronTriggerID(id, now-1), false},
		{events.CronTriggerID(id, -1), "", false},
		{events.CronTriggerID(id, 1<<32-1), "", false},
		{"cron:" + id + ":007", "", false},
		{"cron:" + id, "", false},
		{events.ManualTriggerID(id, "12"), "", false},
		{events.FileTriggerID(id, "12"), "", false},
	} {
		e := newEntry(result{seq: 1, stored: began, trigger: events.TraceOf(cmp.Or(c.of, c.trigger)), call: waiting, slot: slotOf(c.trigger)})
		if got := slotTrigger(id, &e); c.known != (got == c.trigger) || !c.known && got != "" {
			t.Errorf("%s: %q", c.trigger, got)
		}
	}
}
