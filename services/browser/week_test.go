package browser

import (
	"fmt"
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
	now time.Time // by the demo's clock, to the second
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
	began := time.Now().Add(-7 * 24 * time.Hour).Truncate(time.Hour).Add(58 * time.Minute)
	w := startWeek(t, filepath.Join(t.TempDir(), "week"), stepped, began)
	w.furnish(t)
	for hour := range 7 * 24 {
		w.live(t, hour)
	}
	w.stop(t)
	clock := fmt.Sprint(w.now.Unix())
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
		t.Logf("a week up to %s: %d kB in %s", w.now.UTC(), info.Size()/1000, weekFile)
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
	t.Cleanup(w.kill)
	return &aWeek{w, at}
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
	status, text := w.exchange(t, http.MethodGet, "/api/v2/system", nil)
	if status != http.StatusOK {
		t.Fatalf("GET /api/v2/system: %d %s", status, text)
	}
	if _, err := fmt.Fprintf(w.stdin, "step %d\n", int(to.Sub(w.now).Seconds())); err != nil {
		t.Fatal(err)
	}
	w.now = to
}

// furnish makes the jobs of the week beside the demo's own, of which none runs more often
// than the clock steps.
func (w *aWeek) furnish(t *testing.T) {
	t.Helper()
	eventstest.Eventually(t, "the demo has made its jobs", func() bool { return strings.Contains(w.log.String(), "Stop with Ctrl-C") })
	schedules := map[string]string{"demo: every minute": "0 * * * *", "demo: fails": "0 9 * * 1-5", "demo: takes a while": "0 */12 * * *"}
	for name, schedule := range schedules {
		id := w.find(t, name)
		w.api(t, http.MethodPatch, "/api/v2/jobs/"+id, map[string]any{"schedule": schedule})
	}
	command := func(name, schedule, zone, text string, more map[string]any) {
		body := map[string]any{"name": name, "schedule": schedule, "run": map[string]any{"command": text}, "settings": map[string]any{"tags": []string{"office"}}}
		body["spool"] = map[string]any{"timezone": zone}
		for key, value := range more {
			body[key] = value
		}
		w.api(t, http.MethodPost, "/api/v2/jobs", body)
	}
	command("invoices nightly", "0 2 * * *", "Europe/Paris", `echo "412 invoices read"; sleep 0.4; echo "412 sent"; echo sent >invoices.txt`, nil)
	command("ledger close", "0 3 * * *", "Europe/Paris", `case $(date -u -d "${SPOOL_SLOT%[*}" +%u) in 4|7) echo "table accounts is locked" >&2; exit 3;; esac; echo closed`, nil)
	command("weekly report", "0 8 * * 1", "Europe/London", `sleep 0.3; echo "report" >report.txt`, nil)
	command("heartbeat of the scanner", "0 */2 * * *", "UTC", `echo alive`, nil)
	command("old export", "0 4 * * *", "UTC", `echo exported >export.csv`, nil)
	w.api(t, http.MethodPost, "/api/v2/jobs/"+w.find(t, "old export")+"/disable", map[string]any{"reason": "the NAS moves to the new rack"})
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

// live lives an hour: its slots, and the files that come in the day.
func (w *aWeek) live(t *testing.T, hour int) {
	t.Helper()
	w.step(t, w.now.Truncate(time.Hour).Add(time.Hour-2*time.Second))
	time.Sleep(3500 * time.Millisecond) // the slots of the hour, and their runs
	w.now = w.now.Add(3500 * time.Millisecond)
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
		w.now = w.now.Add(time.Second)
	}
}
