package watcher_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/watcher"
)

// tidyHarness has a job and files that are staged, and a watcher whose clock is the test's.
type tidyHarness struct {
	*harness
	w        *watcher.Watcher
	dir      string
	triggers map[string]events.Trigger // by path
}

func newTidyHarness(t *testing.T, names ...string) *tidyHarness {
	r := &tidyHarness{harness: newHarness(t, eventstest.Options{}), triggers: map[string]events.Trigger{}}
	r.dir = r.harness.dir("in")
	r.job("job", "in", nil)
	r.w, _ = r.run()
	r.awaitLog("folder is watched")
	for _, name := range names {
		r.drop(filepath.Join(r.dir, name), name)
	}
	for _, tr := range r.await("job", len(names)) {
		r.triggers[tr.File.Path] = tr
	}
	return r
}

// asFormerly lays the stage of a file as former releases did.
func (r *tidyHarness) asFormerly(name string) {
	r.Helper()
	tr := r.triggers[name]
	p, err := events.ParsePath("input_dir", tr.File.InputDir)
	r.check(err)
	was, stage := r.drives.HostPath(p), filepath.Join(r.root, ".spool", "job", tr.File.Fingerprint)
	r.check(os.Mkdir(stage, 0o755))
	r.check(os.Rename(was, filepath.Join(stage, "input")))
	tr.File.InputDir = driveName + "/.spool/job/" + tr.File.Fingerprint + "/input"
}

// called takes the files off the queue, as after their calls.
func (r *tidyHarness) takenOff(names ...string) {
	r.Helper()
	for _, name := range names {
		tr := r.triggers[name]
		r.check(r.bus.File("job", tr.File.Fingerprint).Clear(r.Context()))
	}
}

// ended tells that the run of a file has ended.
func (r *tidyHarness) runEnds(name string, status events.Status) {
	r.Helper()
	tr := r.triggers[name]
	r.check(r.bus.PutRunEvent(r.Context(), events.RunEvent{
		Phase: events.Ended, At: time.Now(), FlowJobID: events.FlowJobID("admin", tr.ID), TriggerID: tr.ID, JobID: "job", InputDir: tr.File.InputDir, Status: status,
	}, 0))
}

func (r *tidyHarness) kept(name string) bool {
	p, err := events.ParsePath("input_dir", r.triggers[name].File.InputDir)
	r.check(err)
	_, err = os.Stat(filepath.Join(r.drives.HostPath(p), name))
	return err == nil
}

func (r *tidyHarness) expect(when string, want map[string]bool) {
	r.Helper()
	for name, kept := range want {
		if r.kept(name) != kept {
			r.Errorf("%s the stage of %s is kept: %v", when, name, !kept)
		}
	}
}

func TestStagesGoWhenTheirRunsHaveEnded(t *testing.T) {
	t.Parallel()
	r := newTidyHarness(t, "queued", "running", "ended", "failed", "dead", "rerun", "accepted", "former", "former-dead")
	r.asFormerly("former")
	r.asFormerly("former-dead")
	formerDead := r.triggers["former-dead"]
	r.check(r.bus.PutDead(t.Context(), formerDead, events.Result{TriggerID: formerDead.ID, JobID: "job"}))
	r.takenOff("former", "former-dead", "running", "ended", "failed", "dead", "rerun", "accepted")
	dead := r.triggers["dead"]
	r.check(r.bus.PutDead(t.Context(), dead, events.Result{TriggerID: dead.ID, JobID: "job"}))
	again := events.Trigger{ID: events.ManualTriggerID("job", "x"), JobID: "job", Kind: events.KindManual, File: r.triggers["rerun"].File}
	_, err := r.bus.PutTrigger(t.Context(), events.KindManual, again)
	r.check(err)
	_, _, err = r.bus.AcceptRun(t.Context(), "default", events.Run{FlowJobID: "other", InputDir: r.triggers["accepted"].File.InputDir})
	r.check(err)
	for _, name := range []string{"queued", "ended", "dead", "rerun", "accepted", "former", "former-dead"} {
		r.runEnds(name, events.OK)
	}
	r.runEnds("failed", events.ERROR) // it may be run again
	want := map[string]bool{"queued": true, "running": true, "ended": false, "failed": true, "dead": true, "rerun": true, "accepted": true, "former": false, "former-dead": true}
	r.eventually(func() bool {
		r.check(r.w.RemoveEnded(t.Context()))
		return !r.kept("ended") && !r.kept("former")
	})
	r.expect("when runs have ended", want)

	// What nobody heard of, the survey finds.
	r.check(r.bus.DeadLetters("job").Clear(t.Context()))
	r.check(r.bus.Triggers("", "").Clear(t.Context()))
	r.check(r.bus.RunQueue("").Clear(t.Context()))
	r.takenOff("queued")
	r.check(r.w.Tidy(t.Context(), time.Now()))
	r.expect("at the survey", map[string]bool{"queued": false, "running": true, "failed": true, "dead": false, "rerun": false, "accepted": false, "former": false, "former-dead": false})
}

func TestStagesGoAfterTheRetention(t *testing.T) {
	t.Parallel()
	r := newTidyHarness(t, "foreign", "disabled")
	r.takenOff("foreign")
	stages := filepath.Join(r.root, ".spool", "job")
	orphan := filepath.Join(stages, events.Hash("orphan"))
	r.check(os.MkdirAll(filepath.Join(orphan, "input"), 0o755))
	r.write(filepath.Join(orphan, "input", "f"), "given up")
	mine := filepath.Join(stages, events.Hash("input")+".NONCE")
	r.check(os.Mkdir(mine, 0o755))
	r.write(filepath.Join(mine, "input"), "given up")
	half := filepath.Join(stages, "."+events.Hash("half")+".NONCE")
	r.write(half, "cut off")
	there := func(path string) bool { _, err := os.Stat(path); return err == nil }

	now := time.Now()
	r.check(r.w.Tidy(t.Context(), now.Add(30*time.Minute)))
	if !there(orphan) || !there(mine) || !there(half) {
		t.Error("what may be in work was removed")
	}
	r.check(r.w.Tidy(t.Context(), now.Add(2*time.Hour)))
	if there(orphan) || there(mine) || there(half) {
		t.Error("what was given up 2 h ago is still there")
	}
	day := 24 * time.Hour
	r.check(r.w.Tidy(t.Context(), now.Add(6*day)))
	r.expect("after 6 days", map[string]bool{"foreign": true, "disabled": true})
	r.check(r.w.Tidy(t.Context(), now.Add(8*day)))
	r.expect("after 8 days", map[string]bool{"foreign": false, "disabled": true})
	r.takenOff("disabled") // its job was disabled for 8 days
	r.check(r.w.Tidy(t.Context(), now.Add(14*day)))
	r.expect("6 days after it left the queue", map[string]bool{"disabled": true})
	r.check(r.w.Tidy(t.Context(), now.Add(16*day)))
	r.expect("8 days after it left the queue", map[string]bool{"disabled": false})
}

// seen counts the ledger entries of a path.
func (r *tidyHarness) seen(name string) int {
	r.Helper()
	entries, err := r.bus.SeenOnPath(r.Context(), "job", name)
	r.check(err)
	return len(entries)
}

func TestLedgerForgetsWhatHasGone(t *testing.T) {
	t.Parallel()
	r := newTidyHarness(t, "stays", "gone", "back", "again")
	r.takenOff("stays", "gone", "back", "again")
	r.check(r.bus.Reprocess(t.Context(), "job", "again", "admin"))
	r.await("job", 1)
	for _, name := range []string{"gone", "back", "again"} {
		r.check(os.Rename(filepath.Join(r.dir, name), filepath.Join(r.root, name)))
	}
	now := time.Now()
	tidy := func(hours time.Duration) {
		t.Helper()
		r.check(r.w.Tidy(t.Context(), now.Add(hours*time.Hour)))
	}
	expect := func(when string, want map[string]int) {
		t.Helper()
		for name, n := range want {
			if got := r.seen(name); got != n {
				t.Errorf("%s the ledger knows %d of %s, want %d", when, got, name, n)
			}
		}
	}
	tidy(0)
	tidy(23)
	expect("after 23 h", map[string]int{"stays": 1, "gone": 1, "back": 1, "again": 2})
	r.check(os.Rename(filepath.Join(r.root, "back"), filepath.Join(r.dir, "back")))
	tidy(25)
	expect("after 25 h, one version is still queued", map[string]int{"stays": 1, "gone": 0, "back": 1, "again": 1})
	r.check(r.bus.Files("job").Clear(t.Context()))
	tidy(26)
	expect("after 26 h", map[string]int{"stays": 1, "gone": 0, "back": 1, "again": 0})
	if n, err := r.bus.Reruns("job").Count(t.Context()); err != nil || n != 0 {
		t.Errorf("%d requests to run files again are left", n)
	}
	// What was forgotten is new when it comes back; what was not is known.
	r.check(r.bus.Files("job").Clear(t.Context()))
	r.check(os.Rename(filepath.Join(r.root, "gone"), filepath.Join(r.dir, "gone")))
	if got := r.await("job", 1); got[0].File.Path != "gone" {
		t.Errorf("took %+v", got)
	}

	// A drive that is not mounted proves nothing.
	r.check(os.Rename(filepath.Join(r.root, ".spool"), filepath.Join(r.root, "elsewhere")))
	r.check(os.Remove(filepath.Join(r.dir, "stays")))
	tidy(50)
	tidy(100)
	expect("of a drive without stages", map[string]int{"stays": 1})
}
