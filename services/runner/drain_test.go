//go:build linux || darwin

package runner

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/services/runner/record"
)

// waits is a flow that ends when it is let.
const waits = `echo $$ >> "$1/journal"; while [ ! -e "$1/release" ]; do sleep 0.01; done`

// drained stops a runner while a flow runs, and lets the flow end after a while.
func drain(t *testing.T, goesOn time.Duration) {
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", waits)
	r := h.runner(func(c *Config) { c.Drain, c.Workers = time.Minute, 1 })
	url := h.serve(r).URL
	stop := h.background(r.Run)
	id := h.accept(url, "k", "flow", `{}`)
	h.eventually("the flow runs", func() bool { return len(h.lines("in/journal")) == 1 })
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	h.eventually("the runner takes no more", func() bool { return r.Check() != nil })
	second := h.accept(url, "second", "flow", `{}`)
	h.background(h.runner(nil).Run) // another one, who would take the run if it were given away
	h.eventually("the other runner runs the second", func() bool { return len(h.lines("in/journal")) == 2 })
	select {
	case <-stopped:
		t.Error("the runner did not wait for its flow")
	case <-time.After(goesOn):
	}
	h.write("in/release", "", 0o644)
	<-stopped
	for _, id := range []string{id, second} {
		if ended := h.until(events.Ended, id); ended.Status != events.OK || ended.Attempt != 1 {
			t.Errorf("ended %+v", ended)
		}
	}
	h.drained()
	if got := h.lines("in/journal"); len(got) != 2 {
		t.Errorf("the flows have run %d times", len(got))
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	drain(t, 100*time.Millisecond)
}

// A run stays in the hands of a runner that drains for longer than a delivery lives.
func TestLongDrain(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long")
	}
	drain(t, 12*time.Second)
}

// The wait has an end, and what it cuts short starts again.
func TestDrainIsBounded(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", waits)
	r := h.runner(func(c *Config) { c.Drain = 300 * time.Millisecond })
	stop := h.background(r.Run)
	id := h.accept(h.serve(r).URL, "k", "flow", `{}`)
	h.eventually("the flow runs", func() bool { return len(h.lines("in/journal")) == 1 })
	stop()
	if n, _ := h.phase(events.Ended, id); n != 0 {
		t.Error("a run that was cut short has ended")
	}
	h.write("in/release", "", 0o644)
	h.background(h.runner(nil).Run)
	if ended := h.until(events.Ended, id); ended.Attempt != 2 || ended.Status != events.OK {
		t.Errorf("ended %+v", ended)
	}
}

func TestOldLogsGo(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	r := h.runner(nil)
	now := time.Now()
	make := func(name string, age time.Duration) string {
		dir := record.Dir(h.data, name)
		if err := os.MkdirAll(filepath.Join(dir, "tmp"), 0o755); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "run.log")
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	old, young, foreign, held := uuid.NewString(), uuid.NewString(), "kept-by-hand", uuid.NewString()
	r.active[held] = &inHand{}
	want := map[string]bool{
		make(old, keepLogs+time.Hour): false, make(young, keepLogs-time.Hour): true,
		make(foreign, 2*keepLogs): true, make(held, 2*keepLogs): true,
	}
	if err := record.ForgetOld(t.Context(), r.cfg.DataDir, now.Add(-keepLogs), r.has); err != nil {
		t.Fatal(err)
	}
	for dir, kept := range want {
		if _, err := os.Stat(dir); (err == nil) != kept {
			t.Errorf("%s: %v, kept should be %v", dir, err, kept)
		}
	}
}
