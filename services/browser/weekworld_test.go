package browser

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// lived gives the demo that has lived a week, at the end of it.
func lived(t *testing.T) *furnished {
	t.Helper()
	dir := t.TempDir()
	stepped, err := buildStepped(scratch)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command("tar", "-C", dir, "-xzf", weekFile).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: %s", err, text)
	}
	text, err := os.ReadFile(filepath.Join(dir, "data/clock"))
	if err != nil {
		t.Fatal(err)
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	w := startWeek(t, dir, stepped, time.Unix(seconds, 0)).world
	f := &furnished{
		world: w, clock: w.find(t, "ledger close"), failing: w.find(t, "demo: fails"), folder: w.find(t, "demo: every file"),
		disabled: w.find(t, "old export"), hostile: w.find(t, "invoices nightly"),
	}
	f.ok, f.failed, f.bad = w.last(t, f.hostile, "ok"), w.last(t, f.clock, "failed"), w.last(t, f.failing, "failed")
	return f
}

// last gives the newest run of a job with an outcome.
func (w *world) last(t *testing.T, jobID, outcome string) string {
	t.Helper()
	all := w.api(t, http.MethodGet, "/api/v2/results?"+url.Values{"job_id": {jobID}, "outcome": {outcome}, "limit": {"1"}}.Encode(), nil)["results"].([]any)
	if len(all) == 0 {
		t.Fatalf("the job has no run that is %s", outcome)
	}
	return all[0].(map[string]any)["trigger_id"].(string)
}
