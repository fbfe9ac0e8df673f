package browser

import (
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// in gives the folder that a job reads.
func (w *world) in(jobID string) string {
	folder, _ := w.folders.Load(jobID)
	return filepath.Join(w.Dir, folder.(string))
}

// says waits until the row of a file says something.
func (p *tab) says(file, text string) {
	p.t.Helper()
	p.until(fmt.Sprintf("the row of %s says %q", file, text), fmt.Sprintf(
		`[...document.querySelectorAll("tr")].some((r) => r.querySelector("th .path")?.textContent === %q && r.textContent.includes(%q))`, file, text))
}

// Each file that waits says why: it is open for writing, has no marker, is too young, or is
// behind others in the queue. A name that was never seen says so.
func TestS31WaitingFiles(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)

	open := w.job(t, "held open", "", "true", nil)
	f, err := os.Create(filepath.Join(w.in(open), "open.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p.open("/jobs/" + open + "/files")
	p.live()
	p.says("open.csv", "A process has it open for writing")

	marker := w.job(t, "with markers", "", "true", map[string]any{"watch": map[string]any{"marker": ".done"}})
	w.drop(t, marker, "c.pdf", "a page")
	p.open("/jobs/" + marker + "/files")
	p.live()
	p.says("c.pdf", "It has no c.pdf.done")

	quiet := w.job(t, "quiet", "", "true", map[string]any{"watch": map[string]any{"quiet_ms": 600_000}})
	if err := os.WriteFile(filepath.Join(w.in(quiet), "a.csv"), []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.open("/jobs/" + quiet + "/files")
	p.live()
	p.says("a.csv", "after 10 min without a change")

	queue := w.job(t, "one by one", "", "sleep 60", map[string]any{"overlap": "queue"})
	defer w.api(t, http.MethodDelete, "/api/v2/jobs/"+queue, nil)
	for _, name := range []string{"1.xml", "2.xml", "3.xml"} {
		w.drop(t, queue, name, name)
	}
	p.open("/jobs/" + queue + "/files?state=queued")
	p.live()
	p.until("a file is queued behind another", `/Queued \d/.test(document.querySelector("main table")?.textContent)`)

	p.open("/jobs/" + open + "/files?path=never.csv")
	if got := p.text("[data-timeline]"); !strings.Contains(got, "Spool has not seen this name") {
		t.Errorf("a name that was never seen: %q", got)
	}
}

// A file that ran and was deleted is found by its name, with all that became of it.
func TestS32FileThatIsGone(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	id := w.job(t, "takes files away", "", `cp "$1"/* "$2"/`, nil)
	w.drop(t, id, "gone.txt", "text")
	p.open("/jobs/" + id + "/files")
	p.live()
	p.says("gone.txt", "ok after")
	if err := os.Remove(filepath.Join(w.in(id), "gone.txt")); err != nil {
		t.Fatal(err)
	}
	p.fill("#where-path", "gone.txt")
	p.click(`.where button`)
	p.until("its page is there", `new URLSearchParams(location.search).get("path") === "gone.txt" && document.querySelector(".way")`)
	var steps []string
	for _, s := range eval[[]any](p, `[...document.querySelectorAll(".way li")].map((e) => e.dataset.step)`) {
		steps = append(steps, s.(string))
	}
	if got, want := strings.Join(steps, " "), "seen complete queued called run outcome"; got != want {
		t.Errorf("its timeline is %s, want %s", got, want)
	}
	if got := p.text("[data-timeline]"); !strings.Contains(got, "No file of this name lies in the folder") || !strings.Contains(got, "ok, 1 file") {
		t.Errorf("it reads %q", got)
	}
	// By its whole path, too.
	p.open("/jobs/" + id + "/files?" + url.Values{"path": {w.in(id) + "/gone.txt"}}.Encode())
	if got := p.text("[data-timeline]"); !strings.Contains(got, "ok, 1 file") {
		t.Errorf("by its path on the host it reads %q", got)
	}
	// The content of one that failed is kept for long, and runs again as it was.
	fails := w.job(t, "fails on files", "", "exit 1", nil)
	w.drop(t, fails, "bad.txt", "text")
	p.open("/jobs/" + fails + "/files")
	p.live()
	p.says("bad.txt", "failed after")
	if err := os.Remove(filepath.Join(w.in(fails), "bad.txt")); err != nil {
		t.Fatal(err)
	}
	p.open("/jobs/" + fails + "/files?path=bad.txt")
	p.click(`.filefound button[aria-label^="Run again"]`)
	p.until("it says so", `document.querySelector("[data-note] .note")?.textContent.includes("bad.txt runs again")`)
}

// A form is stored as it comes in: what has come lies on the disk while the rest is still to
// come, and has no name by which a watcher would take it.
func TestDropStreams(t *testing.T) {
	w := newWorld(t)
	id := w.job(t, "streams", "", "true", nil)
	body, in := io.Pipe()
	form := multipart.NewWriter(in)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/jobs/"+id+"/files/drop", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.Token)
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Accept", "text/html")
	answer := make(chan string, 1)
	go func() {
		client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := client.Do(req)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		answer <- fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("Location"))
	}()
	part, err := form.CreateFormFile("file", "large.bin")
	if err != nil {
		t.Fatal(err)
	}
	const half = 2 << 20
	if _, err := part.Write(make([]byte, half)); err != nil {
		t.Fatal(err)
	}
	eventstest.Eventually(t, "what has come is on the disk", func() bool {
		all, _ := filepath.Glob(filepath.Join(w.in(id), events.UploadPrefix+"*"))
		if len(all) != 1 {
			return false
		}
		info, err := os.Stat(all[0])
		return err == nil && info.Size() > half/2
	})
	if _, err := os.Stat(filepath.Join(w.in(id), "large.bin")); err == nil {
		t.Error("it has its name before it is whole")
	}
	if _, err := part.Write(make([]byte, half)); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	if got, want := <-answer, "303 /jobs/"+id+"/files?path=large.bin"; got != want {
		t.Errorf("answered with %s, want %s", got, want)
	}
	if info, err := os.Stat(filepath.Join(w.in(id), "large.bin")); err != nil || info.Size() != 2*half {
		t.Errorf("%v, %v", info, err)
	}
}

// Files are marked as run after they were shown, and no others than those.
func TestMarkFiles(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	p.expect("422")
	id := w.job(t, "marks", "", "true", map[string]any{"watch": map[string]any{"marker": ".done"}})
	w.drop(t, id, "old.pdf", "old")
	p.open("/jobs/" + id + "/mark?pattern=*.pdf")
	if got := p.text("main"); !strings.Contains(got, "Mark 1 file as run") {
		t.Fatalf("it reads %q", got)
	}
	w.drop(t, id, "new.pdf", "new")
	p.click(`form[method=post] button[aria-label^="Mark 1 file"]`)
	p.until("it is refused", `document.querySelector("[data-summary]")?.textContent.includes("Nothing was marked")`)
	p.click(`form[method=post] button[aria-label^="Mark 2 files"]`)
	p.until("they are marked", `document.querySelector("main").textContent.includes("2 files marked as run")`)
}
