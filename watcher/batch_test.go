package watcher

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/watcher/settle"
	"spool.internal/watcher/stage"
)

// Where no lease is to be had, a file is taken that looks the same twice.
func TestWithoutLeases(t *testing.T) {
	root := t.TempDir()
	d, err := drive.New(t.TempDir(), []string{testDrive + "=" + root})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(filepath.Join(root, "in"), 0o755), os.WriteFile(filepath.Join(root, "in", "f"), []byte("one"), 0o644)); err != nil {
		t.Fatal(err)
	}
	o, err := stage.Open(d, events.Path{Drive: testDrive, Rel: "in"}, "", &stage.Activity{})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	w := &Watcher{queue: newQueue(), cfg: Config{
		Quiet: minQuiet, QuietSlow: 4 * minQuiet, Sweep: time.Minute, Drives: d,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}}
	f := w.newFolder("job", task{path: events.Path{Drive: testDrive, Rel: "in"}, watch: events.Watch{QuietMS: -1}}, "", &current{})
	f.work.dir.Found(settle.Local, time.Now())
	next := func() *candidate {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			tn := &turn{w: w, f: f, k: &f.work, at: o, left: turnBudget}
			if tn.consider(t.Context(), "f"); len(tn.batch) == 1 {
				tn.batch[0].batched = false
				return tn.batch[0]
			}
		}
		t.Fatal("the file is never quiet")
		return nil
	}
	c := next()
	if c.action != settle.Probe {
		t.Fatalf("first %v, want a probe", c.action)
	}
	(&turn{w: w, f: f, k: &f.work, at: o}).putOff(c, stage.ErrNoLease)
	if again := next(); again != c || c.action != settle.Ready {
		t.Errorf("then %v", again.action)
	}
	src, err := o.OpenFile("f", c.stat, false)
	if err != nil {
		t.Fatal(err)
	}
	src.Close()
}
