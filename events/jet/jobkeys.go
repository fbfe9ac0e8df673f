package jet

import (
	"context"
	"fmt"

	"spool.internal/events"
)

// KeyTaken is the error of a change that gives a job a key which another job of its
// owner has.
type KeyTaken struct{ Key, JobID string }

func (e *KeyTaken) Error() string { return fmt.Sprintf("the key %q is that of job %s", e.Key, e.JobID) }

// jobKey is the claim on a key of an owner, in JOBS beside the jobs.
type jobKey struct {
	JobID string `json:"job_id"` // empty: nobody's any more
	Owner string `json:"owner"`
	Key   string `json:"key"`
}

// JobOfKey asks the leader which job of an owner has a key; "" = none.
func (b *Bus) JobOfKey(ctx context.Context, owner, key string) (jobID string, err error) {
	held, _, err := b.jobKey(ctx, owner, key)
	return held.JobID, err
}

func (b *Bus) jobKey(ctx context.Context, owner, key string) (held jobKey, seq uint64, err error) {
	m, found, err := b.last(ctx, streamJobs, jobKeySubject(owner, key))
	if err != nil || !found {
		return held, 0, err
	}
	held, err = decode[jobKey](m)
	return held, m.Sequence, err
}

// keyMoves gives the messages that free the key was of a job, and claim its new one.
// Each expects its subject as it was read, so the commit is the claim.
func (b *Bus) keyMoves(ctx context.Context, ev events.JobEvent, was string) (moves []message, err error) {
	job := ev.Job
	if ev.Event == events.JobDeleted {
		job.Key = ""
	}
	if was == job.Key {
		return nil, nil
	}
	if was != "" {
		held, seq, err := b.jobKey(ctx, job.Username, was)
		if err != nil {
			return nil, err
		}
		if held.JobID == job.ID {
			m := keyMessage(jobKey{Owner: job.Username, Key: was}, seq)
			m.Header[ttlHeader] = deletedFor.String()
			moves = append(moves, m)
		}
	}
	if job.Key != "" {
		held, seq, err := b.jobKey(ctx, job.Username, job.Key)
		if err != nil {
			return nil, err
		}
		if held.JobID != "" && held.JobID != job.ID {
			return nil, &KeyTaken{job.Key, held.JobID}
		}
		moves = append(moves, keyMessage(jobKey{job.ID, job.Username, job.Key}, seq))
	}
	return moves, nil
}

// keyMessage takes the place of what its subject held before: without the rollup a time
// to live that runs out would bring back the claim before.
func keyMessage(k jobKey, expect uint64) message {
	return message{
		Subject: jobKeySubject(k.Owner, k.Key), Data: body(k), Expect: &expect,
		Header: map[string]string{"Nats-Rollup": "sub"},
	}
}
