package jet

import (
	"context"
	"time"

	"spool.internal/events"
)

// Answers is what becomes of some slots. It is committed whole or not at all.
type Answers struct {
	Fired  []events.Trigger
	Passed []events.Verdict
	Later  []Backlog

	encoded []Message
}

// Len is how many messages that are.
func (a Answers) Len() int { return len(a.Fired) + len(a.Passed) + len(a.Later) }

// Encode does now what a commit would do otherwise. Nothing may be changed after it.
func (a *Answers) Encode() { a.encoded = a.messages() }

func (a Answers) messages() []Message {
	if a.encoded != nil {
		return a.encoded
	}
	msgs := make([]Message, 0, a.Len()+1)
	for _, t := range a.Fired {
		msgs = append(msgs, Message{Subject: events.TriggerSubject(events.KindCron, t.JobID), Data: body(t)})
	}
	for _, v := range a.Passed {
		msgs = append(msgs, Message{Subject: events.VerdictSubject(v.JobID), Data: body(v)})
	}
	for _, l := range a.Later {
		m := Message{Subject: events.BacklogSubject(l.JobID), Data: body(l)}
		if l.Rest {
			m.Expect = &l.Last
		}
		msgs = append(msgs, m)
	}
	return msgs
}

// Backlog is what catch-up owes one job beyond its newest slot. Cron's passes add
// to it; who works it off writes what rests, which takes the place of everything
// before it.
type Backlog struct {
	JobID string    `json:"job_id"`
	Rest  bool      `json:"rest,omitzero"` // takes the place of the messages before it, else adds to them
	Owed  []Stretch `json:"owed"`          // oldest first

	First uint64 `json:"-"` // sequence of the oldest message that counts
	Last  uint64 `json:"-"` // sequence of the newest: what a rest is to follow
}

// Stretch is slots of a job under one schedule.
type Stretch struct {
	Schedule string `json:"schedule"`
	Timezone string `json:"timezone,omitzero"`
	From     int64  `json:"from"`  // first slot, minutes since 1970 UTC
	To       int64  `json:"to"`    // last slot, inclusive
	Slots    int    `json:"slots"` // how many that are
}

// CommitPass moves the clock together with what that fired, did not fire and put
// off. expect is the sequence that the clock was read at; when another replica has
// moved it since, nothing is stored and the error is [IsConflict]. The clock's
// sequence is the claim on the backlogs too: a pass adds to them without looking,
// so it never waits for those who work them off.
func (b *Bus) CommitPass(ctx context.Context, c events.Clock, expect uint64, a Answers) (uint64, error) {
	clock := Message{Subject: events.ClockSubject, Data: body(c), Expect: &expect}
	return b.Commit(ctx, events.StreamTriggers, append(a.messages(), clock)...)
}

// WorkOff commits answers to slots of backlogs together with the rests in
// a.Later, whose sequences are consecutive and end with the one returned. When one
// of these backlogs has changed since it was read, nothing is stored and the error
// is [IsConflict].
func (b *Bus) WorkOff(ctx context.Context, a Answers) (uint64, error) {
	return b.Commit(ctx, events.StreamTriggers, a.messages()...)
}

// BacklogEntries are the messages that backlogs are read from, of all jobs.
func (b *Bus) BacklogEntries() View[Backlog] {
	return view[Backlog](b, events.StreamTriggers, events.AllBacklogs)
}

// Backlogs reads what is owed to each job, settled backlogs included until they
// are trimmed.
func (b *Bus) Backlogs(ctx context.Context) (map[string]Backlog, error) {
	return b.backlogs(ctx, events.AllBacklogs)
}

// Backlog reads what is owed to one job.
func (b *Bus) Backlog(ctx context.Context, jobID string) (Backlog, error) {
	all, err := b.backlogs(ctx, events.BacklogSubject(jobID))
	return all[jobID], err
}

func (b *Bus) backlogs(ctx context.Context, subject string) (map[string]Backlog, error) {
	all := map[string]Backlog{}
	err := b.Since(ctx, events.StreamTriggers, subject, time.Time{}, func(m Stored) bool {
		l, err := decode[Backlog](m)
		if err != nil {
			b.log.Error("a backlog cannot be read", "error", err.Error())
			return true
		}
		old, known := all[l.JobID]
		l.First, l.Last = m.Sequence, m.Sequence
		if known && !l.Rest {
			l.First, l.Owed = old.First, append(old.Owed, l.Owed...)
		}
		all[l.JobID] = l
		return true
	})
	return all, err
}

// TrimBacklogs takes out the messages of all backlogs before a sequence.
func (b *Bus) TrimBacklogs(ctx context.Context, before uint64) error {
	if before <= 1 {
		return nil // the server would take this for all of them
	}
	return b.purge(ctx, events.StreamTriggers, map[string]any{"filter": events.AllBacklogs, "seq": before})
}
