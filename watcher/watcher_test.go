package watcher_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/watcher"
)

func TestFiles(t *testing.T) {
	old := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		name string
		does func(r *harness, dir string)
		want []string // contents of the stages
	}{
		{"written", func(r *harness, dir string) { r.write(filepath.Join(dir, "f"), "one") }, []string{"one"}},
		{"renamed in", func(r *harness, dir string) { r.drop(filepath.Join(dir, "f"), "one") }, []string{"one"}},
		{"renamed in with an old time", func(r *harness, dir string) {
			tmp := filepath.Join(r.root, "old")
			r.write(tmp, "one")
			r.check(os.Chtimes(tmp, old, old))
			r.check(os.Rename(tmp, filepath.Join(dir, "f")))
		}, []string{"one"}},
		{"linked in", func(r *harness, dir string) {
			tmp := filepath.Join(r.root, "linked")
			r.write(tmp, "one")
			r.check(os.Link(tmp, filepath.Join(dir, "f")))
		}, []string{"one"}},
		{"temporary name, then renamed", func(r *harness, dir string) {
			r.write(filepath.Join(dir, "f.part"), "one")
			r.check(os.Rename(filepath.Join(dir, "f.part"), filepath.Join(dir, "f")))
		}, []string{"one"}},
		{"empty", func(r *harness, dir string) { r.write(filepath.Join(dir, "f"), "") }, []string{""}},
		{"from the future", func(r *harness, dir string) {
			r.write(filepath.Join(dir, "f"), "one")
			r.check(os.Chtimes(filepath.Join(dir, "f"), time.Now().Add(time.Hour), time.Now().Add(time.Hour)))
		}, []string{"one"}},
		{"a name of 255 bytes", func(r *harness, dir string) {
			r.write(filepath.Join(dir, strings.Repeat("n", 255)), "one")
		}, []string{"one"}},
		{"the same name after it was deleted", func(r *harness, dir string) {
			f := filepath.Join(dir, "f")
			for n := range 2 {
				r.write(f, "same")
				r.check(os.Chtimes(f, old, old))
				r.await("job", n+1)
				r.check(os.Remove(f))
			}
		}, []string{"same", "same"}},
		{"rewritten", func(r *harness, dir string) {
			r.write(filepath.Join(dir, "f"), "one")
			r.await("job", 1)
			r.write(filepath.Join(dir, "f"), "two")
			r.await("job", 2)
		}, []string{"one", "two"}},
		{"appended", func(r *harness, dir string) {
			r.write(filepath.Join(dir, "f"), "one")
			r.await("job", 1)
			f, err := os.OpenFile(filepath.Join(dir, "f"), os.O_APPEND|os.O_WRONLY, 0)
			r.check(err)
			_, err = f.WriteString("more")
			r.check(err)
			r.check(f.Close())
			r.await("job", 2)
		}, []string{"one", "onemore"}},
		{"renamed over", func(r *harness, dir string) {
			r.drop(filepath.Join(dir, "f"), "one")
			r.await("job", 1)
			r.drop(filepath.Join(dir, "f"), "two")
			r.await("job", 2)
		}, []string{"one", "two"}},
		{"renamed inside", func(r *harness, dir string) {
			r.drop(filepath.Join(dir, "f"), "one")
			r.await("job", 1)
			r.check(os.Rename(filepath.Join(dir, "f"), filepath.Join(dir, "g")))
			r.await("job", 2)
		}, []string{"one", "one"}},
		{"touched", func(r *harness, dir string) {
			r.drop(filepath.Join(dir, "f"), "one")
			r.await("job", 1)
			r.check(os.Chtimes(filepath.Join(dir, "f"), old, old))
			r.await("job", 2)
		}, []string{"one", "one"}},
		{"chmod, link elsewhere and read", func(r *harness, dir string) {
			f := filepath.Join(dir, "f")
			r.drop(f, "one")
			r.await("job", 1)
			r.check(os.Chmod(f, 0o600))
			r.check(os.Link(f, filepath.Join(r.root, "link")))
			_, err := os.ReadFile(f)
			r.check(err)
		}, []string{"one"}},
		{"hidden, unfinished, link, folder", func(r *harness, dir string) {
			for _, name := range []string{".hidden", "f.part", "f.TMP", "f~", "~$f.docx", "#f#", "Thumbs.db"} {
				r.write(filepath.Join(dir, name), "no")
			}
			r.write(filepath.Join(r.root, "target"), "no")
			r.check(os.Symlink(filepath.Join(r.root, "target"), filepath.Join(dir, "link")))
			r.write(filepath.Join(r.dir("in/folder"), "below"), "no")
		}, nil},
		{"deleted before it is complete", func(r *harness, dir string) {
			f := r.holdOpen(filepath.Join(dir, "f"), "one") // and not complete before that
			r.check(os.Remove(filepath.Join(dir, "f")))
			r.check(f.Close())
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newHarness(t, eventstest.Options{})
			dir := r.dir("in")
			r.job("job", "in", nil)
			r.start()
			r.awaitLog("folder is watched")
			tt.does(r, dir)
			var got []string
			for _, tr := range r.settled("job", dir, len(tt.want)) {
				got = append(got, r.staged(tr))
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("staged %q, want %q", got, tt.want)
			}
		})
	}
}

func (r *harness) check(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func TestTrigger(t *testing.T) {
	r := newHarness(t, eventstest.Options{})
	r.cfg.SyncStage = true
	dir := r.dir("in")
	ev := r.job("job", "in", nil)
	ev.Event, ev.Job.Status = events.JobDisabled, events.Disabled
	seq := r.put(ev, 1)
	r.start()
	name := "naïve name \xff\n"
	if err := os.WriteFile(filepath.Join(dir, name), []byte("12345"), 0o600); err != nil {
		t.Logf("this file system takes no such name: %v", err)
		name = "plain"
		r.write(filepath.Join(dir, name), "12345")
	}
	tr := r.await("job", 1)[0]
	fi, err := os.Stat(filepath.Join(dir, name))
	r.check(err)
	f := tr.File
	switch {
	case tr.Kind != events.KindFile, tr.JobID != "job", tr.JobSeq != seq, tr.ID != events.FileTriggerID("job", f.Fingerprint):
		t.Errorf("trigger %+v", tr)
	case f.RawPath() != name, f.Size != 5, f.ModifiedNS != fi.ModTime().UnixNano(), len(f.Fingerprint) != 32, f.Linked:
		t.Errorf("file %+v", f)
	case !strings.HasPrefix(f.InputDir, driveName+"/.spool/job/"+f.Fingerprint+"."):
		t.Errorf("input_dir %s", f.InputDir)
	}
	if got := r.staged(tr); got != "12345" {
		t.Errorf("staged %q", got)
	}
}

func TestSlowWriterIsNeverHalf(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	dir := r.dir("in")
	r.job("job", "in", nil)
	r.start()
	r.awaitLog("folder is watched")
	const writers, lines = 4, 12
	line := strings.Repeat("x", 1000) + "\n"
	var all sync.WaitGroup
	defer all.Wait()
	for n := range writers {
		f, err := os.Create(filepath.Join(dir, fmt.Sprint("slow-", n)))
		r.check(err)
		all.Go(func() {
			defer f.Close()
			for range lines { // pauses beyond the quiet time: only the lease tells
				if _, err := f.WriteString(line); err != nil {
					t.Error(err)
				}
				time.Sleep(60 * time.Millisecond)
			}
		})
	}
	for _, tr := range r.await("job", writers) {
		if got := r.staged(tr); got != strings.Repeat(line, lines) {
			t.Errorf("%s: staged %d bytes, want %d", tr.File.Path, len(got), lines*len(line))
		}
	}
}

func TestTwoWatchersTakeEachFileOnce(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	dir := r.dir("in")
	r.job("job", "in", nil)
	r.start()
	r.start()
	for n := range 300 {
		r.write(filepath.Join(dir, fmt.Sprint("f-", n)), fmt.Sprint("content ", n))
	}
	r.expectEach(r.await("job", 300), 300)
	r.eventually(func() bool {
		left, err := filepath.Glob(filepath.Join(r.root, ".spool", "job", "*"))
		return err == nil && len(left) == 300 // the stage of the one that lost is gone
	})
}

// expectEach checks that the triggers are those of files f-0 … f-(n-1), each once, with its content.
func (r *harness) expectEach(got []events.Trigger, n int) {
	r.Helper()
	seen := map[string]bool{}
	for _, tr := range got {
		if seen[tr.File.Path] {
			r.Errorf("%s has two triggers", tr.File.Path)
		}
		seen[tr.File.Path] = true
		if want := "content " + strings.TrimPrefix(tr.File.Path, "f-"); r.staged(tr) != want {
			r.Errorf("%s: staged %q, want %q", tr.File.Path, r.staged(tr), want)
		}
	}
	for i := range n {
		if !seen[fmt.Sprint("f-", i)] {
			r.Errorf("f-%d has no trigger", i)
		}
	}
}

func TestRestarts(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	dir := r.dir("in")
	r.job("job", "in", nil)
	const files = 1000
	dropped := make(chan error, 1)
	go func() {
		for n := range files {
			path := filepath.Join(dir, fmt.Sprint("f-", n))
			var err error
			if n%2 == 0 {
				err = os.WriteFile(path, fmt.Append(nil, "content ", n), 0o644)
			} else if err = os.WriteFile(path+".tmp", fmt.Append(nil, "content ", n), 0o644); err == nil {
				err = os.Rename(path+".tmp", path)
			}
			if err != nil {
				dropped <- err
				return
			}
			time.Sleep(2 * time.Millisecond)
		}
		dropped <- nil
	}()
	for n := range 6 {
		stop := r.start()
		r.eventually(func() bool { return len(r.queued("job")) > n*100 })
		if n%2 == 1 {
			r.server.Restart(t)
			r.eventually(func() bool { return r.bus.Check() == nil })
		}
		stop()
	}
	r.start()
	r.check(<-dropped)
	r.expectEach(r.await("job", files), files)
}

func TestCheckAndConfig(t *testing.T) {
	_, err := watcher.New(watcher.Config{Quiet: -1})
	if err == nil {
		t.Fatal("a config without anything is accepted")
	}
	for _, field := range []string{"Bus", "Drives", "Log", "Quiet"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("the error does not name %s: %v", field, err)
		}
	}
	r := newHarness(t, eventstest.Options{})
	w, err := watcher.New(r.cfg)
	r.check(err)
	if w.Check() == nil {
		t.Error("ready before it runs")
	}
}
