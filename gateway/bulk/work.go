package bulk

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/events/jet"
	"spool.internal/gateway/change"
)

const (
	atOnce   = 8   // things of a list that are worked on at once, where their order means nothing
	maxGroup = 128 // things that are announced at once
	firstly  = 16

	// forDays is how long an action may take, with what it has to wait for.
	forDays = 24 * time.Hour
)

// work is one action that this process works on.
type work struct {
	*Runner
	b     events.Bulk
	seq   uint64
	items []events.BulkItem
	group int
}

// work works on an action until it is through, or this process may not, or cannot now:
// then it stands still and is taken over when its lease is over.
func (r *Runner) work(ctx context.Context, id string) {
	b, seq, err := r.Bus.Bulk(ctx, id)
	if err != nil || seq == 0 || b.State != events.BulkRunning {
		return
	}
	w := &work{Runner: r, b: b, seq: seq, group: firstly}
	if w.items, err = r.Bus.BulkItems(ctx, b.List); err == nil {
		err = w.all(ctx)
	}
	if err != nil && ctx.Err() == nil && !jet.IsConflict(err) { // a conflict: another works on it
		r.Log.Warn("an action on many things waits", "bulk_id", id, "at", w.b.At, "count", w.b.Count, "error", err.Error())
	}
}

func (w *work) all(ctx context.Context) error {
	if len(w.items) != w.b.Count {
		return w.end(ctx, "its list is not whole")
	}
	for w.b.At < w.b.Count {
		if why, err := w.forbidden(time.Now()); err != nil {
			return err
		} else if why != "" {
			return w.end(ctx, why)
		}
		if err := w.next(ctx); err != nil {
			return err
		}
	}
	return w.end(ctx, "")
}

// forbidden says why an action may not go on.
func (w *work) forbidden(now time.Time) (why string, err error) {
	if now.Sub(w.b.Started) > forDays {
		return "it was not through within a day: " + w.b.Message, nil
	}
	switch err := w.Keys.Valid(w.b.TokenID, now); events.CodeOf(err) {
	case events.Unauthorized:
		return "the token with which it was begun does not count any more", nil
	default:
		return "", err
	}
}

// next announces the next things of the list, does the action with each, and settles
// those that it came to a decision on.
func (w *work) next(ctx context.Context) error {
	begun := time.Now()
	from, to := w.b.At, min(w.b.At+w.group, w.b.Count)
	again := w.b.Ahead // things before may have been done
	w.b.Ahead, w.b.Worker = max(again, to), w.me
	if err := w.put(ctx); err != nil {
		return err
	}
	outcomes := make([]error, to-from)
	w.each(outcomes, func(i int) error {
		return w.do(ctx, w.items[from+i], from+i < again)
	})
	settled := 0
	var waits error
	for _, err := range outcomes {
		if waits = undecided(ctx, err); waits != nil {
			break
		}
		settled++
	}
	if w.b.Message = ""; waits != nil && ctx.Err() == nil {
		w.b.Message = "waits: " + waits.Error()
	}
	w.b.Settle(w.items[from:from+settled], outcomes[:settled])
	if waits != nil {
		if ctx.Err() == nil {
			_ = w.put(ctx) // what is not stored is found to be done
		}
		return waits
	}
	if took := time.Since(begun); took > time.Second {
		w.group = max(1, w.group/2)
	} else if took < time.Second/2 {
		w.group = min(maxGroup, w.group*2)
	}
	return nil
}

// each calls do with every index, several at once where that is allowed.
func (w *work) each(outcomes []error, do func(i int) error) {
	if w.b.Of != events.BulkJobs { // in the order of the list
		waits := false
		for i := range outcomes {
			if outcomes[i] = errNotMet; !waits {
				outcomes[i] = do(i)
				waits = undecided(context.Background(), outcomes[i]) != nil
			}
		}
		return
	}
	var wg sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for i := range outcomes {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			outcomes[i] = do(i)
		})
	}
	wg.Wait()
}

// do does the action with one thing. What is wrong inside is for the log.
func (w *work) do(ctx context.Context, item events.BulkItem, again bool) error {
	err := w.Do[w.b.Of](ctx, w.who(), w.b, item, again)
	faultpoint.Hit(faultpoint.BulkDone)
	if _, known := errors.AsType[*events.Error](err); err != nil && !known && !jet.IsUnknown(err) && ctx.Err() == nil {
		w.Log.Error("an action failed", "bulk_id", w.b.ID, "id", item.ID, "error", err.Error())
		return errors.New("internal error: the server's log has it under the id of the action")
	}
	return err
}

// errNotMet stands for a thing behind one that has to be waited for.
var errNotMet = &events.Error{Code: events.Unavailable, Message: "its turn has not come"}

// undecided gives the error after which an action has to be tried again with a thing.
func undecided(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	switch events.CodeOf(err) {
	case events.Invalid, events.Forbidden, events.NotFound, events.Conflict, events.Unauthorized:
		return nil
	case events.Full, events.Unavailable:
		return err
	}
	if jet.IsUnknown(err) {
		return err
	}
	return nil
}

// who is whom the action is done for: with what the token might do when it was begun.
func (w *work) who() change.Caller {
	b := w.b
	return change.Caller{Token: events.Token{ID: b.TokenID, Owner: b.By, Role: b.Role, Paths: b.Paths}, From: b.From, Bulk: b.ID}
}

func (w *work) put(ctx context.Context) error {
	seq, err := w.Bus.PutBulk(ctx, w.b, w.seq)
	if err == nil {
		w.seq = seq
	}
	return err
}

// end stores that the action goes no further.
func (w *work) end(ctx context.Context, why string) error {
	w.b.End(time.Now(), why)
	if err := w.put(ctx); err != nil {
		return fmt.Errorf("end action %s: %w", w.b.ID, err)
	}
	w.Log.Info("an action on many things has ended", "bulk_id", w.b.ID, "state", string(w.b.State), "done", w.b.Done, "failed", w.b.Fails, "why", why)
	return w.Bus.ForgetBulkItems(ctx, w.b.List)
}
