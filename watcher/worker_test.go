package watcher

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/eventstest"
	"spool.internal/watcher/notify"
	"spool.internal/watcher/settle"
)

const testDrive = "admin/repo/fs/drive"

// harness is one folder and a worker that the test plays itself.
type harness struct {
	*testing.T
	w   *Watcher
	f   *folder
	dir string
}

func newHarness(t *testing.T, change func(*Watcher)) *harness {
	root := t.TempDir()
	d, err := drive.New(t.TempDir(), []string{testDrive + "=" + root})
	if err != nil {
		t.Fatal(err)
	}
	w, err := New(Config{
		Bus: eventstest.Bus(t), Drives: d, Log: eventstest.Log(t), Sweep: time.Second, QuietRemote: 300 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	change(w)
	n := notify.New(eventstest.Log(t), notify.Counters{Reports: w.meter.reports, Overflows: w.meter.overflows})
	w.notifier = n
	dir := filepath.Join(root, "in")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f := w.newFolder("job", task{path: events.Path{Drive: testDrive, Rel: "in"}, watch: events.Watch{QuietMS: -1}}, "", &current{})
	t.Cleanup(func() {
		w.retire(f)
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return &harness{t, w, f, dir}
}

func (b *harness) takeUntil(done func() bool) {
	b.Helper()
	for deadline := time.Now().Add(60 * time.Second); !done(); {
		if time.Now().After(deadline) {
			b.Fatalf("did not come about within 60 s: %+v", b.f.status())
		}
		time.Sleep(min(b.w.take(b.Context(), b.f), 10*time.Millisecond))
	}
}

func (b *harness) state(want settle.State) func() bool {
	return func() bool { return b.f.status().State == want.Shown() }
}

// A network mount is not watched, no lease is asked for, and a file is taken
// when two looks far enough apart saw the same. What statfs says is made up
// here; what it means is [settle.FileSystem].
func TestNetworkMount(t *testing.T) {
	b := newHarness(t, func(w *Watcher) {
		w.mounted = func(*os.File) mounted {
			name, trust := settle.FileSystem(0x6969)
			return mounted{name, trust}
		}
	})
	b.takeUntil(b.state(settle.Poll))
	if got := b.f.status().Reason; got != "on a network mount (nfs) the system does not report what others do" {
		t.Errorf("reason %q", got)
	}
	if b.f.work.watchedPath != "" {
		t.Error("a network mount is watched")
	}
	// A writer of this host, whom a lease would show: another host's would not be shown either.
	file, err := os.Create(filepath.Join(b.dir, "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	write := func(text string) {
		if _, err := file.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	b.takeUntil(func() bool { return len(b.f.work.pending) == 1 })
	seen := time.Now()
	write("two") // before the second look
	b.takeUntil(func() bool { return len(b.f.work.pending) == 0 })
	if took := time.Since(seen); took < 300*time.Millisecond {
		t.Errorf("taken %v after it had changed", took)
	}
	queued, err := b.w.cfg.Bus.Files("").Count(t.Context())
	if err != nil || queued != 1 {
		t.Errorf("%d triggers, want 1 (%v)", queued, err)
	}
}

// A watch that has gone without a word, as after an unmount: two files found by
// sweeps alone, and the folder is polled.
func TestReportsThatDoNotCome(t *testing.T) {
	b := newHarness(t, func(w *Watcher) { w.unannounced = 0 })
	b.takeUntil(b.state(settle.Live))
	b.w.notifier.Drop(b.f, b.f.work.watchedPath)
	for _, name := range []string{"f", "g"} {
		create(t, filepath.Join(b.dir, name))
	}
	b.takeUntil(b.state(settle.Poll))
	if b.f.status().Reason == "" {
		t.Error("it does not say why it is polled")
	}
	b.takeUntil(func() bool {
		return len(b.f.work.pending) == 0 && b.f.work.known.knowsName("f") && b.f.work.known.knowsName("g")
	})
}

func create(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// figure reads a counter.
func figure(t *testing.T, c prometheus.Counter) float64 {
	t.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(c)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families[0].GetMetric()[0].GetCounter().GetValue()
}
