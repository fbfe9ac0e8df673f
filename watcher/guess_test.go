package watcher

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/eventstest"
	"spool.internal/watcher/settle"
	"spool.internal/watcher/stage"
)

// Where files that came before were new, those that follow are staged without a question. Among them may be some that the
// ledger knows: they are not triggered once more, nothing is left of their stages, and the next are asked about.
func TestGuessedToBeNew(t *testing.T) {
	root := t.TempDir()
	d, err := drive.New(t.TempDir(), []string{testDrive + "=" + root})
	if err != nil {
		t.Fatal(err)
	}
	bus := eventstest.Bus(t)
	w, err := New(Config{Bus: bus, Drives: d, Quiet: minQuiet, QuietSlow: 4 * minQuiet, Sweep: time.Minute, Queued: -1, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	at, err := stage.Open(d, events.Path{Drive: testDrive, Rel: "in"}, "", &stage.Activity{})
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	const known, all = 10, 30 // more than go one by one
	take := func(n int) *turn {
		t.Helper()
		for i := range n {
			name := filepath.Join(root, "in", fmt.Sprint("f", i))
			if _, err := os.Stat(name); err != nil && os.WriteFile(name, []byte("content"), 0o644) != nil {
				t.Fatal("cannot write", name)
			}
		}
		f := w.newFolder("job", task{path: events.Path{Drive: testDrive, Rel: "in"}, watch: events.Watch{QuietMS: -1}}, "", &current{})
		f.work.dir.Found(settle.Local, time.Now())
		f.work.scan = &scan{new: true}
		turn := &turn{w: w, f: f, k: &f.work, at: at, left: turnBudget}
		for deadline := time.Now().Add(30 * time.Second); len(turn.batch) < n && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			for i := range n {
				turn.consider(t.Context(), fmt.Sprint("f", i))
			}
		}
		if len(turn.batch) != n {
			t.Fatalf("%d of %d files are complete", len(turn.batch), n)
		}
		turn.flush(t.Context())
		if !turn.guessed {
			t.Error("the ledger was asked")
		}
		if !turn.settle(t.Context()) {
			t.Fatal("not committed")
		}
		return turn
	}
	if first := take(known); !first.k.scan.new {
		t.Error("new files were taken for known ones")
	}
	if second := take(all); second.k.scan.new {
		t.Error("known files were taken for new ones")
	}
	w.pool.running.Wait()
	queued, err := bus.Files("job").Count(t.Context())
	if err != nil || queued != all {
		t.Errorf("%d files are queued (%v), want %d", queued, err, all)
	}
	stages, err := os.ReadDir(filepath.Join(root, events.StageRoot, "job"))
	if err != nil || len(stages) != all {
		t.Errorf("%d stages (%v), want %d", len(stages), err, all)
	}
}
