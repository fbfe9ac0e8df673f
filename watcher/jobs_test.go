package watcher_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

func TestDeletedJobLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, running := range []bool{true, false} {
		name := map[bool]string{true: "while watched", false: "before the start"}[running]
		t.Run(name, func(t *testing.T) {
			r := newHarness(t, eventstest.Options{})
			dir := r.dir("in")
			ev := r.job("job", "in", nil)
			r.job("other", "other", nil) // on the same drive
			stop := r.start()
			r.write(filepath.Join(dir, "f"), "one")
			r.write(filepath.Join(r.dir("other"), "f"), "two")
			r.await("job", 1)
			r.await("other", 1)
			if !running {
				stop()
			}
			ev.Event = events.JobDeleted
			r.put(ev, 1)
			if !running {
				r.start()
			}
			r.eventually(func() bool {
				_, err := os.Stat(filepath.Join(r.root, ".spool", "job"))
				_, found, berr := r.bus.Seen("job").Last(t.Context())
				return os.IsNotExist(err) && berr == nil && !found
			})
			if r.staged(r.await("other", 1)[0]) != "two" {
				t.Error("the other job has lost its stage")
			}
		})
	}
}

func TestJobForgottenLongAgo(t *testing.T) {
	r := newHarness(t, eventstest.Options{})
	r.job("other", "other", nil)
	r.dir("other")
	// Stages of a job that this ledger knows, and of one that another Spool may know.
	ours, theirs := r.dir(".spool/ours"), r.dir(".spool/theirs")
	r.check(r.bus.IgnoreFiles(t.Context(), []events.SeenFile{{JobID: "ours", Path: "f", Fingerprint: "0"}}))
	r.start()
	r.eventually(func() bool { _, err := os.Stat(ours); return os.IsNotExist(err) })
	if _, err := os.Stat(theirs); err != nil {
		t.Error("the stages of an unknown job are gone")
	}
}

func TestJobChanges(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	a, b := r.dir("a"), r.dir("b")
	r.job("job", "a", nil)
	r.start()
	r.write(filepath.Join(a, "f"), "one")
	r.await("job", 1)
	moved := r.newEvent("job", "b")
	seq := r.put(moved, 1)
	r.write(filepath.Join(b, "g"), "two")
	for _, tr := range r.await("job", 2) {
		if tr.File.Path == "g" && tr.JobSeq != seq {
			t.Errorf("job_seq %d, want %d", tr.JobSeq, seq)
		}
	}
	r.write(filepath.Join(a, "left"), "no")
	r.settled("job", b, 2)
}

// newEvent is an update that moves a job to another folder.
func (r *harness) newEvent(id, folder string) events.JobEvent {
	other := r.job("model", folder, nil)
	ev := other
	ev.Event, ev.Job.ID = events.JobUpdated, id
	other.Event = events.JobDeleted
	seq, _, err := r.bus.JobEvents("model").Last(r.Context())
	r.check(err)
	r.put(other, seq.Sequence)
	return ev
}

func TestInitialFilesIgnored(t *testing.T) {
	r := newHarness(t, eventstest.Options{})
	dir := r.dir("in")
	r.write(filepath.Join(dir, "old"), "no")
	time.Sleep(30 * time.Millisecond) // older than the job by more than a tick
	r.job("job", "in", map[string]any{"watch": map[string]any{"initial": "ignore", "ignore": []string{"*.log"}}})
	stop := r.start()
	r.awaitLog("folder is watched")
	r.write(filepath.Join(dir, "new"), "one")
	r.write(filepath.Join(dir, "x.log"), "no")
	r.await("job", 1)
	stop()
	r.start() // what was ignored stays ignored
	r.settled("job", dir, 1)
}

func TestQuietOfTheJob(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	dir := r.dir("in")
	r.job("job", "in", map[string]any{"watch": map[string]any{"quiet_ms": 700}})
	r.start()
	r.awaitLog("folder is watched")
	began := time.Now()
	r.write(filepath.Join(dir, "f"), "one")
	r.await("job", 1)
	if took := time.Since(began); took < 700*time.Millisecond {
		t.Errorf("taken after %v, before its quiet time", took)
	}
}
