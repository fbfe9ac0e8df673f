package jet_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// The queues that Spool's services work off: how a message gets in, and what who
// works on it stores.
var queues = []struct {
	name string
	jet.Queue
	put   func(t *testing.T, b *jet.Bus, n int)
	store func(t *testing.T, b *jet.Bus, d *jet.Delivery)
}{
	{"files", jet.RawQueue(jet.StreamFiles, jet.FilesOf("job"), jet.Queue{}), func(t *testing.T, b *jet.Bus, n int) {
		var all []events.Trigger
		for i := range n {
			all = append(all, file(i))
		}
		must(t, second(b.CommitFiles(t.Context(), all)))
	}, putResult},
	{"triggers", jet.RawQueue(jet.StreamTriggers, jet.TriggersOf(events.KindManual), jet.Queue{}), func(t *testing.T, b *jet.Bus, n int) {
		for i := range n {
			must(t, second(b.PutTrigger(t.Context(), events.KindManual, events.Trigger{ID: strconv.Itoa(i), JobID: "job", Kind: events.KindManual})))
		}
	}, putResult},
	{"runs", jet.RawQueue(jet.StreamRuns, jet.RunQueueOf("default"), jet.Queue{}), func(t *testing.T, b *jet.Bus, n int) {
		for i := range n {
			_, _, err := b.AcceptRun(t.Context(), "default", events.Run{FlowJobID: fmt.Sprint("run-", i)})
			must(t, err)
		}
	}, func(t *testing.T, b *jet.Bus, d *jet.Delivery) {
		run, err := d.Run()
		must(t, err)
		persist(func() error { return b.KeepRun(context.Background(), "default", run) })
	}},
	{"notices", jet.RawQueue(jet.StreamRunEvents, jet.RunsOf(events.Ended, ""), jet.Queue{}), func(t *testing.T, b *jet.Bus, n int) {
		for i := range n {
			must(t, b.PutRunEvent(t.Context(), events.RunEvent{Phase: events.Ended, JobID: "job", FlowJobID: fmt.Sprint("run-", i)}, 0))
		}
	}, func(_ *testing.T, b *jet.Bus, d *jet.Delivery) {
		sub, _ := jet.ParseSubject(d.Subject)
		ev := events.RunEvent{Phase: events.Undelivered, JobID: sub.JobID, FlowJobID: sub.Rest, Channel: "test"}
		persist(func() error { return b.PutUndelivered(context.Background(), ev) })
	}},
}

// persist repeats what a slow disk leaves unanswered.
func persist(f func() error) {
	for f() != nil { //nolint:revive // each try waits for its answer
	}
}

func second[T any](_ T, err error) error { return err }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func putResult(t *testing.T, b *jet.Bus, d *jet.Delivery) {
	trigger, err := d.Trigger()
	must(t, err)
	persist(func() error {
		return b.PutResult(context.Background(), events.Result{JobID: "job", TriggerID: trigger.ID, TriggeredAt: d.Time, EndedNS: 1})
	})
}

// On a disk so slow that the queue falls behind by more than the server's
// patience, nothing is delivered a second time that is in somebody's hands.
func TestLongSlowDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: the queues fall 30 s behind")
	}
	for _, q := range queues {
		t.Run(q.name, func(t *testing.T) {
			t.Parallel()
			slowDisk(t, q.Queue, q.put, q.store, 400, 60*time.Millisecond)
		})
	}
}

// The same with less.
func TestSlowDisk(t *testing.T) {
	for _, q := range queues {
		t.Run(q.name, func(t *testing.T) {
			t.Parallel()
			slowDisk(t, q.Queue, q.put, q.store, 60, 20*time.Millisecond)
		})
	}
}

func slowDisk(t *testing.T, q jet.Queue, put func(*testing.T, *jet.Bus, int), store func(*testing.T, *jet.Bus, *jet.Delivery), n int, each time.Duration) {
	s := eventstest.Start(t, eventstest.Options{Sync: true, Slow: true})
	b := eventstest.Connect(t, s)
	put(t, b, n)
	stop := eventstest.SlowDisk(s.Server, each)
	defer stop()
	q.Name, q.Pending = "slow", 10_000
	var mu sync.Mutex
	came, again, oldest := map[string]int{}, 0, time.Duration(0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	all := make(chan struct{})
	var work sync.WaitGroup
	began := time.Now()
	pulled := make(chan error, 1)
	go func() {
		pulled <- b.Pull(ctx, q, 256, func(d *jet.Delivery) {
			mu.Lock()
			came[d.Subject+strconv.FormatUint(d.Sequence, 10)]++
			if d.Deliveries > 1 {
				again++
			}
			last := len(came) == n
			mu.Unlock()
			work.Go(func() {
				store(t, b, d)
				must(t, d.Ack())
				mu.Lock()
				oldest = max(oldest, time.Since(d.Received))
				mu.Unlock()
			})
			if last {
				close(all)
			}
		})
	}()
	<-all
	work.Wait()
	eventually5(t, func() bool {
		out, queued, err := b.Unsettled(t.Context(), q)
		return err == nil && out+queued == 0
	})
	cancel()
	must(t, <-pulled)
	mu.Lock()
	defer mu.Unlock()
	for subject, times := range came {
		if times != 1 {
			t.Errorf("%s was given out %d times", subject, times)
		}
	}
	if again > 0 {
		t.Errorf("%d were delivered again", again)
	}
	t.Logf("%d in %s, the slowest held for %s", n, time.Since(began).Round(time.Second), oldest.Round(time.Second))
}

// eventually5 is eventually with five minutes.
func eventually5(t *testing.T, f func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("did not come about within 5 minutes")
		}
	}
}

// What is finished leaves FILES in groups; what waits pins nothing for longer than
// a second; the ledger stays as it is.
func TestFinishedFilesLeave(t *testing.T) {
	b := eventstest.Bus(t)
	const n = 300
	var all []events.Trigger
	for i := range n {
		all = append(all, file(i))
	}
	if _, err := b.CommitFiles(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	gone := map[uint64]bool{}
	q := jet.RawQueue(jet.StreamFiles, jet.FilesOf("job"), jet.Queue{
		Name: "w", Pending: 500,
		Gone: func(some []uint64) {
			mu.Lock()
			defer mu.Unlock()
			for _, seq := range some {
				if gone[seq] {
					t.Errorf("%d is gone twice", seq)
				}
				gone[seq] = true
			}
		},
	})
	ctx, cancel := contextWithCancel(t)
	defer cancel()
	pulled := make(chan error, 1)
	waits := make(chan *jet.Delivery, 1)
	go func() {
		pulled <- b.Pull(ctx, q, 256, func(d *jet.Delivery) {
			if d.Subject == jet.FileSubject("job", all[7].File.Fingerprint) && d.Deliveries == 1 {
				must(t, d.Nak(time.Hour))
				waits <- d
				return
			}
			must(t, d.Ack())
		})
	}()
	pinned := <-waits
	left := func() []string {
		subjects, err := b.Subjects(t.Context(), jet.StreamFiles, jet.AllFiles)
		must(t, err)
		var names []string
		for s := range subjects {
			names = append(names, s)
		}
		return names
	}
	eventually(t, func() bool { return len(left()) == 1 })
	if got := left(); !slices.Equal(got, []string{pinned.Subject}) {
		t.Errorf("in the queue: %v", got)
	}
	if has, err := b.HasFiles(t.Context(), "job"); err != nil || !has {
		t.Errorf("HasFiles while one waits: %v, %v", has, err)
	}
	seen, err := b.Subjects(t.Context(), jet.StreamFiles, jet.AllSeen)
	if err != nil || len(seen) != n {
		t.Errorf("the ledger has %d files, want %d (%v)", len(seen), n, err)
	}
	cancel()
	must(t, <-pulled)
	mu.Lock()
	defer mu.Unlock()
	if len(gone) != n-1 || gone[pinned.Sequence] {
		t.Errorf("%d are said to be gone, want %d without the one that waits", len(gone), n-1)
	}
}

// When the consumer is lost, everything comes again that is still in the stream;
// what this process finished it does not give out again, and what another
// finished it says to be old.
func TestLostConsumer(t *testing.T) {
	s := eventstest.Start(t, eventstest.Options{})
	b, admin := eventstest.Connect(t, s), eventstest.Connect(t, s)
	var all []events.Trigger
	for i := range 100 {
		all = append(all, file(i))
	}
	if _, err := b.CommitFiles(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	q := jet.RawQueue(jet.StreamFiles, jet.FilesOf("job"), jet.Queue{Name: "w", Pending: 500})
	first := map[uint64]int{}
	ctx, cancel := contextWithCancel(t)
	defer cancel()
	var lost sync.Once
	for ctx.Err() == nil {
		_ = b.Pull(ctx, q, 64, func(d *jet.Delivery) {
			if d.First {
				t.Errorf("%d was stored before the consumer was made, and counts as never given out", d.Sequence)
			}
			if first[d.Sequence]++; len(first) >= 50 {
				lost.Do(func() { must(t, admin.DeleteConsumer(t.Context(), q)) })
			}
			must(t, d.Ack())
			if len(first) == 100 {
				cancel()
			}
		})
	}
	for seq, n := range first {
		if n != 1 {
			t.Errorf("%d was given out %d times", seq, n)
		}
	}
}

// How a trigger ended is known to every process until the trigger has left its
// queue, and to nobody for longer.
func TestEnds(t *testing.T) {
	for _, stream := range []string{jet.StreamFiles, jet.StreamTriggers} {
		s := eventstest.Start(t, eventstest.Options{})
		b, other := eventstest.Connect(t, s), eventstest.Connect(t, s)
		mine, theirs := b.NewEnds(stream), other.NewEnds(stream)
		var wg sync.WaitGroup
		for n := range uint64(200) {
			wg.Go(func() {
				if n%2 == 0 {
					must(t, mine.PutVerdict(t.Context(), n, events.Verdict{Verdict: "v", TriggerID: fmt.Sprint(n)}))
				} else {
					must(t, mine.PutResult(t.Context(), n, jet.EncodeResult(events.Result{TriggerID: fmt.Sprint(n)})))
				}
			})
		}
		wg.Wait()
		written, err := b.Subjects(t.Context(), stream, jet.DoneOf(stream))
		if err != nil || len(written) == 0 || len(written) >= 200 {
			t.Errorf("200 ends at a time made %d entries (%v)", len(written), err)
		}
		for n := range uint64(200) {
			now := time.Now()
			theirs.Ahead(now)
			end, found, err := theirs.Find(t.Context(), n, now)
			own, has, errOwn := mine.Find(t.Context(), n, now)
			switch {
			case errOwn != nil || !has || !cmp.Equal(own, end):
				t.Errorf("the end of %d, to who entered it: %+v, %v, %v; to others %+v", n, own, has, errOwn, end)
			case err != nil || !found || end.Sequence != n:
				t.Errorf("the end of %d: %+v, %v, %v", n, end, found, err)
			case n%2 == 0 && (end.Verdict == nil || end.Verdict.TriggerID != fmt.Sprint(n)), n%2 == 1 && (end.Result == nil || end.Result.TriggerID != fmt.Sprint(n)):
				t.Errorf("the end of %d: %+v", n, end)
			}
		}
		if _, found, err := mine.Find(t.Context(), 1000, time.Now()); found || err != nil {
			t.Errorf("an end that nobody entered: %v, %v", found, err)
		}
		must(t, theirs.PutVerdict(t.Context(), 900, events.Verdict{}))
		if _, found, err := mine.Find(t.Context(), 900, time.Now()); !found || err != nil {
			t.Errorf("an end that another process entered among ours: %v, %v", found, err)
		}
		theirs.Gone([]uint64{900})
		if _, found, err := theirs.Find(t.Context(), 1000, time.Now()); found || err != nil {
			t.Errorf("an end that nobody entered: %v, %v", found, err)
		}
		var all []uint64
		for n := range uint64(200) {
			all = append(all, n)
		}
		mine.Gone(all[:199])
		mine.Gone(all[199:])
		eventually(t, func() bool {
			left, err := b.Subjects(t.Context(), stream, jet.DoneOf(stream))
			return err == nil && len(left) == 0
		})
		// What a process left that has died, of triggers that are in no queue any more, goes too.
		must(t, mine.PutVerdict(t.Context(), 5000, events.Verdict{}))
		must(t, theirs.Sweep(t.Context()))
		if left, err := b.Subjects(t.Context(), stream, jet.DoneOf(stream)); err != nil || len(left) != 0 {
			t.Errorf("after a sweep %d are left (%v)", len(left), err)
		}
	}
}
