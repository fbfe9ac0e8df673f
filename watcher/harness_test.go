package watcher_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/watcher"
)

func TestMain(m *testing.M) { os.Exit(eventstest.Main(m)) }

const driveName = "admin/repo/fs/drive"

// harness is a server, a drive and what a test needs to watch it.
type harness struct {
	testing.TB
	server *eventstest.Server
	bus    *jet.Bus
	drives *drive.Drives
	root   string // of the drive, on this host
	cfg    watcher.Config
	log    *lockedBuffer
	most   map[string]int // of the triggers of each job
}

func newHarness(t testing.TB, o eventstest.Options) *harness {
	t.Helper()
	return newHarnessOn(t, o, t.TempDir())
}

func newHarnessOn(t testing.TB, o eventstest.Options, root string) *harness {
	t.Helper()
	r := &harness{TB: t, server: eventstest.Start(t, o), root: root, log: &lockedBuffer{}, most: map[string]int{}}
	r.bus = eventstest.Connect(t, r.server)
	var err error
	if r.drives, err = drive.New(t.TempDir(), []string{driveName + "=" + r.root}); err != nil {
		t.Fatal(err)
	}
	r.cfg = watcher.Config{
		Bus: r.bus, Drives: r.drives, QuietSlow: 300 * time.Millisecond, Sweep: time.Minute,
		Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(r.log.String())
		}
	})
	return r
}

// start runs a watcher; the function that it gives stops it and waits.
func (r *harness) start() (stop func()) {
	_, stop = r.run()
	return stop
}

// run is start that also gives the watcher.
func (r *harness) run() (w *watcher.Watcher, stop func()) {
	r.Helper()
	w, err := watcher.New(r.cfg)
	if err != nil {
		r.Fatal(err)
	}
	stop = eventstest.Background(r, w.Run)
	r.eventually(func() bool { return w.Check() == nil })
	return w, stop
}

// job makes a job in automatic mode on a folder of the drive. extra are its "spool" options.
func (r *harness) job(id, folder string, extra map[string]any) events.JobEvent {
	r.Helper()
	body := map[string]any{
		"name": id,
		"flow_parameters": map[string]any{
			"auth_token": "token", "binary_path": driveName + "/flow.ibflowbin", "input_dir": driveName + "/" + folder,
			"settings": map[string]any{"spooled_mode": true},
		},
	}
	if extra != nil {
		body["spool"] = extra
	}
	raw, err := json.Marshal(body)
	if err != nil {
		r.Fatal(err)
	}
	ev := events.JobEvent{Event: events.JobCreated, At: time.Now(), By: "admin", Job: events.Job{
		ID: id, Username: "admin", Status: events.Enabled, Name: id, CreatedOnNS: time.Now().UnixNano(), Parameters: raw,
	}}
	r.put(ev, 0)
	return ev
}

func (r *harness) put(ev events.JobEvent, expect uint64) uint64 {
	r.Helper()
	seq, err := r.bus.PutJob(r.Context(), ev, expect)
	if err != nil {
		r.Fatal(err)
	}
	return seq
}

// dir makes a folder on the drive.
func (r *harness) dir(name string) string {
	r.Helper()
	dir := filepath.Join(r.root, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		r.Fatal(err)
	}
	return dir
}

func (r *harness) write(path, content string) {
	r.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		r.Fatal(err)
	}
}

// drop puts a file in a folder by renaming it in.
func (r *harness) drop(path, content string) {
	r.Helper()
	tmp := filepath.Join(r.root, "elsewhere-"+filepath.Base(path))
	r.write(tmp, content)
	if err := os.Rename(tmp, path); err != nil {
		r.Fatal(err)
	}
}

// queued gives the triggers of a job that are in the queue.
func (r *harness) queued(jobID string) []events.Trigger {
	r.Helper()
	var all []events.Trigger
	err := r.bus.Files(jobID).Since(r.Context(), time.Time{}, func(m jet.Entry[events.Trigger]) bool {
		tr, err := m.Value()
		if err != nil {
			r.Error(err)
		}
		all = append(all, tr)
		return true
	})
	if err != nil {
		r.Log(err) // the server may be away
		return nil
	}
	return all
}

// await waits for n triggers of a job. One that comes later and was not awaited by then fails the test at its end.
func (r *harness) await(jobID string, n int) []events.Trigger {
	r.Helper()
	var all []events.Trigger
	r.eventually(func() bool { all = r.queued(jobID); return len(all) >= n })
	if len(all) > n {
		r.Fatalf("%d triggers, want %d: %+v", len(all), n, all)
	}
	r.awaited(jobID, n)
	return all
}

// awaited has the test fail if the job has more than n triggers at its end.
func (r *harness) awaited(jobID string, n int) {
	if _, known := r.most[jobID]; !known {
		r.Cleanup(func() {
			all, err := r.bus.Files(jobID).All(context.WithoutCancel(r.Context()))
			if err == nil && len(all) > r.most[jobID] { // else the test has left no server
				r.Errorf("job %s has %d triggers at the end, and %d were awaited: %+v", jobID, len(all), r.most[jobID], all)
			}
		})
	}
	r.most[jobID] = max(n, r.most[jobID])
}

// stage returns the name and the content of the one file in a trigger's input folder.
func (r *harness) stage(tr events.Trigger) (name, content string) {
	r.Helper()
	p, err := events.ParsePath("input_dir", tr.File.InputDir)
	if err != nil {
		r.Fatal(err)
	}
	dir := r.drives.HostPath(p)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		r.Fatalf("the stage of %s holds %v (%v)", tr.File.Path, entries, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, entries[0].Name()))
	if err != nil {
		r.Fatal(err)
	}
	return entries[0].Name(), string(text)
}

// staged returns the content of the one file in a trigger's input folder, which must have the name of the trigger's file.
func (r *harness) staged(tr events.Trigger) string {
	r.Helper()
	name, content := r.stage(tr)
	if name != path.Base(tr.File.RawPath()) {
		r.Fatalf("the stage of %s holds %s", tr.File.Path, name)
	}
	return content
}

// awaitLive waits until everything of a job has been scanned.
func (r *harness) awaitLive(jobID string) {
	r.Helper()
	r.awaitState(jobID, func(s events.WatchState) bool { return s.State == "live" && s.Pending == 0 })
}

// settled drops one more file, waits for its trigger and so for everything that
// was there before it, then checks that the job has n triggers besides.
func (r *harness) settled(jobID, dir string, n int) []events.Trigger {
	r.Helper()
	r.drop(filepath.Join(dir, "zz-last"), "last")
	all := r.await(jobID, n+1)
	var others []events.Trigger
	for _, tr := range all {
		if tr.File.Path != "zz-last" {
			others = append(others, tr)
		}
	}
	return others
}

func (r *harness) awaitLog(what string) {
	r.Helper()
	r.eventually(func() bool { return strings.Contains(r.log.String(), what) })
}

func (r *harness) awaitState(jobID string, is func(events.WatchState) bool) {
	r.Helper()
	r.eventually(func() bool {
		m, found, err := r.bus.WatchState(jobID).Last(r.Context())
		if err != nil || !found {
			return false
		}
		var s events.WatchState
		return json.Unmarshal(m.Data, &s) == nil && is(s)
	})
}

// eventually waits for what another goroutine or server brings about.
func (r *harness) eventually(f func() bool) {
	r.Helper()
	eventstest.Eventually(r.TB, "what the test waits for", f)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// holdOpen writes a file and keeps it open.
func (r *harness) holdOpen(path, content string) *os.File {
	r.Helper()
	f, err := os.Create(path)
	if err != nil {
		r.Fatal(err)
	}
	if _, err := f.WriteString(content); err != nil {
		r.Fatal(err)
	}
	return f
}
