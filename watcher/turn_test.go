package watcher

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/eventstest"
	"spool.internal/watcher/notify"
	"spool.internal/watcher/stage"
)

// noWatches is a system that watches nothing.
type noWatches struct{}

func (noWatches) Watch(notify.Listener, string) error { return errors.New("no watches left") }
func (noWatches) Drop(notify.Listener, string)        {}
func (noWatches) Ask(string) func() bool              { return func() bool { return false } }

// A folder of which the system tells nothing is polled, and loses nothing.
func TestWithoutHints(t *testing.T) {
	root := t.TempDir()
	d, err := drive.New(t.TempDir(), []string{testDrive + "=" + root})
	if err != nil {
		t.Fatal(err)
	}
	w, err := New(Config{Bus: eventstest.Bus(t), Drives: d, Log: eventstest.Log(t), QuietSlow: DefaultQuiet})
	if err != nil {
		t.Fatal(err)
	}
	w.notifier = noWatches{}
	f := w.newFolder("job", task{path: events.Path{Drive: testDrive, Rel: "in"}, watch: events.Watch{QuietMS: -1}}, "", &current{})
	// takeUntil is a worker, and the only one.
	takeUntil := func(done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); !done(); {
			if time.Now().After(deadline) {
				t.Fatalf("did not come about within 30 s: %+v", f.status())
			}
			time.Sleep(min(w.take(t.Context(), f), 10*time.Millisecond))
		}
	}
	state := func(want events.FolderState) func() bool {
		return func() bool { return f.status().State == want }
	}
	known := func(name string) func() bool {
		return func() bool {
			s, err := stage.StatPath(filepath.Join(root, "in", name))
			return err == nil && f.work.known.knows(name, s.Stat)
		}
	}
	takeUntil(state("absent"))
	if err := os.Mkdir(filepath.Join(root, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	takeUntil(state("poll"))
	create(t, filepath.Join(root, "in", "f"))
	takeUntil(known("f"))

	// What was rewritten unnoticed is found by the next full scan.
	if err := os.WriteFile(filepath.Join(root, "in", "f"), []byte("more"), 0o644); err != nil {
		t.Fatal(err)
	}
	f.Overflowed()
	takeUntil(known("f"))

	// More hints than are kept are a scan, too.
	for i := range notify.MaxNames + 1 {
		f.Changed(filepath.Base(t.Name())+string(rune('a'+i)), notify.Touched)
	}
	create(t, filepath.Join(root, "in", "g"))
	takeUntil(known("g"))

	if err := os.RemoveAll(filepath.Join(root, "in")); err != nil {
		t.Fatal(err)
	}
	takeUntil(state("absent"))
	if queued, err := w.cfg.Bus.Files("").Count(t.Context()); err != nil || queued != 3 {
		t.Errorf("%d triggers, want 3 (%v)", queued, err)
	}
	w.retire(f)
}
