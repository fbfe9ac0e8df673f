package index

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// Execution is one execution as it is known without being read.
type Execution struct {
	JobID   string
	Seq     uint64 // of its result, in the stream
	Outcome events.Outcome
	Trigger string         // its identity, where that is a slot; else empty: it has to be read
	Took    *time.Duration // of the last attempt of its run; nil where that is not known
}

func execution(j *job, e *entry) Execution {
	ex := Execution{JobID: j.id.String(), Seq: e.sequence(), Outcome: outcomes[e.outcome()]}
	if d, ok := e.duration(); ok {
		ex.Took = &d
	}
	ex.Trigger = slotTrigger(ex.JobID, e)
	return ex
}

// slotOf gives the slot of a trigger, as entries keep it: were it not kept, each execution that is shown would
// have to be read, and the broker would load a part of its store for each of the last nights.
func slotOf(triggerID string) uint32 {
	kind, rest, _ := strings.Cut(triggerID, ":")
	_, minute, _ := strings.Cut(rest, ":")
	slot, err := strconv.ParseUint(minute, 10, 32)
	if kind != string(events.KindCron) || err != nil || slot == math.MaxUint32 {
		return 0
	}
	return uint32(slot) + 1
}

// slotTrigger gives the identity of the trigger of a slot; empty where it is not known. The trace proves it.
func slotTrigger(jobID string, e *entry) string {
	if e.slot == 0 {
		return ""
	}
	id := events.CronTriggerID(jobID, events.Minute(e.slot-1))
	if events.TraceOf(id)&traceMask != e.trace() {
		return ""
	}
	return id
}

// Query asks for executions, newest first.
type Query struct {
	Jobs     Filter
	JobID    string           // empty: of every job that Jobs admits
	Outcomes []events.Outcome // empty: any
	Status   events.Status    // of the call; empty: any
	Kind     events.Kind      // empty: any
	From, To time.Time        // when the result was stored: not before From, and before To
	Trigger  string           // empty: any
	Before   uint64           // sequence of the last that was shown; 0 is the beginning
	Limit    int
}

// meets judges an execution by itself.
func (q *Query) meets(e *entry) bool {
	return !e.dead() && (q.Before == 0 || e.sequence() < q.Before) &&
		(len(q.Outcomes) == 0 || slices.Contains(q.Outcomes, outcomes[e.outcome()])) &&
		(q.Status == "" || (q.Status == events.ERROR) == e.call().bad()) &&
		(q.Kind == "" || e.kinds() == q.Kind) &&
		(q.From.IsZero() || e.storedAt() >= q.From.Unix()) && (q.To.IsZero() || e.storedAt() < q.To.Unix()) &&
		(q.Trigger == "" || e.trace() == events.TraceOf(q.Trigger)&traceMask)
}

// Executions gives those that a query asks for, whether there are more, and since when all are known.
func (x *Index) Executions(q Query, now time.Time) (list []Execution, more bool, known time.Time) {
	defer x.read(now)()
	known = x.knownFrom(now)
	if q.JobID == "" {
		list, more = x.everywhere(&q, now)
		return list, more, known
	}
	n, ok := x.table.find(q.JobID)
	if !ok {
		return nil, false, known
	}
	last := uint32(0)
	x.shown.eachOf(n, func(e *entry) bool {
		last = e.stored
		if !q.meets(e) {
			return true
		}
		if more = len(list) == q.Limit; more {
			return false
		}
		list = append(list, execution(x.table.all[n], e))
		return true
	})
	if s := x.shown.seen(n); x.shown.perJob > 0 && int(s.count) >= x.shown.perJob && !more && last > 0 {
		known = time.Unix(int64(last), 0).UTC() // older ones were dropped for newer ones
	}
	return list, more, known
}

// everywhere goes through the executions of all jobs. x is locked.
func (x *Index) everywhere(q *Query, now time.Time) (list []Execution, more bool) {
	h, c := x.shown, x.choose(q.Jobs, now)
	admitted := make([]uint8, len(x.table.all)) // 0: not asked yet
	for place := h.log.next; place > h.log.first; {
		place--
		e := h.log.at(place)
		if !q.meets(e) {
			continue
		}
		n := e.number()
		if admitted[n] == 0 {
			if admitted[n] = 1; c.admits(n) {
				admitted[n] = 2
			}
		}
		if admitted[n] == 1 {
			continue
		}
		if newest, _ := h.find(n, e.trace(), 0); newest != place {
			continue // its trigger has a newer result
		}
		if len(list) == q.Limit {
			return list, true
		}
		list = append(list, execution(x.table.all[n], e))
	}
	return list, false
}

// Latest gives the last n results of a job, newest first, one for each trigger.
func (x *Index) Latest(ctx context.Context, jobID string, n int) ([]events.Result, error) {
	last, err := x.latest(ctx, []string{jobID}, n)
	if err != nil {
		return nil, err
	}
	seqs := make([]uint64, len(last))
	for i, l := range last {
		seqs[i] = l.seq
	}
	read := make([]jet.Entry[events.Result], len(seqs))
	if err := x.bus.ResultsAt(ctx, seqs, func(i int, m jet.Entry[events.Result]) { read[i] = m }); err != nil {
		return nil, err
	}
	var results []events.Result
	for _, m := range read {
		if m.Sequence == 0 {
			continue // it is gone since it was indexed
		}
		r, err := m.Value()
		if err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	return results, nil
}

// LatestOf reads the last n results of many jobs, one for each trigger, until f answers false. f is called in no
// order that means anything, with the index of the job and how many newer results that has; what is gone since it was
// indexed is left out. All are read in the order in which they are stored: the broker loads its store by blocks of
// some megabytes, and each once.
func (x *Index) LatestOf(ctx context.Context, jobIDs []string, n int, f func(job, newer int, r jet.ResultBody) bool) error {
	last, err := x.latest(ctx, jobIDs, n)
	if err != nil {
		return err
	}
	slices.SortFunc(last, func(a, b latest) int { return cmp.Compare(a.seq, b.seq) })
	seqs := make([]uint64, len(last))
	for i, l := range last {
		seqs[i] = l.seq
	}
	return x.bus.ResultBodies(ctx, seqs, func(i int, r jet.ResultBody) bool { return f(last[i].job, last[i].newer, r) })
}

// latest is a result of a job, by its index, and how many newer ones that has.
type latest struct {
	seq        uint64
	job, newer int
}

// latest finds the last n results of jobs, those of each newest first. More than one are found when all are known.
func (x *Index) latest(ctx context.Context, jobIDs []string, n int) ([]latest, error) {
	if n > 1 {
		if err := x.Filled(ctx); err != nil {
			return nil, err
		}
	}
	all := make([]latest, 0, n*len(jobIDs))
	x.mu.RLock()
	defer x.mu.RUnlock()
	for i, id := range jobIDs {
		number, ok := x.table.find(id)
		if !ok {
			continue
		}
		newer := 0
		x.shown.eachOf(number, func(e *entry) bool {
			all = append(all, latest{e.sequence(), i, newer})
			newer++
			return newer < n
		})
	}
	return all, nil
}

// Find reads the newest result of a trigger of a job; found is false when none is known.
func (x *Index) Find(ctx context.Context, jobID, triggerID string) (r events.Result, found bool, err error) {
	x.mu.RLock()
	var seq uint64
	if n, ok := x.table.find(jobID); ok {
		if place, ok := x.shown.find(n, events.TraceOf(triggerID), 0); ok {
			seq = x.shown.log.at(place).sequence()
		}
	}
	x.mu.RUnlock()
	if seq == 0 {
		return r, false, nil
	}
	err = x.bus.ResultsAt(ctx, []uint64{seq}, func(_ int, m jet.Entry[events.Result]) {
		value, fault := m.Value()
		r, found = value, fault == nil && value.TriggerID == triggerID
	})
	return r, found, err
}
