package balance

import (
	"context"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/v2/slots"
)

// records are what became of the triggers of a job since a day began.
type records struct {
	day      Day
	jobID    string
	results  map[string]events.Result   // by trigger: its newest
	order    []string                   // triggers, as their first results came
	runs     map[string]events.RunEvent // by run: its last phase
	dead     map[string]bool            // by trigger
	verdicts map[string]events.Verdict  // by trigger
	held     map[string]events.Held     // by fingerprint
	seen     []events.SeenEntry         // the ledger of the day
}

// queue is what waits for its call.
type queue struct {
	files  map[string]events.Trigger // by fingerprint
	manual []events.Trigger
}

func (b Books) waiting(ctx context.Context, jobID string, d Day) (queue, error) {
	q := queue{files: map[string]events.Trigger{}}
	err := b.Bus.Files(jobID).Since(ctx, d.From, func(m jet.Entry[events.Trigger]) bool {
		if t, err := m.Value(); err == nil && t.File != nil {
			q.files[t.File.Fingerprint] = t
		}
		return m.Time.Before(d.To)
	})
	if err != nil {
		return q, err
	}
	err = b.Bus.Triggers(events.KindManual, jobID).Since(ctx, d.From, func(m jet.Entry[events.Trigger]) bool {
		if t, err := m.Value(); err == nil && m.Time.Before(d.To) {
			if t.At = m.Time; t.ID != "" {
				q.manual = append(q.manual, t)
			}
		}
		return m.Time.Before(d.To)
	})
	return q, err
}

// ledger reads the files of a day: first of all, as what leaves the queue later has
// a result by then.
func (b Books) ledger(ctx context.Context, jobID string, d Day) (*records, error) {
	r := &records{
		day: d, jobID: jobID, results: map[string]events.Result{}, runs: map[string]events.RunEvent{},
		dead: map[string]bool{}, verdicts: map[string]events.Verdict{}, held: map[string]events.Held{},
	}
	err := b.Bus.EachSeen(ctx, jobID, d.From, func(s events.SeenEntry) bool {
		if d.has(s.At) {
			r.seen = append(r.seen, s)
		}
		return s.At.Before(d.To)
	})
	return r, err
}

// outcomes reads what became of triggers.
func (b Books) outcomes(ctx context.Context, r *records) error {
	since := r.day.From.Add(earliestTrigger)
	err := b.Bus.HeldFiles(r.jobID).Each(ctx, func(h events.Held) { r.held[h.Fingerprint] = h })
	if err == nil {
		err = eachSince(ctx, b.Bus.DeadLetters(r.jobID), since, func(d events.DeadLetter) { r.dead[d.Trigger.ID] = true })
	}
	if err == nil {
		err = eachSince(ctx, b.Bus.Results(r.jobID), since, r.result)
	}
	if err == nil {
		err = eachSince(ctx, b.Bus.Verdicts(r.jobID), since, func(v events.Verdict) { r.verdicts[v.TriggerID] = v })
	}
	if err != nil {
		return err
	}
	return b.ends(ctx, r)
}

// eachSince reads what was stored since a time; what cannot be read is of another
// version, and left out.
func eachSince[T any](ctx context.Context, v jet.View[T], since time.Time, f func(T)) error {
	return v.Since(ctx, since, func(m jet.Entry[T]) bool {
		if value, err := m.Value(); err == nil {
			f(value)
		}
		return true
	})
}

func (r *records) result(res events.Result) {
	if _, again := r.results[res.TriggerID]; !again {
		r.order = append(r.order, res.TriggerID)
	}
	r.results[res.TriggerID] = res
}

// ends reads how the runs of the results went.
func (b Books) ends(ctx context.Context, r *records) error {
	var runs jet.View[events.RunEvent]
	for _, res := range r.results {
		if events.IsToken(res.FlowJobID) {
			for _, p := range []events.Phase{events.Accepted, events.Started, events.Retrying, events.Ended} {
				runs = runs.And(b.Bus.Run(p, r.jobID, res.FlowJobID))
			}
		}
	}
	rank := map[events.Phase]int{events.Accepted: 1, events.Started: 2, events.Retrying: 3, events.Ended: 4}
	return runs.LastEach(ctx, func(m jet.Entry[events.RunEvent]) {
		if ev, err := m.Value(); err == nil && rank[ev.Phase] > rank[r.runs[ev.FlowJobID].Phase] {
			r.runs[ev.FlowJobID] = ev
		}
	})
}

// outcome says what became of a trigger with a result.
func (r *records) outcome(res events.Result) (is, reason string) {
	if res.Status == events.ERROR {
		if r.dead[res.TriggerID] {
			return Dead, res.HTTP.Response
		}
		return Failed, res.HTTP.Response
	}
	switch run := r.runs[res.FlowJobID]; run.Phase {
	case events.Ended:
		switch run.Judged() {
		case events.OutcomeOK:
			return OK, ""
		case events.OutcomeCancelled:
			return Cancelled, run.Message
		}
		return Failed, run.Message
	case events.Started, events.Retrying:
		return Running, ""
	case events.Accepted:
		return Queued, ""
	}
	return Called, ""
}

// entry is that of a trigger with a result.
func (r *records) entry(of string, res events.Result) Entry {
	e := Entry{Of: of, Count: 1, At: res.TriggeredAt.UTC(), TriggerID: res.TriggerID, FlowJobID: res.FlowJobID}
	if e.Is, e.Reason = r.outcome(res); len(e.Reason) > maxReason {
		e.Reason = e.Reason[:maxReason] + events.CutMark
	}
	if res.File != nil {
		e.File = res.File.Path
	}
	return e
}

// maxReason is how much of a reason is repeated, in bytes.
const maxReason = 500

// slots turns what became of the slots of a day into entries; n is how many there are.
func (r *records) slots(told []slots.Entry, n int) (all []Entry) {
	known := 0
	for _, s := range told {
		e := Entry{Of: Slots, Is: string(s.Verdict), Count: s.Slots, At: s.From, TriggerID: s.TriggerID, Reason: s.Reason}
		if s.Slots > 1 {
			e.To = s.To
		}
		if known += s.Slots; s.Slots == 0 {
			if s.TriggerID == "" || s.TriggerID != events.CronTriggerID(r.jobID, events.MinuteOf(s.From)) {
				continue // says something of the schedule, or of a trigger that has an entry of its own
			}
			e.Of, e.Count = Other, 1
		}
		if res, ok := r.results[s.TriggerID]; ok && (s.Verdict == slots.Fired || s.Verdict == slots.CaughtUp) {
			of, at := e.Of, e.At
			e = r.entry(of, res)
			e.At = at
		}
		all = append(all, e)
	}
	if n > known {
		all = append(all, Entry{Of: Slots, Is: Unknown, Count: n - known, At: r.day.From.UTC(), Reason: "what became of them is not kept any more"})
	}
	return all
}

// files are the entries of the files of the day.
func (r *records) files(queued map[string]events.Trigger) (all []Entry) {
	told := map[string]bool{}
	for _, s := range r.seen {
		e := Entry{Of: Files, Count: 1, TriggerID: s.TriggerID}
		t, waits := queued[s.Fingerprint]
		v, judged := r.verdicts[s.TriggerID]
		h, held := r.held[s.Fingerprint]
		switch res, done := r.results[s.TriggerID]; {
		case s.Ignored:
			e.Is = Ignored
		case s.Held:
			if e.Is = Held; held {
				e.File, e.Reason = h.Path, h.Reason()
			}
		case done:
			e = r.entry(Files, res)
		case waits:
			e.Is, e.File = Queued, t.File.Path
		case judged:
			e.Is, e.Reason = string(v.Verdict), v.Reason
		default:
			e.Is, e.Reason = Gone, "it was triggered, and no result of it is kept any more"
		}
		e.At = s.At.UTC()
		told[s.TriggerID] = true
		all = append(all, e)
	}
	// The ledger forgets a file a day after its content has gone; where files come one
	// by one, one is in the queue before it is in the ledger.
	for _, id := range r.order {
		if res := r.results[id]; res.File != nil && res.Kind == events.KindFile && !told[id] && r.day.has(res.TriggeredAt) {
			all, told[id] = append(all, r.entry(Files, res)), true
		}
	}
	for _, t := range queued {
		if !told[t.ID] && r.day.has(t.At) {
			all = append(all, Entry{Of: Files, Is: Queued, Count: 1, At: t.At.UTC(), TriggerID: t.ID, File: t.File.Path})
		}
	}
	return all
}

// manual are the entries of what was started by hand on the day.
func (r *records) manual(queued []events.Trigger) (all []Entry) {
	told := map[string]bool{}
	for _, id := range r.order {
		if res := r.results[id]; res.Kind == events.KindManual && r.day.has(res.TriggeredAt) {
			all, told[id] = append(all, r.entry(Manual, res)), true
		}
	}
	for _, t := range queued {
		if told[t.ID] {
			continue
		}
		e := Entry{Of: Manual, Is: Queued, Count: 1, At: t.At.UTC(), TriggerID: t.ID}
		if t.File != nil {
			e.File = t.File.Path
		}
		all = append(all, e)
	}
	for id, v := range r.verdicts { // a run by hand that was skipped
		if !told[id] && r.day.has(v.At) && strings.HasPrefix(id, events.ManualTriggerID(r.jobID, "")) {
			all = append(all, Entry{Of: Manual, Is: string(v.Verdict), Count: 1, At: v.At.UTC(), TriggerID: id, Reason: v.Reason})
		}
	}
	return all
}
