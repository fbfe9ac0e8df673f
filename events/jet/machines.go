package jet

import (
	"context"
	"sync"
	"time"

	"spool.internal/events"
)

// MachineLease is the lease of a machine, and what waits for it.
type MachineLease struct {
	events.PlaceLease
	Renewed time.Time     // by the clock of the store
	Age     time.Duration // since then
	Runs    int           // in its queue: those that wait, and those that it is working on
	seq     uint64
}

// Away reports whether nobody is there, and whether that was planned.
func (m MachineLease) Away() bool {
	return m.Released || m.Forgotten != nil || m.Age > events.LeaseAwayAfter
}

// MachineLeases are those of all machines that have, or had, a runner, in no order.
func (b *Bus) MachineLeases(ctx context.Context) (all []MachineLease, err error) {
	now, err := b.StoreTime(ctx)
	if err != nil {
		return nil, err
	}
	err = b.PlaceLeases().LastEach(ctx, func(m Entry[events.PlaceLease]) {
		if l, err := m.Value(); err == nil && m.Subject == leaseSubject(l.Pool, l.Place) {
			all = append(all, MachineLease{PlaceLease: l, Renewed: m.Time, Age: max(0, now.Sub(m.Time)), seq: m.Sequence})
		}
	})
	for i := range all {
		if err == nil {
			all[i].Runs, err = b.RunQueue(events.RunQueueOf(all[i].Pool, all[i].Place)).Count(ctx)
		}
	}
	return all, err
}

// ForgetMachine says that a machine never comes back: the runners that are there end its runs, or go on
// with them. It is [IsConflict] when the machine is there after all.
func (b *Bus) ForgetMachine(ctx context.Context, m MachineLease, by string) error {
	m.Forgotten = &events.Forgotten{By: by, At: time.Now().UTC()}
	_, err := b.PutPlaceLease(ctx, m.PlaceLease, m.seq)
	return err
}

// machinesCache is what was last read of the leases. It is safe for concurrent use.
type machinesCache struct {
	mu    sync.Mutex
	known events.Machines
	read  time.Time // zero = never
	err   error
}

// Machines gives the leases of all machines. It costs two requests every few seconds, however often it
// is asked.
func (b *Bus) Machines(ctx context.Context) (events.Machines, error) {
	c := &b.machines
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.read) < placesFor {
		return c.known, c.err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	now, err := b.StoreTime(ctx)
	known := events.Machines{At: now}
	if err == nil {
		err = b.PlaceLeases().LastEach(ctx, func(m Entry[events.PlaceLease]) {
			if l, err := m.Value(); err == nil && m.Subject == leaseSubject(l.Pool, l.Place) {
				known.Leases = append(known.Leases, events.HeardLease{PlaceLease: l, Heard: m.Time})
			}
		})
	}
	c.read, c.err = time.Now(), err
	if c.known = known; err != nil {
		c.known = events.Machines{}
	}
	return c.known, err
}
