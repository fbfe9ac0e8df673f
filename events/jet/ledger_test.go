package jet_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// The ledger and queue pattern has three users. Each gives the suite its way of
// claiming the n-th thing, and of settling work before its ack; the promises
// are the same.
type ledger struct {
	name, stream, queue string
	claim               func(b *jet.Bus, t *testing.T, n int) (won bool, err error)
	settle              func(b *jet.Bus, t *testing.T, d *jet.Delivery) error
}

var ledgers = []ledger{
	{"files", jet.StreamFiles, jet.AllFiles, func(b *jet.Bus, t *testing.T, n int) (bool, error) {
		won, err := b.CommitFiles(t.Context(), []events.Trigger{file(n)})
		return err == nil && won[0], err
	}, nil},
	{"runs", jet.StreamRuns, jet.AllRunQueue, func(b *jet.Bus, t *testing.T, n int) (bool, error) {
		mine := events.Run{FlowJobID: fmt.Sprint("flow-", n), AcceptedAt: time.Now().UTC()}
		got, fresh, err := b.AcceptRun(t.Context(), "default", mine)
		if fresh != got.AcceptedAt.Equal(mine.AcceptedAt) {
			t.Errorf("fresh: %v, answered %+v for %+v", fresh, got, mine)
		}
		return fresh, err
	}, func(b *jet.Bus, t *testing.T, d *jet.Delivery) error {
		run, err := d.Run()
		return errors.Join(err, b.KeepRun(t.Context(), "default", run), b.KeepRun(t.Context(), "default", run))
	}},
	{"clock", jet.StreamTriggers, jet.TriggersOf(events.KindCron), func(b *jet.Bus, t *testing.T, n int) (bool, error) {
		clock, seq, err := b.Clock(t.Context())
		if err != nil || clock.Minute > events.Minute(n) {
			return false, err
		}
		trigger := events.Trigger{ID: events.CronTriggerID("j", events.Minute(n)), JobID: "j", Kind: events.KindCron}
		_, err = b.CommitPass(t.Context(), events.Clock{Minute: events.Minute(n) + 1}, seq, events.Answers{Fired: []events.Trigger{trigger}})
		if jet.IsConflict(err) {
			return false, nil
		}
		return err == nil, err
	}, nil},
}

func file(n int) events.Trigger {
	f := events.NewFile(fmt.Sprintf("file-%06d", n))
	f.Fingerprint = events.Hash(f.Path)
	return events.Trigger{ID: events.FileTriggerID("job", f.Fingerprint), JobID: "job", Kind: events.KindFile, File: f}
}

func TestLedger(t *testing.T) {
	for _, l := range ledgers {
		t.Run(l.name, func(t *testing.T) {
			s := eventstest.Start(t, eventstest.Options{})
			testLedger(t, l, []*jet.Bus{eventstest.Connect(t, s)}, func() { s.Restart(t) })
		})
	}
}

// On three servers, of which two are 100 ms behind, the promises are the same.
func TestLongLedgerBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("TestLong: starts three servers for each ledger")
	}
	for _, l := range ledgers {
		t.Run(l.name, func(t *testing.T) {
			c, last := behind(t, l.stream)
			testLedger(t, l, []*jet.Bus{last, c.Connect(t, c.Members[0]), c.Connect(t, c.Members[2])}, func() {
				leader := c.Leader(t, l.stream)
				leader.Stop()
				leader.Start(t)
			})
		})
	}
}

// testLedger is the suite; the claimers take turns with the buses.
func testLedger(t *testing.T, l ledger, buses []*jet.Bus, restart func()) {
	t.Run("of many who claim one wins", func(t *testing.T) {
		const things, claimers = 20, 4
		wins := make([]int, things)
		var mu sync.Mutex
		var wg sync.WaitGroup
		for c := range claimers {
			wg.Go(func() {
				for n := range things {
					won, err := l.claim(buses[c%len(buses)], t, n)
					if err != nil {
						t.Errorf("claim %d: %v", n, err)
					}
					if won {
						mu.Lock()
						wins[n]++
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		for n, w := range wins {
			if w != 1 {
				t.Errorf("thing %d was won %d times", n, w)
			}
		}
	})
	t.Run("the claim outlives the work and a restart", func(t *testing.T) {
		b := buses[0]
		seen := drainQueue(t, b, l.stream, l.queue, 20, func(d *jet.Delivery) {
			if l.settle == nil {
				return
			}
			if err := l.settle(b, t, d); err != nil {
				t.Error(err)
			}
		})
		if len(seen) != 20 {
			t.Fatalf("queue held %d messages, want 20", len(seen))
		}
		restart()
		eventually(t, func() bool { // what is sent in the moment of the reconnect may be lost
			_, _, err := b.Last(t.Context(), l.stream, l.queue)
			return err == nil
		})
		for n := range 20 {
			if won, err := l.claim(b, t, n); won || err != nil {
				t.Errorf("thing %d claimed again after a restart: %v, %v", n, won, err)
			}
		}
		if won, err := l.claim(b, t, 20); !won || err != nil {
			t.Errorf("a new thing after a restart: %v, %v", won, err)
		}
	})
}

// drainQueue settles and acks n messages of a queue and gives their subjects.
func drainQueue(t *testing.T, b *jet.Bus, stream, filter string, n int, settle func(*jet.Delivery)) []string {
	t.Helper()
	ctx, cancel := contextWithCancel(t)
	defer cancel()
	var subjects []string
	err := b.Pull(ctx, jet.RawQueue(stream, filter, jet.Queue{Name: "drain", Pending: 100}), 64, func(d *jet.Delivery) {
		subjects = append(subjects, d.Subject)
		settle(d)
		if err := d.Ack(); err != nil {
			t.Error(err)
		}
		if len(subjects) == n {
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		left, err := b.Subjects(t.Context(), stream, filter)
		return err == nil && len(left) == 0
	})
	return subjects
}

func TestCommitPairsLeavesOutWhatIsKnown(t *testing.T) {
	b := eventstest.Bus(t)
	var all []events.Trigger
	for n := range 1200 {
		all = append(all, file(n))
	}
	var some []events.Trigger
	for n := 0; n < 1200; n += 7 {
		some = append(some, all[n])
	}
	if _, err := b.CommitFiles(t.Context(), some); err != nil {
		t.Fatal(err)
	}
	won, err := b.CommitFiles(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	for n, w := range won {
		if w != (n%7 != 0) {
			t.Fatalf("file %d: won = %v", n, w)
		}
	}
	queued, err := b.Subjects(t.Context(), jet.StreamFiles, jet.AllFiles)
	if err != nil || len(queued) != 1200 {
		t.Errorf("%d files are queued, want 1200 (%v)", len(queued), err)
	}
}

func TestCommitIsAllOrNothing(t *testing.T) {
	b := eventstest.Bus(t)
	fired := []events.Trigger{{ID: "a", JobID: "a"}, {ID: "b", JobID: "b"}}
	_, err := b.CommitPass(t.Context(), events.Clock{Minute: 1}, 99, events.Answers{Fired: fired})
	if !jet.IsConflict(err) {
		t.Fatalf("commit with a wrong sequence: %v", err)
	}
	queued, err := b.Subjects(t.Context(), jet.StreamTriggers, ">")
	if err != nil || len(queued) != 0 {
		t.Errorf("a rejected commit left %v (%v)", queued, err)
	}
}

// The publishers of TRIGGERS keep to its bound, together; what empties it goes on.
func TestTriggersFull(t *testing.T) {
	s := eventstest.Start(t, eventstest.Options{Store: 32 << 20})
	publishers := []*jet.Bus{eventstest.Connect(t, s), eventstest.Connect(t, s)}
	put := func(n int) error {
		trigger := events.Trigger{ID: fmt.Sprint(n), JobID: "j", Kind: events.KindManual, By: strings.Repeat("x", 20_000)}
		_, err := publishers[n%2].PutTrigger(t.Context(), events.KindManual, trigger)
		return err
	}
	var err error
	n := 0
	for ; n < 1000 && err == nil; n++ {
		err = put(n)
	}
	// 1.3 MB, and a little for what one publisher does not know of the other yet.
	if !jet.IsFull(err) || n < 60 || n > 75 {
		t.Fatalf("after %d triggers of 20 kB: %v, want full", n, err)
	}
	if err := publishers[0].ClaimCall(t.Context(), events.Trigger{ID: "1", JobID: "j"}); err != nil {
		t.Errorf("a call while TRIGGERS is full: %v", err)
	}
	if err := publishers[0].Purge(t.Context(), jet.StreamTriggers, jet.TriggersOf(events.KindManual), 10); err != nil {
		t.Fatal(err)
	}
	if err := put(1000); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
}

func TestFullAndAway(t *testing.T) {
	s := eventstest.Start(t, eventstest.Options{Store: 32 << 20})
	b := eventstest.Connect(t, s)
	var err error
	for n := 0; n < 1_000_000 && err == nil; n += 400 {
		var some []events.Trigger
		for i := range 400 {
			some = append(some, file(n+i))
		}
		_, err = b.CommitFiles(t.Context(), some)
	}
	if !jet.IsFull(err) {
		t.Fatalf("filling FILES: %v, want full", err)
	}
	job := events.JobEvent{Event: events.JobCreated, Job: events.Job{ID: "j"}}
	if _, err := b.PutJob(t.Context(), job, 0); err != nil {
		t.Errorf("a job while FILES is full: %v", err)
	}
	if _, err := b.PutJob(t.Context(), job, 0); !jet.IsConflict(err) {
		t.Errorf("the same job again: %v, want a conflict", err)
	}
	s.Shutdown()
	s.WaitForShutdown()
	if _, err := b.PutJob(t.Context(), job, 1); events.CodeOf(err) != events.Unavailable {
		t.Errorf("without a server: %v (code %q)", err, events.CodeOf(err))
	}
	if err := b.Check(); err == nil {
		t.Error("Check without a server says nothing")
	}
	var e *events.Error
	if !errors.As(err, &e) {
		t.Error("full is not an events.Error")
	}
}

// Until its ledger entry is made, the place of a file in the queue is its claim,
// for those who commit one and for those who commit many; and it is not taken
// off the queue before that entry is made.
func TestAFileInTheQueueIsClaimed(t *testing.T) {
	b := eventstest.Bus(t)
	unfinished := func(n int) {
		t.Helper()
		if won, err := b.CommitFiles(t.Context(), []events.Trigger{file(n)}); err != nil || !won[0] {
			t.Fatal(won, err)
		}
		f := file(n).File // as when the process is killed between the two
		if err := b.Purge(t.Context(), jet.StreamFiles, jet.SeenSubject("job", f.Path, f.Fingerprint), 0); err != nil {
			t.Fatal(err)
		}
	}
	unfinished(0)
	unfinished(1)
	seen := func(n int) bool {
		t.Helper()
		f := file(n).File
		known, err := b.SeenFiles(t.Context(), []events.SeenFile{{JobID: "job", Path: f.Path, Fingerprint: f.Fingerprint}})
		if err != nil {
			t.Fatal(err)
		}
		return known[0]
	}
	if won, err := b.CommitFiles(t.Context(), []events.Trigger{file(0)}); err != nil || won[0] {
		t.Errorf("one that is queued was won again: %v, %v", won, err)
	}
	if !seen(0) || seen(1) {
		t.Errorf("the ledger has %v, %v: want what was looked at, and not the other", seen(0), seen(1))
	}
	var many []events.Trigger
	for n := range 50 {
		many = append(many, file(n))
	}
	won, err := b.CommitFiles(t.Context(), many)
	if err != nil || won[0] || won[1] || !won[2] || !won[49] {
		t.Errorf("of many, two of them queued, were won: %v, %v", won, err)
	}
	drainQueue(t, b, jet.StreamFiles, jet.AllFiles, 50, func(*jet.Delivery) {})
	if !seen(0) || !seen(1) {
		t.Error("a file has left the queue and is in no ledger")
	}
	if won, err := b.CommitFiles(t.Context(), many[:2]); err != nil || won[0] || won[1] {
		t.Errorf("files that were worked on were won again: %v, %v", won, err)
	}
}
