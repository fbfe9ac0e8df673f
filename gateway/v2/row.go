package v2

import (
	"cmp"
	"context"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/change"
	"spool.internal/gateway/index"
)

// rows shows jobs, with what the index knows of each. What it does not keep in memory is
// read in one go: the newest executions, and what watchers and dispatchers say.
func (a *API) rows(ctx context.Context, who change.Caller, jobs []events.Job, standing []index.Row) ([]Job, error) {
	rows := make([]Job, len(jobs))
	ids := make([]string, len(jobs))
	for i, j := range jobs {
		ids[i], rows[i] = j.ID, a.row(who, j, standing[i])
	}
	if len(jobs) == 0 {
		return rows, nil
	}
	if err := a.executed(ctx, rows, standing); err != nil {
		return nil, err
	}
	states, err := a.Bus.StatesOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		said := states[rows[i].ID]
		if rows[i].Retrying = said.Retry; rows[i].Mode == index.ModeAutomatic && rows[i].Status == events.Enabled {
			rows[i].Watch = said.Watch
		}
	}
	return rows, nil
}

// row shows what is known of a job without anything being read.
func (a *API) row(who change.Caller, j events.Job, s index.Row) Job {
	l := j.Labels()
	shown := Job{
		ID: j.ID, Username: j.Username, Name: j.Name, Status: j.Status, Mode: index.ModeCron,
		Created: time.Unix(0, j.CreatedOnNS).UTC(), EffectiveFrom: j.EffectiveFrom.UTC(),
		Key: j.Key, ManagedBy: j.ManagedBy, Schedule: l.Schedule, Timezone: s.Timezone, Description: s.Description, Tags: l.Tags,
		Outcome: string(s.Outcome), Now: s.Now, NextRun: s.Next, Recent: []Recent{}, Parameters: a.Changes.Shown(who, j),
	}
	if l.Schedule == "" {
		shown.Mode = index.ModeAutomatic
	}
	if shown.Tags == nil {
		shown.Tags = []string{}
	}
	if s.Now == events.OutcomeRunning {
		shown.RunningSince = s.Since
	}
	if s.NeverRan && s.Now == "" || s.JobID == "" {
		shown.Outcome = index.StateNeverRan
	}
	if d := j.Disabled; d != nil && j.Status == events.Disabled {
		shown.Disabled = &Disabling{d.By, d.At.UTC(), d.Reason, d.Until.UTC()}
	}
	return shown
}

// executed adds the last executions of jobs. The newest of each is read, and of the others
// those whose triggers are not known otherwise.
func (a *API) executed(ctx context.Context, rows []Job, standing []index.Row) error {
	var seqs []uint64
	for _, s := range standing {
		for n, e := range s.Recent {
			if n == 0 || e.Trigger == "" {
				seqs = append(seqs, e.Seq)
			}
		}
	}
	read := make(map[uint64]jet.Entry[events.Result], len(seqs))
	if err := a.Bus.ResultsAt(ctx, seqs, func(_ int, m jet.Entry[events.Result]) { read[m.Sequence] = m }); err != nil {
		return err
	}
	for i, s := range standing {
		for n, e := range s.Recent {
			m, found := read[e.Seq]
			if e.Trigger == "" {
				e.Trigger = m.TriggerID()
			}
			if !found && (n == 0 || e.Trigger == "") {
				continue // it is gone since it was indexed
			}
			rows[i].Recent = append(rows[i].Recent, Recent{e.Outcome, milliseconds(e.Took), e.Trigger})
			if ended, ok := m.Ended(); ok && rows[i].LastResult == nil {
				rows[i].LastResult = &LastResult{e.Trigger, m.Status(), cmp.Or(e.Outcome, events.OutcomeCalled), ended.UTC()}
			}
		}
	}
	return nil
}
