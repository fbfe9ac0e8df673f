package browser

import (
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"spool.internal/events/eventstest"
)

// hostile is text that would do harm where it is not escaped.
const hostile = `"><img src=x onerror=alert(1)>`

// furnished is a world in which every page has something to show, and the ids of it.
type furnished struct {
	*world
	clock, failing, folder, disabled, hostile string // jobs
	ok, failed, bad                           string // runs: of clock, failing, hostile
}

var (
	furnishing sync.Mutex
	furniture  *furnished
)

// furnish gives the world that every page has something of: one for all tests, which change
// nothing in it.
func furnish(t *testing.T) *furnished {
	t.Helper()
	furnishing.Lock()
	defer furnishing.Unlock()
	if furniture != nil {
		return furniture
	}
	dir, err := os.MkdirTemp(scratch, "furnished-")
	if err != nil {
		t.Fatal(err)
	}
	w, err := startWorld(dir)
	if err != nil {
		t.Fatal(err)
	}
	atEnd = append(atEnd, w.kill)
	f := &furnished{world: w}
	f.clock = w.job(t, "invoices nightly", "30 2 * * *", "echo one; echo two >&2; echo 'a,b' >\"$SPOOL_OUTPUT_DIR/table.csv\"", map[string]any{"timezone": "Europe/Paris"})
	f.failing = w.job(t, "ledger", "*/15 * * * *", "echo 'table locked' >&2; exit 3", nil)
	f.folder = w.job(t, "letters", "", "cat", nil)
	f.disabled = w.job(t, "old export", "0 4 * * *", "true", nil)
	f.hostile = w.job(t, hostile, "0 5 * * *", `printf '\033[31mred\033[0m <script>alert(1)</script> \007\n'; echo '`+hostile+`' >&2; exit 1`, nil)
	w.api(t, http.MethodPost, "/api/v2/jobs/"+f.disabled+"/disable", map[string]any{"reason": "move of the NAS " + hostile})
	f.ok, f.failed, f.bad = w.run(t, f.clock), w.run(t, f.failing), w.run(t, f.hostile)
	for _, run := range []string{f.ok, f.failed, f.bad} {
		w.ended(t, run)
	}
	w.drop(t, f.folder, "a.txt", "some text")
	w.drop(t, f.folder, `x" onload="alert(1) <b>.txt`, "hostile by name")
	eventstest.Eventually(t, "the files are processed", func() bool {
		_, text := w.exchange(t, http.MethodGet, "/api/v2/jobs/"+f.folder+"/results", nil)
		return len(text) > 400
	})
	furniture = f
	return f
}

// drop puts a file into the folder of a job, under its name at once.
func (w *world) drop(t *testing.T, jobID, name, text string) {
	t.Helper()
	in, _ := w.folders.Load(jobID)
	dir := filepath.Join(w.Dir, in.(string))
	if err := os.WriteFile(filepath.Join(dir, "."+name+".part"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "."+name+".part"), filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// pages is every page of the dashboard that a furnished world has something for.
func (f *furnished) pages() []string {
	return []string{
		"/", "/jobs", "/jobs?state=failing", "/jobs?q=nothing+is+called+so", "/jobs/new", "/jobs/" + f.clock, "/jobs/" + f.failing, "/jobs/" + f.folder, "/jobs/" + f.hostile,
		"/jobs/" + f.clock + "/slots", "/jobs/" + f.failing + "/runs", "/jobs/" + f.hostile + "/history", "/jobs/" + f.hostile + "/edit", "/jobs/new?from=" + f.hostile,
		"/jobs/" + f.folder + "/files", "/jobs/" + f.folder + "/files?path=a.txt", "/runs", "/runs/" + f.ok, "/runs/" + f.bad, "/upcoming", "/dead", "/live", "/tokens", "/subscribers", "/system",
		"/nothing-is-here",
	}
}
