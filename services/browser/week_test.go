package browser

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spool.internal/events/eventstest"
)

// weekFile keeps a demo that has lived a week. Pictures are made of it.
const weekFile = "../../deploy/demo/week.tar.gz"

// aWeek is a demo under a clock that steps.
type aWeek struct {
	*world
}

// TestMakeWeek lives a week, and keeps the data folder as it is backed up: stopped and copied.
func TestMakeWeek(t *testing.T) {
	if os.Getenv("SPOOL_WEEK") == "" {
		t.Skip("make week runs it: it takes 15 minutes")
	}
	stepped, err := buildStepped(scratch)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now().Add(-7 * 24 * time.Hour).Truncate(time.Hour).Add(30 * time.Minute)
	dir, err := os.MkdirTemp("", "spool-week-") // what is stored names it
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	w := startWeek(t, dir, stepped, began)
	w.furnish(t)
	for hour := range 7 * 24 {
		if hour == 61 || hour == 62 {
			continue // the machine sleeps, and wakes in the third hour
		}
		w.live(t, hour, map[bool]int{true: 3, false: 1}[hour == 63])
	}
	ends := w.clock(t)
	w.stop(t)
	clock := fmt.Sprint(ends.Unix())
	if err := os.WriteFile(filepath.Join(w.DataDir, "clock"), []byte(clock), 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := filepath.Abs(weekFile)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command("tar", "-C", filepath.Dir(w.DataDir), "-czf", file, filepath.Base(w.DataDir)).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: %s", err, text)
	}
	if info, err := os.Stat(file); err == nil {
		t.Logf("a week up to %s: %d kB in %s", ends.UTC(), info.Size()/1000, weekFile)
	}
}

// startWeek starts a demo at a time of its clock.
func startWeek(t *testing.T, dir, stepped string, at time.Time) *aWeek {
	t.Helper()
	w, err := newPlace(dir)
	if err != nil {
		t.Fatal(err)
	}
	w.args = []string{"demo", "--data", w.DataDir, "--listen", w.address, "--log-level", "info", "--instance-name", "demo"}
	w.binary, w.env = stepped, []string{fmt.Sprintf("STEPPED_CLOCK=%d", int(time.Until(at).Seconds()))}
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.kill()
		if t.Failed() {
			t.Logf("log of the demo:\n%s", tail(w.log.String(), 6000))
		}
	})
	return &aWeek{w}
}

// stop ends the demo as its user does.
func (w *aWeek) stop(t *testing.T) {
	t.Helper()
	if err := w.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Wait(); err != nil {
		t.Errorf("the demo ended with %v", err)
	}
}

// step sets the clock forward to a time.
func (w *aWeek) step(t *testing.T, to time.Time) {
	t.Helper()
	if _, err := fmt.Fprintf(w.stdin, "step %d\n", int(to.Sub(w.clock(t)).Seconds())); err != nil {
		t.Fatal(err)
	}
}

// furnish makes the jobs of the week beside the demo's own, of which none runs more often
// than the clock steps.
func (w *aWeek) furnish(t *testing.T) {
	t.Helper()
	eventstest.Eventually(t, "the demo has made its jobs", func() bool { return strings.Contains(w.log.String(), "Stop with Ctrl-C") })
	for name, patch := range map[string]map[string]any{
		"demo: every minute":  {"schedule": "0 * * * *"},
		"demo: fails":         {"schedule": "0 9 * * 1-5"},
		"demo: takes a while": {"schedule": "0 */12 * * *", "run": map[string]any{"command": "echo step 1 of 2; sleep 1.5; echo step 2 of 2"}}, // a step in the middle of a run would make it days long
	} {
		w.api(t, http.MethodPatch, "/api/v2/jobs/"+w.find(t, name), patch)
	}
	for begun := time.Now(); len(w.api(t, http.MethodGet, "/api/v2/jobs?state=running", nil)["jobs"].([]any)) > 0; time.Sleep(time.Second) {
		if time.Since(begun) > 4*time.Minute {
			t.Fatal("what the demo started has not ended")
		}
	}
	command := func(name, schedule, zone, text string, more map[string]any) {
		body := map[string]any{"name": name, "schedule": schedule, "run": map[string]any{"command": text}, "settings": map[string]any{"tags": []string{"office"}}}
		body["spool"] = map[string]any{"timezone": zone}
		maps.Copy(body, more)
		w.api(t, http.MethodPost, "/api/v2/jobs", body)
	}
	command("invoices nightly", "0 2 * * *", "Europe/Paris", `echo "412 invoices read"; sleep 0.4; echo "412 sent"; echo sent >invoices.txt`, nil)
	command("ledger close", "0 3 * * *", "Europe/Paris", `case $(date -u -d "${SPOOL_SLOT%[*}" +%u) in 4|7) echo "table accounts is locked" >&2; exit 3;; esac; echo closed`, nil)
	command("weekly report", "0 8 * * 1", "Europe/London", `sleep 0.3; echo "report" >report.txt`, nil)
	command("heartbeat of the scanner", "0 * * * *", "UTC", `echo alive`, map[string]any{"spool": map[string]any{"timezone": "UTC", "catch_up": "none"}})
	command("old export", "0 4 * * *", "UTC", `echo exported >export.csv`, nil)
	w.api(t, http.MethodPost, "/api/v2/jobs/"+w.find(t, "old export")+"/disable", map[string]any{"reason": "the NAS moves to the new rack"})
}

// clock asks the demo what time it is.
func (w *aWeek) clock(t *testing.T) time.Time {
	t.Helper()
	now, err := time.Parse(time.RFC3339, w.api(t, http.MethodGet, "/api/v2/overview", nil)["now"].(string))
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// find gives the id of the one job of a name.
func (w *world) find(t *testing.T, name string) string {
	t.Helper()
	for _, job := range w.api(t, http.MethodGet, "/api/v2/jobs?limit=500", nil)["jobs"].([]any) {
		if job := job.(map[string]any); job["name"] == name {
			return job["job_id"].(string)
		}
	}
	t.Fatalf("there is no job %s", name)
	return ""
}

// live lives some hours, of which hour is the last: its slots, and the files that come in the day.
func (w *aWeek) live(t *testing.T, hour, hours int) {
	t.Helper()
	w.step(t, w.clock(t).Truncate(time.Hour).Add(time.Duration(hours)*time.Hour-2*time.Second))
	time.Sleep(4 * time.Second) // the slots of the hour, and their runs
	if of := hour % 24; of == 9 || of == 11 || of == 16 {
		name := fmt.Sprintf("letter-%03d.txt", hour)
		part := filepath.Join(w.DataDir, "demo", name)
		if err := os.WriteFile(part, []byte("Dear Sir or Madam\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(part, filepath.Join(w.DataDir, "demo", "in", name)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
	}
}
