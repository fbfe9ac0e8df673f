package bulk

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// maxOpen is how many actions may be under way at once.
const maxOpen = 32

// Keys knows which tokens count. A [jet.Keyring] does.
type Keys interface {
	Valid(id string, now time.Time) error
}

// Do does one action with one thing, in the name of who. Nil says that it is done. again
// says that a worker that has ended may have done it before.
type Do func(ctx context.Context, who change.Caller, b events.Bulk, item events.BulkItem, again bool) error

// Runner works on actions. Every field but Lease is required.
type Runner struct {
	Bus   *jet.Bus
	Keys  Keys
	Do    map[events.BulkOf]Do
	Lease time.Duration // how long an action may stand still before it is taken over; 0 = 10 s
	Log   *slog.Logger

	once sync.Once
	me   string

	mu    sync.Mutex
	open  map[string]standing // those that go on, by id
	mine  map[string]bool     // of these, what this process works on
	begun []string            // to be worked on at once
	wake  wait.Wake
}

// standing is how an action stood when it was heard of.
type standing struct {
	seq uint64
	at  time.Time // when that was, by the clock of this process
}

func (r *Runner) init() {
	r.once.Do(func() {
		r.me, r.wake = uuid.NewString(), wait.NewWake()
		r.open, r.mine = map[string]standing{}, map[string]bool{}
		r.Lease = cmp.Or(r.Lease, 10*time.Second)
	})
}

// Begin stores an action and has it worked on. One that was begun before under the same
// id is given as it stands.
func (r *Runner) Begin(ctx context.Context, b events.Bulk, items []events.BulkItem) (events.Bulk, error) {
	r.init()
	if old, seq, err := r.Bus.Bulk(ctx, b.ID); err != nil || seq > 0 {
		return old, err
	}
	r.mu.Lock()
	full := len(r.open) >= maxOpen
	r.mu.Unlock()
	if full {
		return b, wire.Refuse(http.StatusServiceUnavailable, events.Full, "", "%d actions on many things are under way: try again when one has ended", maxOpen)
	}
	b.State, b.Started, b.Count, b.Worker = events.BulkRunning, time.Now().UTC(), len(items), r.me
	b, _, err := r.Bus.BeginBulk(ctx, b, items)
	if jet.IsConflict(err) {
		old, _, err := r.Bus.Bulk(ctx, b.ID)
		return old, err
	}
	if err != nil {
		return b, err
	}
	r.Log.Info("an action on many things has begun", "bulk_id", b.ID, "of", string(b.Of), "action", string(b.Action), "count", b.Count, "user", b.By)
	r.mu.Lock()
	r.begun = append(r.begun, b.ID)
	r.mu.Unlock()
	r.wake.Set()
	return b, nil
}

// Run works on actions until ctx ends.
func (r *Runner) Run(ctx context.Context) error {
	r.init()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { r.hear(ctx) })
	tick := time.NewTimer(wait.Whole(r.Lease / 10))
	defer tick.Stop()
	for {
		select {
		case <-r.wake:
		case <-tick.C:
			tick.Reset(wait.Whole(r.Lease / 10))
		case <-ctx.Done():
			return nil
		}
		for _, id := range r.take(time.Now()) {
			wg.Go(func() {
				defer r.leave(id)
				r.work(ctx, id)
			})
		}
	}
}

// hear follows how actions stand.
func (r *Runner) hear(ctx context.Context) {
	for ctx.Err() == nil {
		_ = r.Bus.Bulks().Follow(ctx, jet.LastEach, func(m jet.Entry[events.Bulk]) {
			b, err := m.Value()
			r.mu.Lock()
			defer r.mu.Unlock()
			switch {
			case err != nil: // of another version
			case b.State == events.BulkRunning:
				r.open[b.ID] = standing{m.Sequence, time.Now()}
			default:
				delete(r.open, b.ID)
			}
		})
		_ = wait.Sleep(ctx, time.Second)
	}
}

// take gives the actions that this process is to work on from now on: those that it has
// begun, and those that stand still.
func (r *Runner) take(now time.Time) (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids, r.begun = r.begun, nil
	for id, s := range r.open {
		if !r.mine[id] && now.Sub(s.at) >= r.Lease && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		r.mine[id] = true
	}
	return ids
}

func (r *Runner) leave(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.mine, id)
	if s, ok := r.open[id]; ok {
		s.at = time.Now() // it is not taken again at once
		r.open[id] = s
	}
}
