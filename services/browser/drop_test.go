package browser

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// fileOf makes a file of a size, which takes no room.
func fileOf(t *testing.T, name string, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	return path
}

// choose gives files to the button that files are chosen with.
func (p *tab) choose(files ...string) {
	p.t.Helper()
	eventstest.Eventually(p.t, "files are chosen", func() bool { // the page may still be coming
		_, err := get(p, chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), files))
		return err == nil
	})
}

// slow has what the tab sends go no faster than so many bytes a second; 0 = as fast as it goes.
func (p *tab) slow(rate float64) {
	p.t.Helper()
	if rate == 0 {
		rate = -1
	}
	p.network(network.Conditions{DownloadThroughput: -1, UploadThroughput: rate})
}

// results counts the executions of a job.
func (w *world) results(t *testing.T, jobID string) int {
	t.Helper()
	return len(w.api(t, http.MethodGet, "/api/v2/jobs/"+jobID+"/results", nil)["results"].([]any))
}

// A large file shows how far it has come, can be cancelled, and runs only when it is whole.
func TestS30LargeDrop(t *testing.T) {
	size, rate := int64(12<<20), 4e6
	if os.Getenv("SPOOL_BROWSER") != "" {
		size, rate = 2<<30, 0
	}
	w := newWorld(t)
	p := w.page(t)
	p.expect("404") // it is asked whether the name is taken
	id := w.job(t, "large files", "", `wc -c <"$1"/large.bin >"$2"/size`, nil)
	file := fileOf(t, "large.bin", size)
	p.open("/jobs/" + id)
	p.live()

	p.slow(1e6)
	p.choose(file)
	p.until("it shows how far it has come", `/[1-9]\d* % of/.test(document.querySelector("[data-uploads] li")?.textContent)`)
	p.click(`[data-uploads] button[aria-label="Cancel, large.bin"]`)
	p.until("it says that nothing is there", `document.querySelector("[data-uploads]").textContent.includes("cancelled: nothing of it is there")`)
	eventstest.Eventually(t, "nothing of it is left", func() bool { entries, err := os.ReadDir(w.in(id)); return err == nil && len(entries) == 0 })

	p.slow(rate)
	p.choose(file)
	eventstest.Eventually(t, "a part of it has come", func() bool {
		parts, _ := filepath.Glob(filepath.Join(w.in(id), events.UploadPrefix+"*"))
		if len(parts) != 1 {
			return false
		}
		info, err := os.Stat(parts[0])
		return err == nil && info.Size() > 1<<20
	})
	if n := w.results(t, id); n != 0 {
		t.Errorf("%d runs before it was whole", n)
	}
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) { // 2 GB take their time
		if _, err := os.Stat(filepath.Join(w.in(id), "large.bin")); err == nil {
			break
		}
		if time.Since(begun) > 8*time.Minute {
			t.Fatalf("it does not become whole; the page reads %s", p.text(".drop"))
		}
	}
	p.until("its timeline opens by itself, and shows its run", `document.querySelector("[data-timeline] [data-step=outcome]")?.textContent.includes("ok, 1 file")`)
	if n := w.results(t, id); n != 1 {
		t.Errorf("%d runs", n)
	}
	out := p.text("[data-timeline]")
	if !strings.Contains(out, "large.bin") {
		t.Errorf("the timeline reads %q", out)
	}
	link := eval[string](p, `document.querySelector("[data-timeline] a[download]").getAttribute("href")`)
	if _, text := w.exchange(t, http.MethodGet, link, nil); strings.TrimSpace(string(text)) != fmt.Sprint(size) {
		t.Errorf("the run has counted %s bytes of %d", text, size)
	}
}

// A name that is taken is asked about, and two files of one name are told before they are sent.
func TestDropTakenName(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	p.expect("404") // it is asked whether a name is taken
	id := w.job(t, "taken names", "", "true", nil)
	w.drop(t, id, "report.pdf", "first")
	p.open("/jobs/" + id)
	p.choose(fileOf(t, "report.pdf", 100))
	p.until("it asks", `document.querySelector('[data-uploads] button[aria-label="Keep both, report.pdf"]')`)
	p.click(`[data-uploads] button[aria-label="Keep both, report.pdf"]`)
	p.until("both are there", `document.querySelector("[data-uploads]").textContent.includes("report (2).pdf")`)
	p.until("its timeline is shown", `document.querySelector("[data-timeline] .filefound")`) // then nothing is under way
	if got, _ := os.ReadFile(filepath.Join(w.in(id), "report.pdf")); string(got) != "first" {
		t.Errorf("report.pdf is %q", got)
	}

	p.open("/jobs/" + id)
	p.choose(fileOf(t, "twice.pdf", 10), fileOf(t, "twice.pdf", 20))
	p.until("it tells", `document.querySelector("dialog[open]")?.textContent.includes("twice.pdf")`)
	if _, err := os.Stat(filepath.Join(w.in(id), "twice.pdf")); err == nil {
		t.Error("one was sent before it was told")
	}
}

// Without JavaScript a form sends files; a name that is taken is skipped unless somebody says
// what is to become of it.
func TestDropWithoutScript(t *testing.T) {
	w := newWorld(t)
	id := w.job(t, "plain forms", "", `cp "$1"/* "$2"/`, nil)
	w.drop(t, id, "taken.txt", "first")
	p := w.page(t)
	p.expect("422")
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	dir := t.TempDir()
	for _, name := range []string{"one.txt", "taken.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("second"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	send := func(names ...string) {
		t.Helper()
		p.open("/jobs/" + id)
		for i := range names {
			names[i] = filepath.Join(dir, names[i])
		}
		p.choose(names...)
		p.click(".drop button")
	}
	send("one.txt")
	p.until("the page of the file", `location.search === "?path=one.txt" && document.querySelector(".filefound")`)
	if got, err := os.ReadFile(filepath.Join(w.in(id), "one.txt")); err != nil || string(got) != "second" {
		t.Errorf("one.txt is %q, %v", got, err)
	}
	send("taken.txt")
	p.until("what is wrong is said", `document.querySelector("[data-summary]")?.textContent.includes("taken.txt is there already, and was skipped")`)
	if got, _ := os.ReadFile(filepath.Join(w.in(id), "taken.txt")); string(got) != "first" {
		t.Errorf("taken.txt is %q", got)
	}
}
