package broker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/services/broker/store"
)

// harness is a broker whose store is noted, as spool serve has it.
type harness struct {
	*testing.T
	*Broker
	dir  string
	keep sync.WaitGroup
	end  context.CancelFunc
	says error // of Keep
}

func newHarness(t *testing.T, dir string, d Durability) *harness {
	t.Helper()
	b, err := Start(t.Context(), Config{DataDir: dir, Durability: d, MaxStore: 1 << 30, ResultsPerJob: 1000, Log: eventstest.Log(t)})
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{T: t, Broker: b, dir: dir}
	ctx, end := context.WithCancel(t.Context())
	h.end = end
	h.keep.Go(func() { h.says = b.Keep(ctx) })
	h.until("the jobs are counted", func() bool { return b.jobs.known() != nil })
	t.Cleanup(h.stop)
	return h
}

// stop stops the broker in order.
func (h *harness) stop() {
	h.end()
	h.keep.Wait()
	_ = h.Close(context.Background())
}

func (h *harness) until(what string, f func() bool) {
	h.Helper()
	eventstest.Eventually(h, what, f)
}

// fill stores n jobs, of which the last is deleted, and n results.
func (h *harness) fill(n int) {
	h.Helper()
	bus, err := h.Connect(h.Context(), "gateway")
	if err != nil {
		h.Fatal(err)
	}
	defer bus.Close(context.Background()) //nolint:errcheck // a later read would show what is missing
	for i := range n {
		id := fmt.Sprintf("job-%d", i)
		seq, err := bus.PutJob(h.Context(), events.JobEvent{Event: events.JobCreated, Job: events.Job{ID: id}}, 0)
		if err == nil && i == n-1 {
			_, err = bus.PutJob(h.Context(), events.JobEvent{Event: events.JobDeleted, Job: events.Job{ID: id}}, seq)
		}
		if err != nil {
			h.Fatal(err)
		}
		if _, err := bus.Results(id).Put(h.Context(), events.Result{JobID: id, TriggerID: strings.Repeat("x", 100) + id}); err != nil {
			h.Fatal(err)
		}
	}
	h.until("they are counted", func() bool { return h.jobs.known().Live == n-1 })
	if err := h.note(); err != nil {
		h.Fatal(err)
	}
}

// count gives how many jobs and messages of results there are.
func (h *harness) count() (jobs, results int) {
	h.Helper()
	bus, err := h.Connect(h.Context(), "gateway")
	if err != nil {
		h.Fatal(err)
	}
	defer bus.Close(context.Background()) //nolint:errcheck // was only read
	if err := bus.EachJob(h.Context(), func(events.Job) { jobs++ }); err != nil {
		h.Fatal(err)
	}
	if err := bus.Results("").Since(h.Context(), time.Time{}, func(jet.Entry[events.Result]) bool { results++; return true }); err != nil {
		h.Fatal(err)
	}
	return jobs, results
}

// tryStart starts a broker on a folder and stops it.
func tryStart(t *testing.T, dir string) error {
	t.Helper()
	b, err := Start(t.Context(), Config{DataDir: dir, Durability: Fsync, MaxStore: 1 << 30, ResultsPerJob: 1000, Log: eventstest.Log(t)})
	if err == nil {
		err = b.Close(context.Background())
	}
	return err
}

const jobsWritten = 8

// damage is something that happens to a data folder. at finds a file of a stream.
type damage struct {
	name string
	do   func(t *testing.T, dir string)
	says string // in what the start says; "" = nothing, the store is whole or mended
	jobs int    // that are there once the loss is accepted
	rest int    // results
}

func inStream(stream, name string, f func(t *testing.T, file string)) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(dir, "nats", "jetstream", "*", "streams", stream, name))
		if err != nil || len(found) != 1 {
			t.Fatalf("%s/%s: %v %v", stream, name, found, err)
		}
		f(t, found[0])
	}
}

// overwrite puts garbage at a part of a file: from a quarter of its length on, say.
func overwrite(quarter int, text string) func(*testing.T, string) {
	return func(t *testing.T, file string) {
		t.Helper()
		whole, err := os.ReadFile(file)
		if err == nil {
			copy(whole[min(len(whole)*quarter/4, len(whole)-len(text)):], text)
			err = os.WriteFile(file, whole, 0o640)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func cut(quarters int) func(*testing.T, string) {
	return func(t *testing.T, file string) {
		t.Helper()
		info, err := os.Stat(file)
		if err == nil {
			err = os.Truncate(file, info.Size()*int64(quarters)/4)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func zeros(t *testing.T, file string) {
	t.Helper()
	info, err := os.Stat(file)
	if err == nil {
		err = os.WriteFile(file, make([]byte, info.Size()), 0o640)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, file string) {
	t.Helper()
	if err := os.RemoveAll(file); err != nil {
		t.Fatal(err)
	}
}

func damages() []damage {
	const n = jobsWritten
	jobs, results := streamJobs, streamResults
	return []damage{
		{"nothing", func(*testing.T, string) {}, "", n - 1, n},
		{"garbage at the beginning", inStream(jobs, "msgs/1.blk", overwrite(0, "garbage")), "stream JOBS: ", n - 2, n},
		{"garbage in the middle", inStream(jobs, "msgs/1.blk", overwrite(2, "garbage")), "stream JOBS: ", n - 2, n},
		{"garbage at the end", inStream(results, "msgs/1.blk", overwrite(4, "garbage")), "stream RESULTS: ", n - 1, n - 1},
		{"a block cut off", inStream(results, "msgs/1.blk", cut(2)), "stream RESULTS: ", n - 1, n / 2},
		{"a block of zeros", inStream(results, "msgs/1.blk", zeros), "stream RESULTS: ", n - 1, 0},
		{"an empty block", inStream(jobs, "msgs/1.blk", cut(0)), "7 of 7 jobs", 0, n},
		{"no block", inStream(jobs, "msgs/1.blk", remove), "7 of 7 jobs", 0, n},
		{"no blocks at all", inStream(results, "msgs", remove), "stream RESULTS: ", n - 1, 0},
		{"no stream", inStream(jobs, "", remove), "stream JOBS is gone", 0, n},
		{"no streams", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "nats", "jetstream")) }, "stream RESULTS is gone", 0, 0},
		{"garbage for settings", inStream(jobs, "meta.inf", overwrite(1, "garbage\x00")), "", n - 1, n},
		{"no settings", inStream(jobs, "meta.inf", remove), "", n - 1, n},
		{"empty settings", inStream(results, "meta.inf", cut(0)), "", n - 1, n},
		{"garbage for the sum of the settings", inStream(jobs, "meta.sum", overwrite(1, "garbage")), "", n - 1, n},
		{"no sum of the settings", inStream(results, "meta.sum", remove), "", n - 1, n},
		{"garbage for the index", inStream(jobs, "msgs/index.db", overwrite(1, "garbage")), "", n - 1, n},
		{"no index", inStream(jobs, "msgs/index.db", remove), "", n - 1, n},
		{"an empty index", inStream(jobs, "msgs/index.db", cut(0)), "", n - 1, n},
	}
}

// A store that has lost something is refused, whatever it was, and stays as it is; what
// can be mended is. Once the loss is accepted the rest of it is there.
func TestDamagedStore(t *testing.T) {
	t.Parallel()
	whole := filepath.Join(t.TempDir(), "whole")
	h := newHarness(t, whole, Fsync)
	h.fill(jobsWritten)
	h.stop()
	for i, d := range damages() {
		if testing.Short() && i%3 != 1 {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			d.do(t, dir)
			if d.says == "" {
				expect(t, dir, d.jobs, d.rest)
				return
			}
			for range 2 { // the first start has not hidden it from the second
				err := tryStart(t, dir)
				if _, lost := errors.AsType[*Lost](err); !lost || !strings.Contains(err.Error(), d.says) || !strings.Contains(err.Error(), "spool store accept-loss --data "+dir) {
					t.Fatalf("start: %v, want %q", err, d.says)
				}
			}
			streams, err := Store(dir)
			if err != nil {
				t.Fatal(err)
			}
			lost, _, err := store.AcceptLoss(dir, streams)
			if err != nil || len(lost) == 0 {
				t.Fatalf("accept: %q, %v", lost, err)
			}
			if lost, _, err := store.AcceptLoss(dir, streams); err != nil || len(lost) != 0 {
				t.Errorf("accept again: %q, %v", lost, err)
			}
			expect(t, dir, d.jobs, d.rest)
		})
	}
}

// expect starts a broker twice, writes in between, and counts.
func expect(t *testing.T, dir string, jobs, results int) {
	t.Helper()
	for i := range 2 {
		h := newHarness(t, dir, Fsync)
		gotJobs, gotResults := h.count()
		if gotJobs != jobs+i || gotResults != results {
			t.Errorf("start %d: %d jobs and %d results, want %d and %d", i, gotJobs, gotResults, jobs+i, results)
		}
		bus, err := h.Connect(t.Context(), "gateway")
		if err != nil {
			t.Fatal(err)
		}
		seq, err := bus.PutJob(t.Context(), events.JobEvent{Event: events.JobCreated, Job: events.Job{ID: fmt.Sprint("more-", i)}}, 0)
		if err != nil || seq <= jobsWritten {
			t.Errorf("a new job: %d, %v; want a sequence that was not given out before", seq, err)
		}
		if err := bus.Close(t.Context()); err != nil {
			t.Error(err)
		}
		h.stop()
	}
}

// After a kill -9 the note is all that is known: it is enough for what was cut off, and
// for jobs.
func TestDamagedStoreAfterAKill(t *testing.T) {
	t.Parallel()
	killed := filepath.Join(t.TempDir(), "killed")
	h := newHarness(t, filepath.Join(t.TempDir(), "data"), Fsync)
	h.fill(jobsWritten)
	if err := errors.Join(os.Remove(filepath.Join(h.dir, controlFile)), os.CopyFS(killed, os.DirFS(h.dir))); err != nil { // nothing is written meanwhile
		t.Fatal(err)
	}
	h.stop()
	for _, d := range damages() {
		if d.name == "a block cut off" || d.name == "no block" || d.name == "garbage in the middle" || d.name == "no streams" || d.name == "no settings" || d.name == "nothing" {
			t.Run(d.name, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "data")
				if err := os.CopyFS(dir, os.DirFS(killed)); err != nil {
					t.Fatal(err)
				}
				d.do(t, dir)
				err := tryStart(t, dir)
				if _, lost := errors.AsType[*Lost](err); lost != (d.says != "") || lost && !strings.Contains(err.Error(), d.says) {
					t.Errorf("start: %v, want %q", err, d.says)
				}
			})
		}
	}
}

// An accept-loss that was cut off is not taken for one that was not run.
func TestAcceptLossCutOff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := newHarness(t, dir, Fsync)
	h.fill(jobsWritten)
	h.stop()
	inStream(streamJobs, "msgs/1.blk", overwrite(2, "garbage"))(t, dir)
	streams, err := Store(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "damaged"), nil, 0o600); err != nil { // no copies can be made
		t.Fatal(err)
	}
	if lost, _, err := store.AcceptLoss(dir, streams); err == nil {
		t.Errorf("accept without copies: %q", lost)
	}
	if err := tryStart(t, dir); err == nil || !strings.Contains(err.Error(), "accept-loss was cut off") || !strings.Contains(err.Error(), "stream JOBS: ") {
		t.Errorf("start: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "damaged")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.AcceptLoss(dir, streams); err != nil {
		t.Fatal(err)
	}
	expect(t, dir, jobsWritten-2, jobsWritten)
}

// A consumer whose state is damaged begins anew, one whose settings are goes on; the
// server by itself would have neither.
func TestDamagedConsumer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file string
		do   func(*testing.T, string)
		next uint64 // message, of which three were acked
	}{
		{"o.dat", func(*testing.T, string) {}, 4},
		{"o.dat", overwrite(0, "garbage"), 1},
		{"o.dat", cut(2), 1},
		{"o.dat", cut(0), 1},
		{"meta.inf", overwrite(0, "garbage"), 4},
		{"meta.inf", cut(2), 4},
	} {
		dir := t.TempDir()
		h := newHarness(t, dir, Fsync)
		h.fill(jobsWritten)
		if got := h.consume(3); got != 1 {
			t.Fatalf("the first message is %d", got)
		}
		h.stop()
		inStream(streamResults, "obs/reader/"+c.file, c.do)(t, dir)
		h = newHarness(t, dir, Fsync)
		if got := h.consume(1); got != c.next {
			t.Errorf("%s: the next message is %d, want %d", c.file, got, c.next)
		}
		h.stop()
	}
}

// consume makes a durable consumer of RESULTS, has n messages and acks them. It gives
// the sequence of the first.
func (h *harness) consume(n int) (first uint64) {
	h.Helper()
	nc, err := nats.Connect("", nats.InProcessServer(h.srv), nats.UserCredentialBytes(h.creds))
	if err != nil {
		h.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		h.Fatal(err)
	}
	c, err := js.CreateOrUpdateConsumer(h.Context(), streamResults, jetstream.ConsumerConfig{Durable: "reader", AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		h.Fatal(err)
	}
	for range n {
		m, err := c.Next(jetstream.FetchMaxWait(20 * time.Second))
		if err != nil {
			h.Fatal(err)
		}
		meta, err := m.Metadata()
		if err == nil {
			err = m.DoubleAck(h.Context())
		}
		if err != nil {
			h.Fatal(err)
		}
		if first == 0 {
			first = meta.Sequence.Stream
		}
	}
	return first
}

// When the folder is taken away nobody is told any more that something is stored: not
// the services of this process, and no role outside.
func TestNothingIsAcknowledgedWithoutTheFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	b := start(t, dir, "127.0.0.1:0")
	outside := join(t, b, dir, Gateway)
	inside, err := b.Connect(t.Context(), "gateway")
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Close(context.Background()) //nolint:errcheck // it cannot
	put := func(i int) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := inside.PutJob(ctx, events.JobEvent{Event: events.JobCreated, Job: events.Job{ID: fmt.Sprint("j", i)}}, 0)
		return err
	}
	if err := put(0); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Keep(ctx) }()
	eventstest.Eventually(t, "the folder is watched", func() bool { return b.jobs.known() != nil }) // from before then on
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	eventstest.Eventually(t, "the loss is noticed", func() bool { return b.Place() != nil })
	eventstest.Eventually(t, "the role outside is disconnected", func() bool { return !outside.IsConnected() })
	for i := range 3 {
		if err := put(i + 1); err == nil {
			t.Error("a job was acknowledged")
		}
		if _, err := outside.Request(jobSubject(fmt.Sprint("k", i)), []byte("{}"), time.Second); err == nil {
			t.Error("a job of a role outside was acknowledged")
		}
	}
	end()
	if _, lost := errors.AsType[*Lost](<-ended); !lost {
		t.Error("Keep does not say that the folder is lost")
	}
	if err := b.Close(t.Context()); err != nil {
		t.Logf("close: %v", err) // connections that were cut
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder was made anew by the stop")
	}
	// The process would end here, and the server with it.
	if err := os.Rename(dir+"-away", dir); err != nil {
		t.Fatal(err)
	}
	b.srv.now().Shutdown()
	b.srv.now().WaitForShutdown()
}
