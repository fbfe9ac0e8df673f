package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"spool.internal/cron"
	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/events/seal"
	"spool.internal/services/dispatcher"
	"spool.internal/watcher"
	"spool.internal/watcher/janitor"
)

const lateDrive = "admin/repo/fs/D"

// Two of each service on two servers that are 100 ms behind the third, which leads all streams: what they
// read is the past. Every slot, file and trigger is called for once, no slot before its minute; there is
// one dead letter for what fails; and whatever is called for finds its stage, also when nothing but a letter
// held it, which goes as its trigger is queued again.
func TestLongLateFollowers(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: three servers, and two of each service")
	}
	l := newLate(t)
	began := time.Now()
	l.job("letters", "1h", "in", "")
	if took := time.Since(began); took < 100*time.Millisecond {
		t.Fatalf("a job was stored after %s: the followers are not late", took)
	}
	l.job("flaky", "1h", "flaky", "")
	l.job("sick", "1s", "sick", "")
	l.job("once", "0s", "", fmt.Sprintf("0 0 1 %d *", (int(time.Now().Month())+5)%12+1)) // not now
	began = time.Now()
	l.job("ticks", "1h", "", "* * * * *")
	for i := range 2 {
		l.start(l.trio.Members[1+i])
	}
	l.drop("in", 20)
	l.drop("flaky", 10)
	l.drop("sick", sickFiles)
	for range 5 {
		l.put(events.Trigger{ID: events.ManualTriggerID("once", uuid.NewString()), JobID: "once", Kind: events.KindManual, JobSeq: l.seq["once"], At: time.Now()})
	}
	l.await("files, manual triggers and slots are called for", func() bool {
		return l.done("file:letters") == 20 && l.done("file:flaky") == 10 && l.done("manual:once") == 5 && l.done("cron:ticks") >= owedSlots
	})
	var dead []events.DeadLetter
	l.await("what fails is given up", func() bool {
		dead = l.dead()
		return len(dead) >= sickFiles
	})
	stop := l.start(l.trio.Members[1]) // a third of each, which knows nothing, and goes again
	l.drop("in", 20, 30)
	l.await("more files", func() bool { return l.done("file:letters") == 30 })
	stop()
	if dead = l.dead(); len(dead) != sickFiles {
		t.Errorf("%d dead letters of %d files that failed", len(dead), sickFiles)
	}
	for _, d := range dead { // a call that failed had led to a run after all, which has ended well: but for the letter its stage would go
		run := events.FlowJobID("admin", d.Trigger.ID)
		if err := l.bus.PutRunEvent(t.Context(), events.RunEvent{
			Phase: events.Ended, At: time.Now(), FlowJobID: run, TriggerID: d.Trigger.ID, JobID: "sick", Owner: "admin",
			InputDir: d.Trigger.File.InputDir, Status: events.OK, Attempt: 1,
		}, 0); err != nil {
			t.Fatal(err)
		}
	}
	l.healed.Store("sick", true)
	for _, d := range dead {
		if err := l.bus.RetryDead(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	l.await("what was given up is called for again", func() bool { return l.done("file:sick") == sickFiles })
	if left := time.Until(nextTick()); left < 25*time.Second { // else the slots that were owed have to do
		time.Sleep(left + 2*time.Second)
	}
	l.await("nothing waits", func() bool {
		triggers, err1 := l.bus.Triggers("", "").Sure().All(t.Context())
		files, err2 := l.bus.Files("").Count(t.Context())
		return err1 == nil && err2 == nil && len(triggers) == 0 && files == 0
	})
	l.judge(began)
}

const (
	owedSlots = 8 // when cron starts
	sickFiles = 12
)

func nextTick() time.Time { return time.Now().Truncate(time.Minute).Add(time.Minute) }

// late is what the test has.
type late struct {
	*testing.T
	trio   *eventstest.Trio
	bus    *jet.Bus // on the leader
	root   string   // of the drive
	drives *drive.Drives
	key    *seal.Key
	url    string
	seq    map[string]uint64 // of the jobs
	healed sync.Map          // jobs whose calls do not fail any more

	mu    sync.Mutex // guards what follows
	calls map[string][]lateCall
}

// lateCall is one call of the endpoint.
type lateCall struct {
	at time.Time
	ok bool
}

func newLate(t *testing.T) *late {
	l := &late{T: t, trio: eventstest.Cluster(t, 3).Ensure(t), root: t.TempDir(), seq: map[string]uint64{}, calls: map[string][]lateCall{}}
	leader := l.trio.Members[0]
	for _, stream := range jet.EveryStream().Reads {
		if slices.Contains([]string{"DEADLETTERS", "RESULTS", "RUN_EVENTS"}, stream) { // so that what is read of one is older than of another
			l.trio.Lead(t, stream, l.trio.Members[1])
			continue
		}
		l.trio.Lead(t, stream, leader)
	}
	l.trio.AwaitReads(t, jet.EveryStream().Reads...)
	l.bus = l.trio.Connect(t, leader)
	var err1, err2 error
	l.drives, err1 = drive.New(t.TempDir(), []string{lateDrive + "=" + l.root})
	l.key, err2 = seal.Load(filepath.Join(t.TempDir(), "seal.key"))
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	endpoint := httptest.NewServer(http.HandlerFunc(l.called))
	t.Cleanup(endpoint.Close)
	l.url = endpoint.URL + events.RunBinaryPath
	for _, m := range l.trio.Members[1:] {
		m.Delay(100 * time.Millisecond)
	}
	return l
}

// start runs one of each service, and a janitor that looks all the time, on a follower, until stop is called
// or the test ends.
func (l *late) start(m *eventstest.Member) (stop func()) {
	l.Helper()
	bus := func() *jet.Bus { return l.trio.Connect(l, m) }
	w, err1 := watcher.New(watcher.Config{Bus: bus(), Drives: l.drives, QuietSlow: 300 * time.Millisecond, Log: eventstest.Log(l)})
	d, err2 := dispatcher.New(dispatcher.Config{
		Bus: bus(), SealKey: l.key, RunBinaryURL: l.url, CallTimeout: 20 * time.Second, Log: eventstest.Log(l),
		RetryWaits: []time.Duration{100 * time.Millisecond}, ProbeEvery: 100 * time.Millisecond,
	})
	c, err3 := cron.New(cron.Config{Bus: bus(), Log: eventstest.Log(l)})
	if err1 != nil || err2 != nil || err3 != nil {
		l.Fatal(err1, err2, err3)
	}
	j := janitor.New(janitor.Config{Bus: bus(), Drives: l.drives, Log: eventstest.Log(l), Retention: time.Hour, Jobs: lateJobs{}})
	stops := []func(){eventstest.Background(l, w.Run), eventstest.Background(l, d.Run), eventstest.Background(l, c.Run)}
	stops = append(stops, eventstest.Background(l, func(ctx context.Context) error {
		for ctx.Err() == nil {
			_ = j.Survey(ctx, time.Now()) // one that fails is made again
		}
		return nil
	}))
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// lateJobs is what the janitor asks of a watcher.
type lateJobs struct{}

func (lateJobs) Known() <-chan struct{} { c := make(chan struct{}); close(c); return c }
func (lateJobs) Drives() []events.Path  { return []events.Path{{Drive: lateDrive, Rel: "in"}} }
func (lateJobs) Watches(string) bool    { return true }
func (lateJobs) Readable() map[string]janitor.Folder {
	return nil
}

// job makes a job on a folder, or with a schedule, in which case it owes slots.
func (l *late) job(id, retryFor, folder, schedule string) {
	l.Helper()
	flow := map[string]any{"auth_token": "token", "binary_path": lateDrive + "/flow.ibflowbin", "input_dir": lateDrive + "/" + folder}
	parameters := map[string]any{"name": id, "flow_parameters": flow, "spool": map[string]any{"retry_for": retryFor}}
	at := time.Now()
	if schedule != "" {
		parameters["schedule"], flow["input_dir"] = schedule, lateDrive+"/none"
		parameters["spool"] = map[string]any{"retry_for": retryFor, "catch_up": "all"}
		at = at.Add(-owedSlots * time.Minute)
	} else {
		flow["settings"] = map[string]any{"spooled_mode": true}
		if err := os.MkdirAll(filepath.Join(l.root, folder), 0o755); err != nil {
			l.Fatal(err)
		}
	}
	seq, err := l.bus.PutJob(l.Context(), events.JobEvent{Event: events.JobCreated, At: at, By: "admin", Job: events.Job{
		ID: id, Username: "admin", Status: events.Enabled, Name: id, CreatedOnNS: at.UnixNano(), EffectiveFrom: at, Parameters: events.Encode(parameters),
	}}, 0)
	if err != nil {
		l.Fatal(err)
	}
	l.seq[id] = seq
}

// drop renames files into a folder: the first n, or those from n to the number behind it.
func (l *late) drop(folder string, n int, to ...int) {
	l.Helper()
	from := 0
	if len(to) > 0 {
		from, n = n, to[0]
	}
	for i := from; i < n; i++ {
		name := "f" + strconv.Itoa(i)
		tmp := filepath.Join(l.root, "elsewhere-"+folder+name)
		if err := os.WriteFile(tmp, []byte(name), 0o644); err != nil {
			l.Fatal(err)
		}
		if err := os.Rename(tmp, filepath.Join(l.root, folder, name)); err != nil {
			l.Fatal(err)
		}
	}
}

func (l *late) put(t events.Trigger) {
	if _, err := l.bus.PutTrigger(l.Context(), t.Kind, t); err != nil {
		l.Errorf("%s: %v", t.ID, err)
	}
}

// called is the endpoint. What is called for has to find its stage.
func (l *late) called(w http.ResponseWriter, r *http.Request) {
	key, at := r.Header.Get(events.HeaderKey), time.Now()
	var asked struct {
		InputDir string `json:"input_dir"`
	}
	err := json.NewDecoder(r.Body).Decode(&asked)
	_, rest, _ := strings.Cut(key, ":")
	job, _, _ := strings.Cut(rest, ":")
	staged := strings.Contains(asked.InputDir, events.StageRoot)
	if err == nil && staged {
		err = l.staged(asked.InputDir)
	}
	if err != nil || staged != (job == "letters" || job == "flaky" || job == "sick") {
		l.Errorf("%s is called for and its stage %s is not there: %v", key, asked.InputDir, err)
	}
	_, healed := l.healed.Load(job)
	l.mu.Lock()
	fails := job == "sick" && !healed || job == "flaky" && len(l.calls[key]) == 0
	l.calls[key] = append(l.calls[key], lateCall{at, !fails})
	l.mu.Unlock()
	if fails {
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	run := events.FlowJobID("admin", key)
	answer := events.Encode(events.RunAnswer{Status: events.OK, Data: &events.RunData{JobID: run}})
	_, _ = w.Write(answer) // who has gone asks again, with the same key
}

// staged looks at the one file of a stage, whose content is its name.
func (l *late) staged(inputDir string) error {
	dir := filepath.Join(l.root, strings.TrimPrefix(inputDir, lateDrive))
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		return fmt.Errorf("%d files: %w", len(files), err)
	}
	text, err := os.ReadFile(filepath.Join(dir, files[0].Name()))
	if err == nil && string(text) != files[0].Name() {
		err = fmt.Errorf("%s holds %q", files[0].Name(), text)
	}
	return err
}

func (l *late) await(what string, f func() bool) {
	l.Helper()
	began := time.Now()
	eventstest.Eventually(l, what, f)
	l.Logf("%s: after %s", what, time.Since(began).Round(10*time.Millisecond))
}

// done counts the triggers of a kind and job that were called for with success.
func (l *late) done(of string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, calls := range l.calls {
		if strings.HasPrefix(key, of+":") && calls[len(calls)-1].ok {
			n++
		}
	}
	return n
}

func (l *late) dead() []events.DeadLetter {
	l.Helper()
	all, err := l.bus.DeadLetters("").Sure().All(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	return all
}

// judge says what was called for twice, early or not at all, and what has not one result.
func (l *late) judge(began time.Time) {
	l.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	good := map[string]int{}
	for _, job := range []string{"letters", "flaky", "sick", "once", "ticks"} {
		results, err := l.bus.Results(job).Sure().All(l.Context())
		if err != nil {
			l.Fatal(err)
		}
		for _, r := range results {
			if r.Status == events.OK {
				good[r.TriggerID]++
			}
		}
	}
	minutes := map[events.Minute]bool{}
	for key, calls := range l.calls {
		ok := 0
		for _, c := range calls {
			if c.ok {
				ok++
			}
		}
		if ok != 1 || strings.Contains(key, ":once:") && len(calls) != 1 {
			l.Errorf("%s is called for %d times, %d of them with success", key, len(calls), ok)
		}
		if good[key] != 1 {
			l.Errorf("%s has %d results that are ok", key, good[key])
		}
		if slot, found := strings.CutPrefix(key, "cron:ticks:"); found {
			n, _ := strconv.ParseInt(slot, 10, 64)
			minutes[events.Minute(n)] = true
			if at := events.Minute(n).Time(); calls[0].at.Before(at) {
				l.Errorf("the slot %v is called for at %v", at, calls[0].at)
			}
		}
	}
	first := events.MinuteOf(began.Add(-owedSlots*time.Minute)) + 1
	for m := first; m <= events.MinuteOf(time.Now().Add(-3*time.Second)); m++ {
		if !minutes[m] {
			l.Errorf("the slot %v is missing", m.Time())
		}
	}
	l.Logf("%d slots, %d triggers, %d results", len(minutes), len(l.calls), len(good))
}
