package notify

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

type count struct{ atomic.Int64 }

func (c *count) Inc() { c.Add(1) }

// ear is a listener that passes on what it hears, as long as there is room.
type ear struct {
	names     chan string
	doubts    chan struct{}
	overflows atomic.Int32
}

func newEar() *ear { return &ear{names: make(chan string, 1000), doubts: make(chan struct{}, 1000)} }

func (e *ear) Changed(name string, _ Change) {
	select {
	case e.names <- name:
	default:
	}
}

func (e *ear) Doubted() {
	select {
	case e.doubts <- struct{}{}:
	default:
	}
}

func (e *ear) Overflowed() { e.overflows.Add(1) }

func startNotifier(t *testing.T) *Notifier {
	n := New(slog.New(slog.NewTextHandler(t.Output(), nil)), Counters{&count{}, &count{}})
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// realTemp is a folder of the test's, by its path without links.
func realTemp(t *testing.T) string {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func hear(t *testing.T, e *ear, name string) {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		select {
		case got := <-e.names:
			if got == name {
				return
			}
		case <-late:
			t.Fatalf("nothing was told of %s", name)
		}
	}
}

func create(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestNotifierTellsAllListeners(t *testing.T) {
	n := startNotifier(t)
	dir, a, b := realTemp(t), newEar(), newEar()
	for _, e := range []*ear{a, b} {
		if err := n.Watch(e, dir); err != nil {
			t.Fatal(err)
		}
	}
	create(t, filepath.Join(dir, "one"))
	hear(t, a, "one")
	hear(t, b, "one")
	n.Drop(a, dir)
	create(t, filepath.Join(dir, "two"))
	hear(t, b, "two")
	if err := n.Watch(a, filepath.Join(dir, "absent")); err == nil {
		t.Error("a folder that is not there can be watched")
	}
	if err := os.Rename(dir, dir+"-gone"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-b.doubts:
	case <-time.After(30 * time.Second):
		t.Error("nothing was told of the folder's going away")
	}
}

func TestOverflowIsTold(t *testing.T) {
	n := startNotifier(t)
	dir, e := realTemp(t), newEar()
	if err := n.Watch(e, dir); err != nil {
		t.Fatal(err)
	}
	n.of(dir).fs.Errors <- fsnotify.ErrEventOverflow // as the library sends it
	for deadline := time.Now().Add(30 * time.Second); e.overflows.Load() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("an overflow is not told")
		}
	}
}

// One goroutine that receives events and adds watches as they come stops for
// ever when a directory is moved and removed meanwhile: the library then
// reports an error while it holds the lock that Add waits for.
func TestFoldersComeAndGoWithoutDeadlock(t *testing.T) {
	n := startNotifier(t)
	root := realTemp(t)
	for round := range 200 {
		dir, e := filepath.Join(root, fmt.Sprint("d", round%3)), newEar()
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := n.Watch(e, dir); err != nil {
			t.Fatal(err)
		}
		create(t, filepath.Join(dir, "f"))
		if err := os.Rename(dir, dir+"-moved"); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(dir + "-moved"); err != nil {
			t.Fatal(err)
		}
		if err := n.Watch(e, dir); errors.Is(err, errStuck) {
			t.Fatalf("round %d: %v", round, err)
		}
		n.Drop(e, dir)
	}
	e := newEar()
	for i := range 3 {
		dir := filepath.Join(root, fmt.Sprint("d", i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := n.Watch(e, dir); err != nil {
			t.Fatal(err)
		}
		create(t, filepath.Join(dir, "last"))
		hear(t, e, "last")
	}
}

func TestStuckShardIsNotWaitedFor(t *testing.T) {
	n := startNotifier(t)
	dir := realTemp(t)
	s := n.of(dir)
	s.busy.Store(time.Now().Add(-2 * watchTimeout).UnixNano())
	if err := n.Watch(newEar(), dir); !errors.Is(err, errStuck) {
		t.Errorf("a watch of a shard that hangs: %v", err)
	}
	if s.busy.Store(0); n.Watch(newEar(), dir) != nil {
		t.Error("a shard that hangs no more is given up")
	}
}

// A watcher that was killed leaves folders behind; the next start takes them
// away, and those of a living process it does not.
func TestCookiesOfTheDead(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	stale := filepath.Join(os.TempDir(), cookiesOf(dead.Process.Pid)+"1")
	living := filepath.Join(os.TempDir(), cookiesOf(os.Getppid())+"1")
	for _, dir := range []string{stale, living} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	n := New(slog.New(slog.NewTextHandler(t.Output(), nil)), Counters{&count{}, &count{}})
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(stale); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a dead watcher's folder: %v", err)
	}
	if _, err := os.Stat(living); err != nil {
		t.Error(err)
	}
}
