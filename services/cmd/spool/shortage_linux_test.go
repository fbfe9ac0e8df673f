package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// What a store is short of for a while, under load.
type shortages struct {
	files, triggers time.Duration // one each
	lasts, rest     time.Duration // of a shortage, and of the load after it
	times           int
}

var (
	brief  = shortages{files: 100 * time.Millisecond, triggers: 400 * time.Millisecond, lasts: 3 * time.Second, rest: 2 * time.Second, times: 1}
	middle = shortages{files: 100 * time.Millisecond, triggers: 400 * time.Millisecond, lasts: 10 * time.Second, rest: 5 * time.Second, times: 2}
	whole  = shortages{files: 50 * time.Millisecond, triggers: 200 * time.Millisecond, lasts: 30 * time.Second, rest: 15 * time.Second, times: 3}
)

func TestFullDisk(t *testing.T)             { t.Parallel(); fullDisk(t, brief) }
func TestLostDescriptors(t *testing.T)      { t.Parallel(); lostDescriptors(t, brief) }
func TestLongFullDisk(t *testing.T)         { long(t); t.Parallel(); fullDisk(t, middle) }
func TestLongLostDescriptors(t *testing.T)  { long(t); t.Parallel(); lostDescriptors(t, middle) }
func TestChaosFullDisk(t *testing.T)        { chaos(t); fullDisk(t, whole) }
func TestChaosLostDescriptors(t *testing.T) { chaos(t); lostDescriptors(t, whole) }

func chaos(t *testing.T) {
	if os.Getenv("SPOOL_CHAOS") == "" {
		t.Skip("make chaos runs it: it takes minutes")
	}
}

// fullDisk fills the disk of the data folder, several times, and gives the room back.
func fullDisk(t *testing.T, how shortages) {
	disk := eventstest.NewSmallDisk(t, 768<<20, testing.Short())
	s := newLoaded(t, how, filepath.Join(disk.Dir, "data"))
	s.run(func() (giveBack func()) { return disk.Fill() })
}

// lostDescriptors takes from the running process what it would open next.
func lostDescriptors(t *testing.T, how shortages) {
	if os.Getuid() != 0 {
		t.Skip("needs root: it changes the limit of another process")
	}
	s := newLoaded(t, how, "")
	s.run(func() (giveBack func()) {
		pid := s.server.cmd.Process.Pid
		var had unix.Rlimit
		if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &had); err != nil {
			t.Fatal(err)
		}
		set := func(cur uint64) {
			if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: cur, Max: had.Max}, nil); err != nil {
				t.Error(err)
			}
		}
		set(8)
		return func() { set(had.Cur) }
	})
}

// loaded is a spool under load.
type loaded struct {
	*harness
	how     shortages
	server  *process
	files   string // the job of the files
	clicks  string // the job of the triggers
	flowLog string // each start of a flow is a line

	asker *http.Client

	mu      sync.Mutex
	dropped []string
	keys    map[string]bool // of triggers that were acknowledged
	refused int
}

func newLoaded(t *testing.T, how shortages, data string) *loaded {
	s := &loaded{harness: newHarness(t), how: how, keys: map[string]bool{}, asker: &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{}}}
	if data != "" {
		s.data = data
	}
	s.flowLog = filepath.Join(t.TempDir(), "starts")
	s.flow("count.ibflowbin", "#!/bin/sh\necho \"$SPOOL_JOB_ID $SPOOL_RUN_ID $(ls \"$1\")\" >>"+s.flowLog+"\n")
	s.server = s.serve("--sandbox", "off", "--results-per-job", "20000", "--rate", "-1")
	s.files = s.job("files", "", "count.ibflowbin", "in", nil)
	s.clicks = s.job("clicks", "@yearly", "count.ibflowbin", "tick/in", nil)
	return s
}

// load drops files and pulls triggers until the function that it returns ends it,
// once each trigger is acknowledged.
func (s *loaded) load() (end func()) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	every := func(d time.Duration, f func(n int)) {
		wg.Go(func() {
			tick := time.NewTicker(d)
			defer tick.Stop()
			for n := 0; ; n++ {
				select {
				case <-tick.C:
					f(n)
				case <-stop:
					return
				}
			}
		})
	}
	every(s.how.files, func(n int) {
		name := fmt.Sprintf("f%06d", n)
		if err := os.WriteFile(filepath.Join(s.dir, "in", name), []byte(name), 0o644); err != nil {
			s.Error(err)
			return
		}
		s.mu.Lock()
		s.dropped = append(s.dropped, name)
		s.mu.Unlock()
	})
	every(s.how.triggers, func(n int) {
		wg.Go(func() { s.trigger(fmt.Sprint("key-", n)) })
	})
	return func() { close(stop); wg.Wait() }
}

// trigger asks for a run until that is acknowledged, as a careful client does.
func (s *loaded) trigger(key string) {
	token, err := os.ReadFile(filepath.Join(s.data, "admin.token"))
	for err != nil { // the test's own descriptors are not short
		s.Error(err)
		return
	}
	client := &http.Client{Timeout: 5 * time.Second}
	for s.Context().Err() == nil {
		req, err := http.NewRequestWithContext(s.Context(), http.MethodPost, "http://"+s.api+"/api/v2/jobs/"+s.clicks+"/trigger", bytes.NewReader(nil))
		if err != nil {
			s.Error(err)
			return
		}
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
		req.Header.Set("Idempotency-Key", key)
		resp, err := client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusAccepted {
				s.mu.Lock()
				s.keys[key] = true
				s.mu.Unlock()
				return
			}
		}
		s.mu.Lock()
		s.refused++
		s.mu.Unlock()
		time.Sleep(200 * time.Millisecond)
	}
}

// ready reports whether Spool is ready, and if not, why.
func (s *loaded) ready() (bool, string) {
	resp, err := s.asker.Get("http://" + s.api + "/readyz") // over one connection: spool may not be able to take another
	if err != nil {
		return false, ""
	}
	defer resp.Body.Close()
	var a struct {
		Ready bool            `json:"ready"`
		Why   json.RawMessage `json:"not_ready"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		return false, ""
	}
	return a.Ready, string(a.Why)
}

// run has the load go on through the shortages, and judges.
func (s *loaded) run(short func() (giveBack func())) {
	end := s.load()
	ended := sync.OnceFunc(end)
	defer ended()
	time.Sleep(2 * time.Second)
	s.eventually("ready", func() bool { ready, _ := s.ready(); return ready })
	pid := s.server.cmd.Process.Pid
	for range s.how.times {
		giveBack := sync.OnceFunc(short())
		defer giveBack()
		until, said := time.Now().Add(s.how.lasts), ""
		for time.Now().Before(until) {
			if ready, why := s.ready(); !ready && why != "" {
				said = why
			}
			time.Sleep(50 * time.Millisecond)
		}
		waiting := s.waiting()
		had := map[string]int{s.files: strings.Count(s.starts(), s.files), s.clicks: strings.Count(s.starts(), s.clicks)}
		giveBack()
		back := time.Now()
		for job, n := range had {
			s.eventually("runs are started again", func() bool { return strings.Count(s.starts(), job) > n })
		}
		started := time.Since(back)
		still := ""
		s.eventually("ready again", func() bool {
			ready, why := s.ready()
			if !ready {
				still = fmt.Sprintf("; until then %s", why)
			}
			return ready
		})
		ready := time.Since(back)
		s.probe(back)
		for line := range strings.Lines(s.server.log.String()) {
			if strings.Contains(line, "opened anew") {
				s.Logf("room at %s; %s", back.UTC().Format("15:04:05.000"), strings.TrimSpace(line))
			}
		}
		s.Logf("after the shortage runs of both jobs were started within %s, ready within %s; what came then had run, behind %d that had waited, within %s; meanwhile not ready: %s%s",
			started.Round(10*time.Millisecond), ready.Round(10*time.Millisecond), waiting, time.Since(back).Round(10*time.Millisecond), said, still)
		time.Sleep(s.how.rest)
	}
	ended()
	s.checkAll()
	if s.server.cmd.Process.Pid != pid || unix.Kill(pid, 0) != nil {
		s.Error("spool has not lived through it")
	}
}

// probe sees that a file and a trigger that come now are run.
func (s *loaded) probe(since time.Time) {
	s.Helper()
	name := fmt.Sprintf("probe-%d", since.UnixNano())
	if err := os.WriteFile(filepath.Join(s.dir, "in", name), []byte(name), 0o644); err != nil {
		s.Fatal(err)
	}
	s.mu.Lock()
	s.dropped = append(s.dropped, name)
	s.mu.Unlock()
	s.trigger(name)
	s.eventually("a file that comes now is run", func() bool { return strings.Contains(s.starts(), " "+name+"\n") })
}

// waiting counts what has not run yet.
func (s *loaded) waiting() int {
	s.mu.Lock()
	n := len(s.dropped) + len(s.keys)
	s.mu.Unlock()
	return n - strings.Count(s.starts(), "\n")
}

func (s *loaded) starts() string {
	text, err := os.ReadFile(s.flowLog)
	if err != nil && !os.IsNotExist(err) {
		s.Error(err)
	}
	return string(text)
}

// left says where what has not run is.
func (s *loaded) left(dropped []string) {
	starts := s.starts()
	for _, name := range dropped {
		if !strings.Contains(starts, " "+name+"\n") {
			s.Logf("the file %s has not run", name)
		}
	}
	for _, id := range []string{s.files, s.clicks} {
		s.Logf("%d starts of %s", strings.Count(starts, id), id)
	}
	for line := range strings.Lines(s.server.log.String()) {
		if !strings.Contains(line, "level=INFO") && !strings.Contains(line, "a request cannot be served now") {
			s.Log(strings.TrimSpace(line))
		}
	}
}

// checkAll sees that everything that was acknowledged has run once and has one result.
func (s *loaded) checkAll() {
	s.Helper()
	s.mu.Lock()
	dropped, keys := slices.Clone(s.dropped), maps.Clone(s.keys)
	s.mu.Unlock()
	began := time.Now()
	s.Cleanup(func() {
		if s.Failed() {
			s.left(dropped)
		}
	})
	s.eventually("everything has run", func() bool {
		return strings.Count(s.starts(), "\n") >= len(dropped)+len(keys)
	})
	tail := time.Since(began)
	bus := s.bus()
	s.eventually("all runs have ended", func() bool {
		return len(read(s.harness, bus.Runs(events.Ended, ""))) >= len(dropped)+len(keys)
	})
	started := map[string]int{}
	runs := map[string]int{}
	clicked := 0
	for line := range strings.Lines(s.starts()) {
		f := strings.Fields(line)
		runs[f[1]]++
		if f[0] == s.files {
			started[f[2]]++
		} else {
			clicked++
		}
	}
	for _, name := range dropped {
		if started[name] != 1 {
			s.Errorf("the file %s has run %d times", name, started[name])
		}
	}
	for id, n := range runs {
		if n != 1 {
			s.Errorf("the run %s was started %d times", id, n)
		}
	}
	if clicked != len(keys) {
		s.Errorf("%d triggers were acknowledged, %d have run", len(keys), clicked)
	}
	for _, ev := range read(s.harness, bus.Runs(events.Ended, "")) {
		if ev.Status != events.OK {
			s.Errorf("the run %s has ended %s: %s", ev.FlowJobID, ev.Status, ev.Message)
		}
	}
	results := timesOf(read(s.harness, bus.Results("")), func(r events.Result) string { return r.TriggerID })
	for id, n := range results {
		if n != 1 {
			s.Errorf("%s has %d results", id, n)
		}
	}
	if len(results) != len(dropped)+len(keys) {
		s.Errorf("%d results of %d executions", len(results), len(dropped)+len(keys))
	}
	if dead := read(s.harness, bus.DeadLetters("")); len(dead) > 0 {
		s.Errorf("%d dead letters: %+v", len(dead), dead[0])
	}
	s.Logf("%d files and %d triggers, %d tries refused; the last ran %s after the load", len(dropped), len(keys), s.refused, tail.Round(time.Millisecond))
}
