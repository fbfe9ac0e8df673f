package browser

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// shows is an expression: a cell of a job reads like this.
func shows(jobID, cell, pattern string) string {
	return fmt.Sprintf(`%s.test(document.querySelector('[data-cell="%s/%s"]').textContent)`, pattern, jobID, cell)
}

// onlyJob opens the jobs page with one job on it.
func (p *tab) onlyJob(jobID string) {
	p.t.Helper()
	p.open("/jobs?q=" + jobID)
	p.live()
}

// S18: given a browser clock 10 min slow, then no past run says "in …".
func TestS18SlowClock(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	id := w.job(t, "slow clock", "0 0 1 1 *", "true", nil)
	w.ended(t, w.run(t, id))
	call(p, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: `
		const Real = Date, late = 600e3;
		Date = class extends Real { constructor(...a) { a.length ? super(...a) : super(Real.now() - late) } static now() { return Real.now() - late } }`})
	p.onlyJob(id)
	p.until("the last run is past", shows(id, "last", `/ok.*(ago|now)/s`))
	time.Sleep(2 * time.Second) // in which the times tick
	if got := p.text(fmt.Sprintf(`[data-cell="%s/last"]`, id)); strings.Contains(got, "in ") || strings.Contains(got, "min") {
		t.Errorf("the last run reads %q", got)
	}
	p.until("what is to come is to come", shows(id, "next", `/in \d/`))
}

// S24: given a running job, when it ends, then its cells change within 500 ms and my open
// menu stays.
func TestS24RunEnds(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	id := w.job(t, "run ends", "0 0 1 1 *", "sleep 3; exit 3", nil)
	p.onlyJob(id)
	p.click("[data-menu] summary")
	trigger := w.run(t, id)
	p.until("it runs", shows(id, "now", `/running/`))
	eval[bool](p, fmt.Sprintf(`(() => { new MutationObserver(() => globalThis.changedAt ||= %s ? Date.now() : 0).observe(document.querySelector("main"), {subtree: true, childList: true}); return true })()`,
		shows(id, "last", `/failed/`)))
	w.ended(t, trigger)
	p.until("its end shows", "globalThis.changedAt")
	if !eval[bool](p, `document.querySelector("[data-menu]").open`) {
		t.Error("the menu is closed")
	}
	p.until("nothing runs", "!"+shows(id, "now", `/running/`))
	p.until("the title says so", `/^✕\d/.test(document.title)`)
	var x struct{ Run struct{ Ended time.Time } }
	w.into(t, "/api/v2/results/"+trigger, &x)
	shown := time.UnixMilli(eval[int64](p, "globalThis.changedAt"))
	t.Logf("the end shows %s after it", shown.Sub(x.Run.Ended).Round(time.Millisecond))
}

// S26: given offline, when I click Run now, then it says it was not sent and sends nothing
// later by itself.
func TestS26Offline(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	p.expect("ERR_INTERNET_DISCONNECTED")
	id := w.job(t, "offline", "0 0 1 1 *", "true", nil)
	p.onlyJob(id)
	p.network(network.Conditions{Offline: true, DownloadThroughput: -1, UploadThroughput: -1})
	p.until("the chip says so", chip+` === "offline"`)
	p.click(`#job-` + id + ` [data-key=r]`)
	p.until("it says that nothing was sent", `/^Not sent/.test(document.querySelector("#job-`+id+` [data-note]").textContent)`)
	p.network(network.Conditions{DownloadThroughput: -1, UploadThroughput: -1})
	p.live()
	time.Sleep(time.Second)
	if got := w.api(t, http.MethodGet, "/api/v2/jobs/"+id+"/results", nil); len(got["results"].([]any)) > 0 {
		t.Errorf("later there is %v", got)
	}
	p.click(`#job-` + id + ` [data-key=r]`)
	p.until("it is started when it is asked for", shows(id, "last", `/ok/`))
}

// S27: given 400 ms latency and 50 kB/s, and the assets in the cache, then the jobs page is
// readable in 2 s and buttons answer at once.
func TestS27SlowNetwork(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	id := w.job(t, "slow network", "0 0 1 1 *", "true", nil)
	p.open("/jobs")
	p.live()
	p.network(network.Conditions{Latency: 400, DownloadThroughput: 50e3, UploadThroughput: 50e3})
	begun := time.Now()
	p.open("/jobs?q=" + id)
	p.until("it is readable", `document.querySelector("#job-`+id+`")`)
	t.Logf("readable after %s; first paint after %.0f ms, requests %d", time.Since(begun).Round(10*time.Millisecond),
		eval[float64](p, `performance.getEntriesByType("paint")[0]?.startTime ?? -1`), eval[int](p, `performance.getEntriesByType("resource").length + 1`))
	p.until("the script is there", chip)
	eval[bool](p, fmt.Sprintf(`(() => { const form = document.querySelector("#job-%s .act form"); const at = performance.now();
		new MutationObserver(() => globalThis.answered ||= performance.now() - at).observe(form, {attributes: true}); form.querySelector("button").click(); return true })()`, id))
	p.until("the button answers", "globalThis.answered !== undefined")
	if ms := eval[float64](p, "globalThis.answered"); ms > 300 {
		t.Errorf("the button answers after %.0f ms", ms)
	}
	p.until("it is started", `/Started/.test(document.querySelector("#job-`+id+` [data-note]").textContent)`)
}

// S28: given 8 tabs on HTTP/1.1, then the ninth loads: a hidden tab has no stream.
func TestS28NineTabs(t *testing.T) {
	w := newWorld(t)
	first := w.page(t)
	first.open("/live")
	first.live()
	tabs := []*tab{first}
	for range 8 {
		ctx, stop := chromedp.NewContext(first.Context) // shares the cookies, and the connections
		next := &tab{Context: ctx, t: t, w: w}
		t.Cleanup(func() { _ = chromedp.Cancel(ctx); stop() })
		next.do()
		tabs[len(tabs)-1].hide(true)
		next.open("/live")
		next.live()
		tabs = append(tabs, next)
	}
	// Shown again it is live at once, and knows what it missed.
	w.job(t, "ninth tab", "0 0 1 1 *", "true", nil)
	tabs[8].hide(true)
	first.hide(false)
	first.live()
	first.until("what was missed is told", `document.querySelector(".live").textContent.includes("ninth tab")`)
}

// hide hides a tab, or shows it again: without a window no tab is ever hidden, so the page
// is told.
func (p *tab) hide(is bool) {
	p.t.Helper()
	eval[bool](p, fmt.Sprintf(`(() => { Object.defineProperty(document, "hidden", {value: %v, configurable: true}); document.dispatchEvent(new Event("visibilitychange")); return true })()`, is))
}

// flood stores results of jobs as a dispatcher does, so many a second.
type flood struct {
	t   *testing.T
	bus *jet.Bus
}

// floodWorld is a server whose broker takes what tests store.
func floodWorld(t *testing.T) (*world, *flood) {
	t.Helper()
	broker := eventstest.FreeAddress(t)
	w := ownWorld(t, "--nats-listen", broker)
	bus, err := jet.Connect(t.Context(), jet.Options{URL: "nats://" + broker, Creds: filepath.Join(w.DataDir, "dispatcher.creds"), Name: "dispatcher", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bus.Close(context.Background()) })
	return w, &flood{t, bus}
}

func (f *flood) put(ctx context.Context, outcome events.Outcome, jobIDs ...string) {
	now := time.Now()
	var all []events.Result
	for _, id := range jobIDs {
		r := events.Result{
			TriggerID: "manual:" + id + ":" + uuid.NewString(), JobID: id, Kind: events.KindManual, TriggeredAt: now, StartedAt: now, EndedNS: now.UnixNano(),
			Status: events.ERROR, Attempts: 1, Outcome: outcome, Why: "a test", HTTP: events.HTTPResult{Status: "500", Response: "refused"},
		}
		if outcome == events.OutcomeCalled {
			r.Status, r.HTTP.Status = events.OK, "200"
		}
		all = append(all, r)
	}
	if err := f.bus.PutResults(ctx, all...); err != nil && ctx.Err() == nil {
		f.t.Error(err)
	}
}

// run stores a thousand results a second until stop is called.
func (f *flood) run(jobIDs []string) (stop func() int) {
	ctx, cancel := context.WithCancel(f.t.Context())
	var wg sync.WaitGroup
	n := 0
	wg.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for ; ctx.Err() == nil; n += 50 {
			f.put(ctx, events.OutcomeFailed, slices.Repeat(jobIDs, 50/len(jobIDs)+1)[:50]...)
			<-tick.C
		}
	})
	return func() int {
		cancel()
		wg.Wait()
		return n
	}
}

// S23: given I type in search while 1,000 results a second arrive, then no character, focus
// or row under my pointer moves.
func TestS23Typing(t *testing.T) {
	w, f := floodWorld(t)
	p := w.page(t)
	var ids []string
	for n := range 10 {
		ids = append(ids, w.job(t, fmt.Sprintf("flood %02d", n), "0 0 1 1 *", "true", nil))
	}
	p.open("/jobs")
	p.live()
	stop := f.run(ids)
	const where = `JSON.stringify([...document.querySelectorAll("[data-row]")].map((r) => [r.id, Math.round(r.getBoundingClientRect().top)]))`
	p.until("the results show", `/failed/.test(document.querySelector('[data-cell$="/last"]').textContent)`)
	time.Sleep(time.Second)
	before := eval[string](p, where)
	p.do(chromedp.Click(chromedp.CSS("#q")))
	const text = "invoices of the night"
	for _, c := range text {
		p.do(chromedp.KeyEvent(string(c)))
	}
	if got := eval[string](p, `document.activeElement.id + ": " + document.activeElement.value`); got != "q: "+text {
		t.Errorf("what was typed is %q", got)
	}
	if after := eval[string](p, where); after != before {
		t.Errorf("the rows were at %s, and are at %s", before, after)
	}
	n := stop()
	t.Logf("%d results were stored", n)
}

// An event reaches its cell in less than 500 ms, with four fetches a second at most, while
// 1,000 results a second arrive: make test-ui prints the figures.
func TestLongEventReachesItsCell(t *testing.T) {
	full(t)
	w, f := floodWorld(t)
	p := w.page(t)
	var ids []string
	for n := range 49 {
		ids = append(ids, w.job(t, fmt.Sprintf("flood %02d", n), "0 0 1 1 *", "true", nil))
	}
	watched := w.job(t, "a watched one", "0 0 1 1 *", "true", nil)
	p.open("/jobs")
	p.live()
	eval[bool](p, fmt.Sprintf(`(() => { globalThis.seen = []; const cell = document.querySelector('[data-cell="%s/last"]'); let last = "";
		new MutationObserver(() => { const now = /failed|called/.exec(cell.textContent)?.[0]; if (now && now !== last) seen.push(Date.now()); last = now ?? last }).observe(cell, {subtree: true, childList: true, characterData: true}); return true })()`, watched))
	stop, begun := f.run(ids), time.Now()
	time.Sleep(3 * time.Second)
	eval[bool](p, `performance.clearResourceTimings() ?? performance.setResourceTimingBufferSize(5000) ?? true`)
	measured := time.Now()
	var took []time.Duration
	for n := range 60 {
		outcome := []events.Outcome{events.OutcomeFailed, events.OutcomeCalled}[n%2]
		at := time.Now()
		f.put(t.Context(), outcome, watched)
		p.until("the event reaches its cell", fmt.Sprintf("seen.length > %d", n))
		took = append(took, time.UnixMilli(eval[int64](p, fmt.Sprintf("seen[%d]", n))).Sub(at))
		time.Sleep(time.Duration(137+n*7) * time.Millisecond)
	}
	rate := float64(eval[int](p, `performance.getEntriesByType("resource").filter((r) => r.initiatorType === "fetch").length`)) / time.Since(measured).Seconds()
	n := stop()
	slices.Sort(took)
	t.Logf("%.0f results a second; event to cell: median %s, p95 %s, longest %s; %.1f fetches a second", float64(n)/time.Since(begun).Seconds(),
		took[len(took)/2].Round(time.Millisecond), took[len(took)*95/100].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond), rate)
	if rate > 4.2 {
		t.Errorf("%.1f fetches a second", rate)
	}
}

// S29: given 8 hours open, then heap < 30 MB and one stream: a day's events in a minute.
func TestLongS29Heap(t *testing.T) {
	full(t)
	w, f := floodWorld(t)
	var ids []string
	for n := range 50 {
		ids = append(ids, w.job(t, fmt.Sprintf("flood %02d", n), "0 0 1 1 *", "true", nil))
	}
	for _, path := range []string{"/jobs", "/live", "/"} {
		p := w.page(t)
		p.open(path)
		p.live()
		stop := f.run(ids)
		time.Sleep(20 * time.Second)
		n := stop()
		p.until("the page is live", chip+` === "live"`)
		call(p, heapprofiler.CollectGarbage, cdp.Empty{})
		used := call(p, cdpruntime.GetHeapUsage, cdp.Empty{}).UsedSize
		rows := eval[int](p, `document.querySelectorAll("*").length`)
		t.Logf("%s: after %d results %.1f MB, %d elements", path, n, used/1e6, rows)
		if used > 30e6 {
			t.Errorf("%s: the heap is %.1f MB", path, used/1e6)
		}
		p.hide(true) // and its stream is closed
	}
}

// A page about what is gone stays as it was seen, and asks no more.
func TestPageOfWhatIsGone(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	p.expect("404")
	id := w.job(t, "soon gone", "0 0 1 1 *", "true", nil)
	p.open("/jobs/" + id)
	p.live()
	w.api(t, http.MethodDelete, "/api/v2/jobs/"+id, nil)
	p.until("it says so", `/deleted the job/.test(document.querySelector("[data-note=page]").textContent)`)
	if !strings.Contains(p.text("h1"), "soon gone") {
		t.Errorf("the page reads %s", p.text("main"))
	}
	asked := func() int { return strings.Count(w.log.String(), "path=/jobs/"+id+" status=404") }
	before := asked()
	time.Sleep(5 * time.Second)
	if n := asked() - before; n > 2 {
		t.Errorf("it asked %d times in 5 s", n)
	}
}
