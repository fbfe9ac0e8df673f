package jet

import (
	"context"
	"time"

	"spool.internal/events"
)

// messages are those that answers are committed as.
func messages(a events.Answers) []message {
	msgs := make([]message, 0, a.Len()+1)
	bodies := a.Bodies()
	add := func(subject string) *message {
		msgs = append(msgs, message{Subject: subject, Data: bodies[len(msgs)]})
		return &msgs[len(msgs)-1]
	}
	for _, t := range a.Fired {
		add(triggerSubject(events.KindCron, t.JobID))
	}
	for _, v := range a.Passed {
		add(verdictSubject(v.JobID))
	}
	for _, b := range a.Later {
		if m := add(backlogSubject(b.JobID)); b.Rest {
			m.Expect = &b.Last
		}
	}
	return msgs
}

// CommitPass moves the clock together with what that fired, did not fire and put
// off. expect is the sequence that the clock was read at; when another replica has
// moved it since, nothing is stored and the error is [IsConflict]. The clock's
// sequence is the claim on the backlogs too: a pass adds to them without looking,
// so it never waits for those who work them off.
func (b *Bus) CommitPass(ctx context.Context, c events.Clock, expect uint64, a events.Answers) (uint64, error) {
	clock := message{Subject: clockSubject, Data: body(c), Expect: &expect}
	return b.commit(ctx, streamTriggers, append(messages(a), clock)...)
}

// WorkOff commits answers to slots of backlogs together with the rests in
// a.Later, whose sequences are consecutive and end with the one returned. When one
// of these backlogs has changed since it was read, nothing is stored and the error
// is [IsConflict].
func (b *Bus) WorkOff(ctx context.Context, a events.Answers) (uint64, error) {
	return b.commit(ctx, streamTriggers, messages(a)...)
}

// BacklogEntries are the messages that backlogs are read from, of all jobs.
func (b *Bus) BacklogEntries() View[events.Backlog] {
	return view[events.Backlog](b, streamTriggers, allBacklogsFilter)
}

// Backlogs reads what is owed to each job, settled backlogs included until they
// are trimmed.
func (b *Bus) Backlogs(ctx context.Context) (map[string]events.Backlog, error) {
	return b.backlogs(ctx, allBacklogsFilter)
}

// Backlog reads what is owed to one job.
func (b *Bus) Backlog(ctx context.Context, jobID string) (events.Backlog, error) {
	all, err := b.backlogs(ctx, backlogSubject(jobID))
	return all[jobID], err
}

func (b *Bus) backlogs(ctx context.Context, subject string) (map[string]events.Backlog, error) {
	all := map[string]events.Backlog{}
	err := b.sinceSure(ctx, streamTriggers, subject, time.Time{}, func(m Stored) bool {
		l, err := decode[events.Backlog](m)
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
	return b.purge(ctx, streamTriggers, purgeRequest{Filter: allBacklogsFilter, Before: before})
}
