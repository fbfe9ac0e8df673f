package v2

import (
	"context"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/index"
)

// told keeps what has been read of failures. They have ended: nothing more is said of them.
type told struct {
	mu sync.Mutex
	of map[failed]failure
}

// failed names a failure: an execution by its result, with how it ended and when.
type failed struct {
	seq     uint64
	outcome events.Outcome
	ended   time.Time
}

// failure is what is told of it.
type failure struct{ why, trigger string }

// toldMost is of how many failures that is kept.
const toldMost = 10_000

// failures gives what is told of executions that failed, by the sequence of the result. Those are left out
// whose results are gone.
func (a *API) failures(ctx context.Context, list []index.Failing) (map[uint64]failure, error) {
	found := make(map[uint64]failure, len(list))
	var unread []index.Execution
	of := map[string]failed{} // by job
	a.told.mu.Lock()
	for _, f := range list {
		key := failed{f.Seq, f.Outcome, f.Ended}
		if known, ok := a.told.of[key]; ok {
			found[f.Seq] = known
			continue
		}
		unread, of[f.JobID] = append(unread, f.Execution), key
	}
	a.told.mu.Unlock()
	if len(unread) == 0 {
		return found, nil
	}
	results, err := a.read(ctx, unread)
	if err != nil {
		return nil, err
	}
	a.told.mu.Lock()
	defer a.told.mu.Unlock()
	if a.told.of == nil || len(a.told.of) > toldMost {
		a.told.of = map[failed]failure{}
	}
	for _, r := range results {
		key := of[r.JobID]
		found[key.seq] = failure{r.Why, r.TriggerID}
		if r.Outcome == key.outcome { // else the index is behind, and it is read again
			a.told.of[key] = found[key.seq]
		}
	}
	return found, nil
}
