package gateway

import (
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"sync"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// kept is how many results of a job the index knows: those that are listed,
// and two for results that the stream may have dropped meanwhile.
const kept = 12

// results is an index of the last results of every job, built from the headers
// of RESULTS. Their bodies stay in the stream and are read when they are shown.
type results struct {
	bus  *jet.Bus
	seed maphash.Seed

	called func(jobID string, status events.Status) // called with every result; must not block

	mu    sync.Mutex
	byJob map[string][]indexed // oldest first
	seq   uint64               // the last sequence that was taken in
}

// indexed is one result in the stream. The hash of its trigger's identity
// stands for the identity: that is a tenth of the memory.
type indexed struct{ seq, trigger uint64 }

func newResults(b *jet.Bus) *results {
	return &results{bus: b, seed: maphash.MakeSeed(), byJob: map[string][]indexed{}, called: func(string, events.Status) {}}
}

// run follows RESULTS until ctx ends.
func (x *results) run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := x.bus.Results("").FollowHeads(ctx, jet.Beginning, x.take)
		if err == nil {
			return nil
		}
		// Cut off for so long that results may have gone unseen: from the beginning.
		x.mu.Lock()
		x.byJob, x.seq = map[string][]indexed{}, 0
		x.mu.Unlock()
	}
	return nil
}

func (x *results) take(m jet.Entry[events.Result]) {
	jobID := m.JobID()
	x.called(jobID, m.Status())
	x.mu.Lock()
	defer x.mu.Unlock()
	x.seq = max(x.seq, m.Sequence)
	entry := indexed{m.Sequence, maphash.String(x.seed, m.TriggerID())}
	list := slices.DeleteFunc(x.byJob[jobID], func(e indexed) bool { return e.trigger == entry.trigger })
	if len(list) == kept {
		list = slices.Delete(list, 0, 1)
	}
	x.byJob[jobID] = append(list, entry)
}

// complete says why the index does not hold all results yet.
func (x *results) complete(ctx context.Context) error {
	m, _, err := x.bus.Results("").Last(ctx)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.seq < m.Sequence {
		return errors.New("results are still being read")
	}
	return nil
}

// Latest gives the last n results of a job, newest first, one for each trigger.
func (x *results) Latest(ctx context.Context, jobID string, n int) ([]events.Result, error) {
	stored, err := x.LatestOf(ctx, []string{jobID}, n)
	if err != nil {
		return nil, err
	}
	latest := make([]events.Result, len(stored[0]))
	for i, m := range stored[0] {
		if latest[i], err = m.Value(); err != nil {
			return nil, err
		}
	}
	return latest, nil
}

// LatestOf reads the last n results of many jobs in one go: for each job its
// results as they are stored, newest first.
func (x *results) LatestOf(ctx context.Context, jobIDs []string, n int) ([][]jet.Entry[events.Result], error) {
	var seqs []uint64
	var owner []int // index of the job, by index of the sequence
	x.mu.Lock()
	for i, id := range jobIDs {
		list := x.byJob[id]
		for _, e := range slices.Backward(list[max(0, len(list)-n):]) {
			seqs, owner = append(seqs, e.seq), append(owner, i)
		}
	}
	x.mu.Unlock()
	read := make([]jet.Entry[events.Result], len(seqs))
	if err := x.bus.ResultsAt(ctx, seqs, func(i int, m jet.Entry[events.Result]) { read[i] = m }); err != nil {
		return nil, err
	}
	latest := make([][]jet.Entry[events.Result], len(jobIDs))
	for i, m := range read {
		if m.Sequence != 0 { // else it is gone since it was indexed
			latest[owner[i]] = append(latest[owner[i]], m)
		}
	}
	return latest, nil
}

// forget drops a job whose results are purged.
func (x *results) forget(jobID string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.byJob, jobID)
}
