package browser

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// runsOf counts the executions of a job.
func (w *world) runsOf(t *testing.T, jobID string) int {
	t.Helper()
	return len(w.api(t, http.MethodGet, "/api/v2/jobs/"+jobID+"/results", nil)["results"].([]any))
}

// runButton is the button of a job in the list.
func runButton(name string) string { return fmt.Sprintf("[aria-label=%q]", "Run now, "+name) }

// told is what the row of a job says after a press.
func told(id string) string {
	return fmt.Sprintf("document.querySelector('#job-%s [data-note]').textContent", id)
}

// S11: given Run now, when I double click, then one run exists.
func TestS11DoubleClick(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	id := w.job(t, "S11 twice", "0 0 1 1 *", "true", nil)
	p.open("/jobs?q=S11")
	p.live()
	p.do(chromedp.DoubleClick(chromedp.CSS(runButton("S11 twice")), chromedp.NodeVisible))
	p.until("it is told", told(id)+`.includes("Started by you")`)
	p.until("the row shows its end", fmt.Sprintf(`document.querySelector('[data-cell="%s/last"]').textContent.includes("ok")`, id))
	if n := w.runsOf(t, id); n != 1 {
		t.Errorf("%d runs exist", n)
	}
	// So it is without scripts, where nothing holds the second press back: the key does.
	codes := eval[[]int](p, fmt.Sprintf(`(async () => {
		const f = document.querySelector('#job-%s .act form'), body = new URLSearchParams({key: %q, again: 1});
		return Promise.all([1, 2, 3].map(() => fetch(f.action, {method: "POST", body, redirect: "manual"}).then((r) => r.status)));
	})()`, id, "0193a0c0-0000-7000-8000-00000000c0de"))
	for begun := time.Now(); w.runsOf(t, id) < 2 && time.Since(begun) < patience; time.Sleep(20 * time.Millisecond) {
	}
	if n := w.runsOf(t, id); n != 2 {
		t.Errorf("%d runs exist after three posts of one key (%v), want one more", n, codes)
	}
	if p.expect("422"); slices.Contains(codes, 500) {
		t.Errorf("the answers are %v", codes)
	}
}

// S12: given Run now answered, when I press Back and click again, then it says that it was
// started, and asks.
func TestS12RunNowAgain(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	id := w.job(t, "S12 again", "0 0 1 1 *", "true", nil)
	list := "/jobs?q=S12"
	p.open(list)
	p.live()
	p.click(runButton("S12 again"))
	p.until("it is told", told(id)+`.includes("Started by you")`)
	p.click(fmt.Sprintf("#job-%s [data-note] a", id))
	p.until("the run is shown", `location.pathname.startsWith("/runs/")`)
	eval[bool](p, "history.back(), true")
	p.until("the list is back", fmt.Sprintf(`location.pathname + location.search === %q && document.querySelector('#job-%s')`, list, id))
	p.click(runButton("S12 again"))
	p.until("it is told when", told(id)+`.includes("It was started by you at")`)
	if got := p.text(".total"); !strings.HasPrefix(got, "1 of ") {
		t.Errorf("after Back the total is %q", got)
	}
	if n := w.runsOf(t, id); n != 1 {
		t.Errorf("%d runs exist before the answer", n)
	}
	p.click(fmt.Sprintf("#job-%s [data-note] form button", id))
	p.until("it is started once more", told(id)+`.includes("Started by you")`)
	for begun := time.Now(); w.runsOf(t, id) < 2 && time.Since(begun) < patience; time.Sleep(20 * time.Millisecond) {
	}
	if n := w.runsOf(t, id); n != 2 {
		t.Errorf("%d runs exist after the answer", n)
	}
}

// makeJobs makes many jobs that nobody waits for, named after a word, and gives how many the
// disk has room for.
func (w *world) makeJobs(t *testing.T, word string, n int) int {
	t.Helper()
	flow := w.flow(t, word+".ibflowbin", "#!/bin/sh\ntrue\n")
	if err := os.MkdirAll(w.Dir+"/"+word, 0o755); err != nil {
		t.Fatal(err)
	}
	var next, made atomic.Int64
	var full atomic.Bool
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for i := next.Add(1); i <= int64(n) && !t.Failed() && !full.Load(); {
				status, text := w.exchange(t, http.MethodPost, "/api/v2/jobs", map[string]any{
					"name": fmt.Sprintf("%s %06d", word, i), "schedule": fmt.Sprintf("%d %d * * *", i%60, i/60%24),
					"flow_parameters": map[string]any{"binary_path": flow, "input_dir": drive + "/" + word, "settings": map[string]any{"spooled_mode": false, "tags": []string{word}}},
				})
				if status == http.StatusTooManyRequests { // the tests share a token
					time.Sleep(time.Second)
					continue
				}
				if status == http.StatusServiceUnavailable && strings.Contains(string(text), "no room for more jobs") {
					full.Store(true)
					return
				}
				if status == http.StatusCreated {
					made.Add(1)
				} else {
					t.Errorf("job %d: %d %s", i, status, text)
				}
				i = next.Add(1)
			}
		})
	}
	workers.Wait()
	return int(made.Load())
}

// S22: given 100,000 jobs, when I open, search, sort by next, then 50 rows are in the page, a
// single match is on the first, and the server answers in time. Without SPOOL_BROWSER=1 there
// are 1,500.
func TestS22ManyJobs(t *testing.T) {
	many := 1500
	if os.Getenv("SPOOL_BROWSER") != "" {
		many = 100_000
	}
	w := ownWorld(t, "--rate", "100000", "--burst", "100000", "--durability", "interval")
	begun := time.Now()
	asked := many
	if many = w.makeJobs(t, "many", asked); many < asked/2 {
		t.Fatalf("the disk has room for %d jobs, not for %d", many, asked)
	}
	t.Logf("%d jobs are made after %s: of %d, what the disk has room for", many, time.Since(begun).Round(time.Second), asked)
	p := w.page(t)
	for path, total := range map[string]string{
		"/jobs": fmt.Sprintf("%d jobs", many), "/jobs?sort=next": fmt.Sprintf("%d jobs", many), fmt.Sprintf("/jobs?q=many+%06d", many/2): fmt.Sprintf("1 of %d jobs", many),
	} {
		p.open(path)
		rows := 50
		if strings.HasPrefix(total, "1 of") {
			rows = 1
		}
		if n := eval[int](p, `document.querySelectorAll("main tr[data-row]").length`); n != rows {
			t.Errorf("%s: %d rows, want %d", path, n, rows)
		}
		if got := strings.ReplaceAll(p.text(".total"), ",", ""); got != total {
			t.Errorf("%s: %q, want %q", path, got, total)
		}
		w.timed(t, p, path)
	}
	p.open("/jobs?sort=next")
	first := w.api(t, http.MethodGet, "/api/v2/jobs?sort=next&limit=2", nil)["jobs"].([]any)[1].(map[string]any)
	if n := eval[int](p, fmt.Sprintf(`[...document.querySelectorAll("tr[data-row]")].findIndex((r) => r.id === "job-%s")`, first["job_id"])); n < 0 || n > 2 { // a minute may have passed
		t.Errorf("the job that runs second is row %d", n)
	}
}

// timed tells how long the server takes for a page, in its own words.
func (w *world) timed(t *testing.T, p *tab, path string) {
	t.Helper()
	took := eval[[]float64](p, fmt.Sprintf(`(async () => {
		const took = [];
		for (let i = 0; i < 40; i++) {
			const begun = performance.now();
			await (await fetch(%q, {headers: {Accept: "text/html"}})).text();
			took.push(performance.now() - begun);
		}
		return took.sort((a, b) => a - b);
	})()`, path))
	t.Logf("%s: p50 %.0f ms, at most %.0f ms of %d, as the browser has it", path, took[len(took)/2], took[len(took)-1], len(took))
}

// S36: given filters and page 3, when I open a job and go Back, then list, scroll and focus are
// as before; the address alone gives the same in another browser.
func TestS36BackToTheList(t *testing.T) {
	w := newWorld(t)
	w.makeJobs(t, "back", 170)
	p := w.page(t)
	p.open("/jobs?q=back&mode=cron&sort=-name")
	for range 2 {
		p.click(`.pager a[rel="next"]`)
		p.until("the next page", `document.readyState === "complete" && document.querySelector("tr[data-row]")`)
	}
	names := `[...document.querySelectorAll("tr[data-row] th a")].map((a) => a.textContent).join()`
	p.until("page 3", names+`.startsWith("back 000070")`)
	before := eval[string](p, names)
	link := eval[string](p, `(() => { const a = document.querySelectorAll("tr[data-row] th a")[30]; a.scrollIntoView({block: "center"}); a.focus(); return a.getAttribute("href") })()`)
	scrolled := eval[int](p, "Math.round(scrollY)")
	at := p.path()
	eval[bool](p, "document.activeElement.click(), true")
	p.until("the job is open", fmt.Sprintf("location.pathname === %q && document.readyState === 'complete'", link))
	eval[bool](p, "history.back(), true")
	p.until("the list is back", fmt.Sprintf("location.pathname + location.search === %q && document.readyState === 'complete'", at))
	if after := eval[string](p, names); after != before {
		t.Errorf("the list is\n%s, was\n%s", after, before)
	}
	p.until("it is scrolled as before", fmt.Sprintf("Math.abs(scrollY - %d) < 60", scrolled))
	p.until("the focus is where it was", fmt.Sprintf("document.activeElement.getAttribute('href') === %q", link))
	other := w.page(t)
	other.open(at)
	if after := eval[string](other, names); after != before {
		t.Errorf("another browser shows\n%s, not\n%s", after, before)
	}
}

// What happens shows in the rows, and moves none: new jobs are counted, deleted ones stay.
func TestJobsAreLive(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	id := w.job(t, "lively one", "0 0 1 1 *", "exit 3", nil)
	p.open("/jobs?q=lively")
	p.live()
	w.ended(t, w.run(t, id))
	cell := func(name string) string {
		return fmt.Sprintf(`document.querySelector('[data-cell="%s/%s"]').textContent`, id, name)
	}
	p.until("the end shows", cell("last")+`.includes("failed")`)
	p.until("the chips count it", `document.querySelector(".chips").textContent.includes("failing")`)
	other := w.job(t, "lively two", "0 0 1 1 *", "true", nil)
	w.job(t, "of no interest", "0 0 1 1 *", "true", nil)
	p.until("the new one is counted", `document.querySelector(".fresh").textContent === "1 new, show"`)
	if n := eval[int](p, `document.querySelectorAll("tr[data-row]").length`); n != 1 {
		t.Errorf("%d rows: a new one came in by itself", n)
	}
	p.click(".fresh a")
	p.until("it is on top", fmt.Sprintf(`document.querySelector("tr[data-row]")?.id === "job-%s"`, other))
	p.live()
	w.api(t, http.MethodDelete, "/api/v2/jobs/"+other, nil)
	p.until("who deleted it is said", fmt.Sprintf(`document.querySelector("#job-%s .gone + small")?.textContent.startsWith("deleted by admin")`, other))
}

// Many are marked or meant by a filter, counted, asked about, and what was not done is told.
func TestBulkOfJobs(t *testing.T) {
	w := newWorld(t)
	w.makeJobs(t, "bulky", 60)
	p := w.page(t)
	p.open("/jobs?q=bulky&sort=name")
	p.live()
	p.until("the bar is away while nothing is marked", `document.querySelector("[data-picked]").hidden`)
	p.click("tr[data-row] [data-pick]")
	p.until("one is marked", `document.querySelector("[data-picked-count]").textContent === "1"`)
	p.click("[data-pick-filter]")
	p.until("all that match are meant", `document.querySelector("[data-picked-count]").textContent === "60"`)
	p.click(`[data-picked] button[value="disable"]`)
	p.until("it is asked", `document.querySelector("h1").textContent === "Disable 60 jobs?"`)
	if got := p.text("main"); !strings.Contains(got, "bulky 0000") || !strings.Contains(got, "and 55 more") {
		t.Errorf("the question reads %q", got)
	}
	p.fill("#f-reason", "move of the NAS")
	p.click("main form button.primary")
	p.until("it is through", `document.querySelector(".bulk-state")?.textContent.includes("Through")`)
	if got := p.text("main"); !strings.Contains(got, "60 done, 0 failed") || !strings.Contains(got, "move of the NAS") {
		t.Errorf("the end reads %q", got)
	}
	p.open("/jobs?q=bulky&state=disabled")
	if got := p.text(".total"); !strings.HasPrefix(got, "60 of ") {
		t.Errorf("%q are disabled", got)
	}
}
