//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/faultpoint"
	"spool.internal/events/jet"
	"spool.internal/services/broker/store"
)

// faulty is spool as it reads SPOOL_FAULT, built when the first test asks for it.
var faulty = sync.OnceValues(func() (string, error) {
	name := filepath.Join(filepath.Dir(binary), "spool-faults")
	if out, err := exec.Command("go", "build", "-tags", "faults", "-o", name, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build spool with faults: %w\n%s", err, out)
	}
	return name, nil
})

// startToFail starts a spool which a fault is to strike, perhaps before it is ready.
func (p *harness) startToFail(fault string, args ...string) *process {
	p.Helper()
	name, err := faulty()
	if err != nil {
		p.Fatal(err)
	}
	pr := &process{p: p, args: args, log: &lockedBuffer{}, binary: name, env: []string{"SPOOL_FAULT=" + fault}}
	pr.launch()
	p.Cleanup(pr.kill)
	return pr
}

// roleFlags say where the broker of a harness is.
func (p *harness) roleFlags(role string) []string {
	return []string{"--data", p.data, "--nats-url", "nats://" + p.nats, "--nats-creds", filepath.Join(p.data, role+".creds")}
}

// struck waits until the fault has killed the process.
func (pr *process) struck() {
	pr.p.Helper()
	ended := make(chan struct{})
	go func() { _ = pr.cmd.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(eventstest.Patience):
		pr.p.Fatalf("SPOOL_FAULT did not strike: %s", tail(pr.log.String(), 1000))
	}
	if !strings.Contains(pr.log.String(), "SPOOL_FAULT: kill at") {
		pr.p.Fatalf("the process ended by itself: %s", tail(pr.log.String(), 1000))
	}
}

// tally counts calls and results of triggers.
type tally struct {
	*harness
	url string
	bus *jet.Bus

	mu      sync.Mutex
	calls   map[string]int
	results map[string]int
}

func newTally(p *harness) *tally {
	y := &tally{harness: p, calls: map[string]int{}, results: map[string]int{}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		y.mu.Lock()
		y.calls[r.Header.Get(events.HeaderKey)]++
		y.mu.Unlock()
		time.Sleep(5 * time.Millisecond)
		_, _ = io.WriteString(w, `{"status":"OK"}`)
	}))
	p.Cleanup(s.Close)
	y.url = s.URL
	return y
}

// follow counts what is stored, also what is soon pushed out of the stream.
func (y *tally) follow(ctx context.Context) {
	for ctx.Err() == nil {
		_ = y.bus.Results("").Follow(ctx, jet.Beginning, func(m jet.Entry[events.Result]) {
			y.mu.Lock()
			defer y.mu.Unlock()
			y.results[m.TriggerID()]++
		})
	}
}

// ended returns the triggers whose end is stored by now.
func (y *tally) ended() map[string]bool {
	y.Helper()
	ids := map[string]bool{}
	for _, entries := range []jet.View[[]jet.End]{y.bus.FileEnds().Entries(), y.bus.TriggerEnds().Entries()} {
		for _, ends := range read(y.harness, entries) {
			for _, e := range ends {
				ids[e.Result.TriggerID] = true
			}
		}
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	for id := range y.results {
		ids[id] = true
	}
	return ids
}

// A dispatcher that is killed at each step of what it does, where only ten results
// of a job are kept: what has ended is never called again, and nothing has two results.
func TestLongKillAtEachStep(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: it builds spool once more and kills it in seven places")
	}
	t.Parallel()
	for _, step := range []string{
		faultpoint.DispatchTaken, faultpoint.DispatchCalled, faultpoint.DispatchEnded, faultpoint.DispatchStored,
		faultpoint.QueueAcked, faultpoint.QueuePurged, faultpoint.EndsPurged,
	} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			killDispatcher(t, step)
		})
	}
}

func killDispatcher(t *testing.T, step string) {
	y := newTally(newHarness(t))
	y.start("broker", "--data", y.data, "--nats-listen", y.nats, "--results-per-job", "10")
	y.bus = y.harness.bus()
	y.putWatchJob(y.bus, "job", "in", 16)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var following sync.WaitGroup
	following.Go(func() { y.follow(ctx) })
	defer following.Wait()
	defer cancel()
	all := y.queue(400, 40)
	at := "200"
	switch step {
	case faultpoint.QueueAcked:
		at = "12"
	case faultpoint.QueuePurged, faultpoint.EndsPurged:
		at = "1"
	}
	args := append([]string{"dispatcher", "--run-binary-url", y.url + events.RunBinaryPath}, y.roleFlags("dispatcher")...)
	y.startToFail(step+"=kill@"+at, args...).struck()
	over := y.ended()
	t.Logf("killed at %s when %d of %d had ended", step, len(over), len(all))
	// Of two dispatchers the one that was not killed must know it, too.
	y.start(args...)
	y.start(args...)
	y.eventually("everything was called and has left its queue", func() bool {
		files, err1 := y.bus.Files("").Count(t.Context())
		triggers, err2 := y.bus.Triggers("", "").Count(t.Context())
		y.mu.Lock()
		defer y.mu.Unlock()
		return err1 == nil && err2 == nil && files+triggers == 0 && len(y.calls) == len(all)
	})
	y.mu.Lock()
	defer y.mu.Unlock()
	again := 0
	for _, id := range all {
		switch n := y.calls[id]; {
		case n == 0:
			t.Errorf("%s was not called", id)
		case n > 1 && over[id]:
			t.Errorf("%s had come to its end, and was called %d times", id, n)
		case n > 1:
			again++ // its end was known to nobody
		}
		if y.results[id] > 1 { // some were pushed out before they were seen here
			t.Errorf("%s has %d results", id, y.results[id])
		}
	}
	if again > 64 {
		t.Errorf("%d were called twice: more than were in flight", again)
	}
}

// queue queues files and triggers of the job, and gives their identities.
func (y *tally) queue(files, triggers int) (ids []string) {
	y.Helper()
	var all []events.Trigger
	for n := range files {
		f := events.NewFile(fmt.Sprint("in/file-", n))
		f.Fingerprint, f.InputDir = events.Hash(f.Path), testDrive+"/in"
		all = append(all, events.Trigger{ID: events.FileTriggerID("job", f.Fingerprint), JobID: "job", Kind: events.KindFile, File: f})
		ids = append(ids, all[n].ID)
	}
	if _, err := y.bus.CommitFiles(y.Context(), all); err != nil {
		y.Fatal(err)
	}
	for n := range triggers {
		t := events.Trigger{ID: events.ManualTriggerID("job", fmt.Sprint(n)), JobID: "job", Kind: events.KindManual, At: time.Now()}
		if _, err := y.bus.PutTrigger(y.Context(), events.KindManual, t); err != nil {
			y.Fatal(err)
		}
		ids = append(ids, t.ID)
	}
	return ids
}

// A watcher that is killed between the two messages of a file, or after both: the
// file is called for once.
func TestLongKillWhileAFileIsQueued(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: it builds spool once more")
	}
	t.Parallel()
	for _, step := range []string{faultpoint.FileCommitted, faultpoint.FileEntered} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			y := newTally(newHarness(t))
			y.start("broker", "--data", y.data, "--nats-listen", y.nats)
			y.bus = y.harness.bus()
			y.putWatchJob(y.bus, "job", "in", 16)
			y.start(append([]string{"dispatcher", "--run-binary-url", y.url + events.RunBinaryPath}, y.roleFlags("dispatcher")...)...)
			watcher := append([]string{"watcher", "--drive", testDrive + "=" + y.dir}, y.roleFlags("watcher")...)
			w := y.startToFail(step+"=kill@1", watcher...)
			if err := os.WriteFile(filepath.Join(y.dir, "in", "a"), []byte("a"), 0o644); err != nil {
				t.Fatal(err)
			}
			w.struck()
			y.start(watcher...)
			if err := os.WriteFile(filepath.Join(y.dir, "in", "b"), []byte("b"), 0o644); err != nil {
				t.Fatal(err)
			}
			y.eventually("both are called for and have left the queue", func() bool {
				files, err := y.bus.Files("").Count(t.Context())
				y.mu.Lock()
				defer y.mu.Unlock()
				return err == nil && files == 0 && len(y.calls) == 2
			})
			y.mu.Lock()
			defer y.mu.Unlock()
			for id, n := range y.calls {
				if n != 1 {
					t.Errorf("%s was called %d times", id, n)
				}
			}
			seen, err := y.bus.Seen("").Count(t.Context())
			if err != nil || seen != 2 {
				t.Errorf("the ledger has %d files, want 2 (%v)", seen, err)
			}
		})
	}
}

// A dispatcher that is killed when it has given a trigger up and stored the dead
// letter: the next one ends it with one result and one letter.
func TestLongKillWithADeadLetter(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: it builds spool once more")
	}
	t.Parallel()
	p := newHarness(t)
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	t.Cleanup(broken.Close)
	p.start("broker", "--data", p.data, "--nats-listen", p.nats)
	bus := p.bus()
	seq, err := bus.PutJob(t.Context(), events.JobEvent{Event: events.JobCreated, Job: events.Job{
		ID: "job", Username: "admin", Status: events.Enabled,
		Parameters: fmt.Appendf(nil, `{"name":"job","schedule":"@yearly","flow_parameters":{"auth_token":"x","binary_path":"%s/f","input_dir":"%s/in"},"spool":{"retry_for":"2s"}}`, testDrive, testDrive),
	}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	trigger := events.Trigger{ID: events.ManualTriggerID("job", "1"), JobID: "job", Kind: events.KindManual, JobSeq: seq, At: time.Now()}
	if _, err := bus.PutTrigger(t.Context(), events.KindManual, trigger); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"dispatcher", "--run-binary-url", broken.URL + events.RunBinaryPath, "--retry-waits", "500ms"}, p.roleFlags("dispatcher")...)
	p.startToFail(faultpoint.DispatchDead+"=kill", args...).struck()
	p.start(args...)
	p.eventually("the trigger has left its queue", func() bool {
		left, err := bus.Triggers("", "").Count(t.Context())
		return err == nil && left == 0
	})
	results := timesOf(read(p, bus.Results("job")), func(r events.Result) string { return r.TriggerID })
	letters := read(p, bus.DeadLetters(""))
	if len(results) != 1 || results[trigger.ID] != 1 || len(letters) != 1 {
		t.Errorf("results %v, %d dead letters; want one of each", results, len(letters))
	}
}

// A broker that is killed at each step of bringing the queue of files of an older
// Spool to its new form: the next start goes on from there, and each file is called
// for once.
func TestLongKillWhileTheStoreIsBroughtUpToDate(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: it builds spool once more")
	}
	t.Parallel()
	for _, step := range []string{faultpoint.StoreJournal, faultpoint.StoreMeta, faultpoint.StoreSum} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			y := newTally(newHarness(t))
			broker := []string{"broker", "--data", y.data, "--nats-listen", y.nats}
			pr := y.start(broker...)
			y.bus = y.harness.bus()
			y.putWatchJob(y.bus, "job", "in", 16)
			y.queue(50, 0)
			pr.stop(syscall.SIGTERM)
			y.makeOlder()
			y.startToFail(step+"=kill", broker...).struck()
			y.start(broker...)
			y.bus = y.harness.bus()
			queued, err1 := y.bus.Files("").Count(t.Context())
			seen, err2 := y.bus.Seen("").Count(t.Context())
			if queued != 50 || seen != 50 {
				t.Errorf("%d files are queued and %d in the ledger, want 50 (%v, %v)", queued, seen, err1, err2)
			}
			y.start(append([]string{"dispatcher", "--run-binary-url", y.url + events.RunBinaryPath}, y.roleFlags("dispatcher")...)...)
			y.eventually("all are called for and have left the queue", func() bool {
				left, err := y.bus.Files("").Count(t.Context())
				return err == nil && left == 0
			})
			y.mu.Lock()
			defer y.mu.Unlock()
			for id, n := range y.calls {
				if n != 1 {
					t.Errorf("%s was called %d times", id, n)
				}
			}
			if len(y.calls) != 50 {
				t.Errorf("%d files were called for, want 50", len(y.calls))
			}
		})
	}
}

// makeOlder gives the queue of files the settings that an older Spool made.
func (p *harness) makeOlder() {
	p.Helper()
	meta := p.one(filepath.Join(jet.FilesStream, "meta.inf"))
	text, err := os.ReadFile(meta)
	settings := map[string]any{}
	if err == nil {
		err = json.Unmarshal(text, &settings)
	}
	if err != nil {
		p.Fatal(err)
	}
	settings["retention"] = "workqueue"
	settings["max_bytes"], settings["metadata"] = 1<<28, map[string]string{}
	text = events.Encode(settings)
	for name, text := range map[string]string{meta: string(text), filepath.Join(filepath.Dir(meta), "meta.sum"): store.SettingsSum(jet.FilesStream, text)} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			p.Fatal(err)
		}
	}
}
