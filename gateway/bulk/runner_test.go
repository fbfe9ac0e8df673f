package bulk_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/gateway/bulk"
	"spool.internal/gateway/change"
)

func TestMain(m *testing.M) { os.Exit(eventstest.Main(m)) }

// world is a broker, the things that actions are done with, and who may do them.
type world struct {
	t   *testing.T
	bus *jet.Bus

	mu      sync.Mutex
	done    map[string]int // by id
	order   []string
	fails   map[string]error
	revoked bool
	hold    chan struct{} // what is done waits for it
}

func newWorld(t *testing.T) *world {
	return &world{t: t, bus: eventstest.Connect(t, eventstest.Start(t, eventstest.Options{})), done: map[string]int{}, fails: map[string]error{}}
}

func (w *world) Valid(string, time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.revoked {
		return events.Faultf(events.Unauthorized, "", "revoked")
	}
	return nil
}

// do does something with a thing, or finds that it is done.
func (w *world) do(ctx context.Context, who change.Caller, b events.Bulk, item events.BulkItem, again bool) error {
	w.mu.Lock()
	hold, err := w.hold, w.fails[item.ID]
	if again && w.done[item.ID] > 0 {
		w.mu.Unlock()
		return nil
	}
	if err == nil {
		w.done[item.ID]++
		w.order = append(w.order, item.ID)
	}
	w.mu.Unlock()
	if who.Owner != "ann" || who.Bulk != b.ID {
		w.t.Errorf("done for %+v", who)
	}
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

// runner starts a worker; stop ends it.
func (w *world) runner() (r *bulk.Runner, stop func()) {
	r = &bulk.Runner{
		Bus: w.bus, Keys: w, Log: eventstest.Log(w.t), Lease: 200 * time.Millisecond,
		Do: map[events.BulkOf]bulk.Do{events.BulkJobs: w.do, events.BulkDeadLetters: w.do},
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = r.Run(ctx) })
	stop = func() { cancel(); wg.Wait() }
	w.t.Cleanup(stop)
	return r, stop
}

func (w *world) begin(r *bulk.Runner, of events.BulkOf, n int) events.Bulk {
	w.t.Helper()
	items := make([]events.BulkItem, n)
	for i := range items {
		items[i] = events.BulkItem{ID: fmt.Sprint(i), Seq: uint64(i)}
	}
	b, err := r.Begin(w.t.Context(), events.Bulk{ID: uuid.NewString(), Of: of, Action: "x", By: "ann", TokenID: "t"}, items)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func (w *world) ended(id string) (b events.Bulk) {
	w.t.Helper()
	eventstest.Eventually(w.t, "the action ends", func() bool {
		var err error
		b, _, err = w.bus.Bulk(w.t.Context(), id)
		return err == nil && b.State != events.BulkRunning
	})
	return b
}

func TestEachOnce(t *testing.T) {
	w := newWorld(t)
	w.fails["7"] = events.Faultf(events.Conflict, "", "changed: updated by bob")
	w.fails["700"] = errors.New("nats: the inside")
	r, _ := w.runner()
	w.runner()     // has nothing to do
	const n = 7000 // two parts of a list
	b := w.ended(w.begin(r, events.BulkJobs, n).ID)
	if b.State != events.BulkDone || b.Count != n || b.Done != n-2 || b.Fails != 2 || b.Ended.IsZero() {
		t.Errorf("ended as %+v", b)
	}
	for _, f := range b.Failed {
		if f.ID == "7" && f.Message != "changed: updated by bob" || f.ID == "700" && strings.Contains(f.Message, "nats") {
			t.Errorf("failed %+v", f)
		}
	}
	for id, times := range w.done {
		if times != 1 {
			t.Errorf("%s was done %d times", id, times)
		}
	}
	eventstest.Eventually(t, "the list is forgotten", func() bool {
		items, err := w.bus.BulkItems(t.Context(), b.List)
		return err == nil && len(items) == 0
	})
	if again, err := r.Begin(t.Context(), events.Bulk{ID: b.ID}, nil); err != nil || again.State != events.BulkDone || again.Done != b.Done {
		t.Errorf("begun again it is %+v, %v", again, err)
	}
}

func TestOrderIsKept(t *testing.T) {
	w := newWorld(t)
	r, _ := w.runner()
	w.ended(w.begin(r, events.BulkDeadLetters, 500).ID)
	for i, id := range w.order {
		if id != fmt.Sprint(i) {
			t.Fatalf("the %dth is %s", i, id)
		}
	}
}

// A worker ends in the middle; another goes on, and nothing is done twice or left out.
func TestTakenOver(t *testing.T) {
	for _, of := range []events.BulkOf{events.BulkJobs, events.BulkDeadLetters} {
		t.Run(string(of), func(t *testing.T) {
			w := newWorld(t)
			r, stop := w.runner()
			w.hold = make(chan struct{})
			b := w.begin(r, of, 300)
			eventstest.Eventually(t, "it is under way", func() bool {
				w.mu.Lock()
				defer w.mu.Unlock()
				return len(w.order) > 0
			})
			stop()
			w.mu.Lock()
			w.hold = nil
			w.mu.Unlock()
			if still, _, err := w.bus.Bulk(t.Context(), b.ID); err != nil || still.State != events.BulkRunning || still.Ahead == 0 {
				t.Fatalf("it stands at %+v, %v", still, err)
			}
			w.runner()
			w.runner()
			if b = w.ended(b.ID); b.Done != 300 || b.Fails != 0 {
				t.Errorf("ended as %+v", b)
			}
			for i := range 300 {
				if n := w.done[fmt.Sprint(i)]; n != 1 {
					t.Errorf("%d was done %d times", i, n)
				}
			}
		})
	}
}

// What is full or away is waited for, and nothing behind it is done before.
func TestWaits(t *testing.T) {
	w := newWorld(t)
	w.fails["3"] = events.Faultf(events.Full, "", "the quota is used up")
	r, _ := w.runner()
	b := w.begin(r, events.BulkDeadLetters, 6)
	eventstest.Eventually(t, "it waits", func() bool {
		now, _, err := w.bus.Bulk(t.Context(), b.ID)
		return err == nil && now.Message == "waits: the quota is used up" && now.Done == 3
	})
	w.mu.Lock()
	delete(w.fails, "3")
	w.mu.Unlock()
	if b = w.ended(b.ID); b.Done != 6 || b.Message != "" || strings.Join(w.order, "") != "012345" {
		t.Errorf("ended as %+v, in the order %v", b, w.order)
	}
}

func TestStopsWithItsToken(t *testing.T) {
	w := newWorld(t)
	w.revoked = true
	r, _ := w.runner()
	if b := w.ended(w.begin(r, events.BulkJobs, 10).ID); b.State != events.BulkStopped || b.Done != 0 || !strings.Contains(b.Message, "does not count any more") {
		t.Errorf("ended as %+v", b)
	}
}
