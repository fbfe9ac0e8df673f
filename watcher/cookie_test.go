package watcher_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"spool.internal/events/eventstest"
)

// Content that comes with its name goes at once; what is written under its name
// waits for the quiet time.
func TestRenamedInNeedsNoQuietTime(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	const quiet = time.Hour // longer than the test may take
	dir := r.dir("in")
	r.job("job", "in", map[string]any{"watch": map[string]any{"quiet_ms": quiet.Milliseconds()}})
	r.start()
	r.awaitLog("folder is watched")

	r.write(filepath.Join(dir, "written"), "one")
	r.drop(filepath.Join(dir, "dropped"), "two")
	tmp := filepath.Join(r.root, "source")
	r.write(tmp, "three")
	r.check(os.Link(tmp, filepath.Join(dir, "linked")))
	r.write(filepath.Join(dir, "whole.part"), "four")
	r.check(os.Rename(filepath.Join(dir, "whole.part"), filepath.Join(dir, "whole")))
	r.drop(filepath.Join(dir, "empty"), "")

	got := map[string]string{}
	for _, tr := range r.await("job", 3) {
		got[tr.File.Path] = r.staged(tr)
	}
	for name, want := range map[string]string{"dropped": "two", "linked": "three", "whole": "four"} {
		if got[name] != want {
			t.Errorf("%s: staged %q, want %q", name, got[name], want)
		}
	}
}

// Writers that open, write and close a file again and again, faster than its
// quiet time, never lose a half of it, although each file's name is new.
func TestReopenedWithinTheQuietTime(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	dir := r.dir("in")
	r.job("job", "in", map[string]any{"watch": map[string]any{"quiet_ms": 1500}})
	r.start()
	r.awaitLog("folder is watched")
	const writers, each, parts = 4, 25, 4
	want := strings.Repeat("part ", parts)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for n := range each {
				path := filepath.Join(dir, fmt.Sprint("f-", w, "-", n))
				for range parts {
					f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
					if err != nil {
						t.Error(err)
						return
					}
					_, err = f.WriteString("part ")
					if err = errors.Join(err, f.Close()); err != nil {
						t.Error(err)
					}
					time.Sleep(time.Duration(rand.N(3000)) * time.Microsecond)
				}
			}
		})
	}
	all.Wait()
	for _, tr := range r.await("job", writers*each) {
		if got := r.staged(tr); got != want {
			t.Errorf("%s: staged %q", tr.File.Path, got)
		}
	}
}

func TestMarker(t *testing.T) {
	for _, tt := range []struct{ pattern, marker string }{{".done", "f.pdf.done"}, {"{stem}.ok", "f.ok"}} {
		t.Run(tt.pattern, func(t *testing.T) {
			t.Parallel()
			r := newHarness(t, eventstest.Options{})
			dir := r.dir("in")
			file, marker := filepath.Join(dir, "f.pdf"), filepath.Join(dir, tt.marker)
			r.job("job", "in", map[string]any{"watch": map[string]any{"marker": tt.pattern}})
			r.write(file, "half")
			r.start()
			r.awaitLog("folder is watched")
			r.write(file, "one")
			if got := r.queued("job"); len(got) != 0 {
				t.Fatalf("taken without its marker: %+v", got)
			}
			r.write(marker, "")
			if got := r.staged(r.await("job", 1)[0]); got != "one" {
				t.Errorf("staged %q", got)
			}
			r.write(file, "two") // its marker speaks of what it was
			r.drop(filepath.Join(dir, "g.pdf"), "three")
			r.drop(filepath.Join(dir, strings.Replace(tt.marker, "f", "g", 1)), "")
			all := r.await("job", 2)
			if got := r.staged(all[1]); got != "three" || all[1].File.Path != "g.pdf" {
				t.Errorf("staged %q", got)
			}
			r.write(marker, "")
			if got := r.staged(r.await("job", 3)[2]); got != "two" {
				t.Errorf("staged %q", got)
			}
		})
	}
}
