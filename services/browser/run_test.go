package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// A flow prints markup and what terminals obey: both are text.
func TestS6LogsAreText(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	id := w.job(t, "prints markup", "0 0 1 1 *", `printf '<script>document.title="ran"</script><img src=x onerror=alert(1)>\n\033[2J\033]0;title\007gone\n\033[31mred\033[0m\n\377\n'`, nil)
	trigger := w.run(t, id)
	w.ended(t, trigger)
	p.open("/runs/" + trigger)
	p.until("the log is there", `document.querySelector("[data-log-lines]").children.length === 4`)
	p.axe("a hostile log")
	p.wear(1440, true)
	p.axe("a hostile log in dark")
	log := p.text("[data-log-lines]")
	for _, want := range []string{`<script>document.title="ran"</script><img src=x onerror=alert(1)>`, "␛[2J␛]0;title␇gone", "red", "\ufffd"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not show %q: %q", want, log)
		}
	}
	if got := eval[string](p, `document.querySelector("[data-log-lines] .ansi-red").textContent`); got != "red" {
		t.Errorf("%q is red", got)
	}
	if eval[bool](p, `document.title === "ran" || !!document.querySelector("[data-log-lines] script, [data-log-lines] img")`) {
		t.Error("what a flow printed is markup")
	}
}

// A file that a flow wrote is a download, whatever is in it.
func TestS7OutputsNeverRun(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	id := w.job(t, "writes a page", "0 0 1 1 *", `echo '<script>localStorage.setItem("ran", "yes")</script>' >"$2/x.html"`, nil)
	trigger := w.run(t, id)
	w.ended(t, trigger)
	p.open("/runs/" + trigger)
	p.until("the file is listed", `document.querySelector("#output a[download]")?.textContent === "x.html"`)
	got := eval[string](p, `fetch(document.querySelector("#output a[download]").href).then((a) => ["content-disposition", "content-security-policy", "x-content-type-options", "content-type"].map((h) => a.headers.get(h)).join(" | "))`)
	if want := "attachment; filename=x.html | sandbox | nosniff | application/octet-stream"; got != want {
		t.Errorf("the file comes as %s, want %s", got, want)
	}
	before := p.path()
	p.expect("ERR_ABORTED")
	eval[bool](p, `(() => { location.href = document.querySelector("#output a[download]").href; return true })()`)
	p.click("#output a[download]")
	p.until("the page is there still", `document.querySelector("#output")`)
	if p.path() != before || eval[bool](p, `localStorage.getItem("ran") === "yes"`) {
		t.Error("the file was opened on this origin")
	}
}

// The call was answered 200 and the run failed: everything says failed.
func TestS19FailedThoughCalled(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	name := fmt.Sprintf("exits 3 %d", time.Now().UnixNano())
	id := w.job(t, name, "0 0 1 1 *", "echo table locked; exit 3", nil)
	trigger := w.run(t, id)
	if got := w.ended(t, trigger); got != "failed" {
		t.Fatalf("the run is %s", got)
	}
	p.open("/runs/" + trigger)
	if got := p.text("main"); !strings.Contains(got, "failed") || !strings.Contains(got, "exit status 3: table locked") || !strings.Contains(got, "answered with HTTP 200") {
		t.Errorf("the run reads:\n%s", got)
	}
	p.open("/jobs?q=" + strings.ReplaceAll(name, " ", "+"))
	p.until("the row says failed", `[...document.querySelectorAll("tbody tr")].some((r) => r.textContent.includes("exits 3") && r.textContent.includes("failed"))`)
	p.open("/")
	p.until("the overview says it fails", `document.querySelector("main").textContent.includes("failing")`)
	if got := p.text("main"); !strings.Contains(got, "1 failing") && !strings.Contains(got, "failing") {
		t.Errorf("the overview reads:\n%s", got)
	}
}

// A log that grows is followed at its end, and stands still above it.
func TestS33GrowingLog(t *testing.T) {
	full(t)
	w := newWorld(t)
	p := w.page(t)
	id := w.job(t, "grows", "0 0 1 1 *", `i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo "line $i"; done; while [ $i -lt 1500 ]; do i=$((i+1)); echo "line $i"; sleep 0.1; done`, nil)
	trigger := w.run(t, id)
	p.open("/runs/" + trigger)
	const list, gap = `document.querySelector("[data-log-lines]")`, `(document.querySelector("[data-log-lines]").scrollHeight - document.querySelector("[data-log-lines]").scrollTop - document.querySelector("[data-log-lines]").clientHeight)`
	p.until("the page shows the log", list+`.children.length >= 150`)
	before := eval[int](p, list+`.children.length`)
	p.until("it grows and is followed", fmt.Sprintf(`%s.children.length > %d && %s < 40`, list, before+5, gap))
	eval[bool](p, fmt.Sprintf(`(() => { %s.scrollTop = 200; return true })()`, list))
	before = eval[int](p, list+`.children.length`)
	p.until("new lines are counted", `/^[0-9]+ new lines? ↓$/.test(document.querySelector("[data-log-new]").textContent) && !document.querySelector("[data-log-new]").hidden`)
	p.until("it grows on", fmt.Sprintf(`%s.children.length > %d`, list, before+5))
	p.axe("a run that goes on")
	if top := eval[float64](p, list+".scrollTop"); top != 200 {
		t.Errorf("what I read has moved: scrollTop is %v", top)
	}
	p.click("[data-log-new]")
	before = eval[int](p, list+`.children.length`)
	p.until("it is followed again", fmt.Sprintf(`%s.children.length > %d && %s < 40`, list, before+5, gap))
	p.click("form[action$='/cancel'] button")
	p.until("the end is told", `/asked to stop .*(ended|killed) after/i.test(document.querySelector("main").textContent)`)
}

// Of a log of 16 MB the last lines are there at once, and never more than a page can bear.
func TestS34LargeLog(t *testing.T) {
	full(t)
	w := newWorld(t)
	p := w.page(t)
	id := w.job(t, "prints 16 MB", "0 0 1 1 *", `head -c 15500000 /dev/zero | tr '\0' x | fold -w 99`, nil)
	trigger := w.run(t, id)
	w.ended(t, trigger)
	begun := time.Now()
	p.open("/runs/" + trigger)
	p.until("the last lines are there", `document.querySelectorAll("[data-log-lines] li").length === 200`)
	t.Logf("the first lines are there after %v (target: 500 ms)", time.Since(begun).Round(time.Millisecond))
	if last := p.text("[data-log-lines] li:last-child a"); last == "" || last == "200" {
		t.Errorf("the last line has number %q", last)
	}
	lines := eval[int](p, `(async () => {
		const older = document.querySelector("[data-log-older]"), list = document.querySelector("[data-log-lines]");
		for (let n = 0; n < 60 && !older.disabled; n++) {
			const before = list.childElementCount;
			older.click();
			for (let i = 0; i < 600 && list.childElementCount === before && !older.disabled; i++) await new Promise((r) => setTimeout(r, 25));
		}
		return list.childElementCount;
	})()`)
	if lines < 10_000 || lines > 20_000 {
		t.Errorf("%d lines are in the page", lines)
	}
	if eval[bool](p, `[...document.querySelectorAll("[data-log-lines] li")].some((li, i, all) => i && +li.firstChild.textContent !== +all[i - 1].firstChild.textContent + 1)`) {
		t.Error("the numbers of the lines have gaps")
	}
}

// A link to a line of a log leads to it, however far it is from the end.
func TestLinkToALine(t *testing.T) {
	full(t)
	w := newWorld(t)
	p := w.page(t)
	trigger := w.run(t, w.job(t, "many lines", "0 0 1 1 *", `seq -f "line %g is here, and is of some length to fill more than one piece" 5000`, nil))
	w.ended(t, trigger)
	p.open("/runs/" + trigger + "#L42")
	p.until("the line is in view", `(() => {
		const line = document.getElementById("L42"), list = document.querySelector("[data-log-lines]");
		if (!line) return false;
		const [a, b] = [line.getBoundingClientRect(), list.getBoundingClientRect()];
		return line.textContent.startsWith("42line 42 is here") && a.top >= b.top && a.bottom <= b.bottom && b.top < innerHeight;
	})()`)
	eval[bool](p, `(() => { location.hash = "#L4990"; return true })()`)
	p.until("another is marked", `document.querySelector("[data-log-lines] .now")?.id === "L4990"`)
}

// endpoint is a foreign endpoint: it refuses calls, or holds them until it is let go.
type endpoint struct {
	mu   sync.Mutex
	hold chan struct{} // nil: it refuses
	*httptest.Server
}

func newEndpoint(t *testing.T) *endpoint {
	e := &endpoint{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		hold := e.hold
		e.mu.Unlock()
		if hold == nil {
			http.Error(rw, "no room <script>alert(1)</script>", http.StatusServiceUnavailable)
			return
		}
		select {
		case <-hold:
		case <-r.Context().Done():
		}
		_, _ = rw.Write([]byte(`{"status":"OK"}`))
	}))
	t.Cleanup(func() {
		e.CloseClientConnections() // a test that failed has let none go
		e.Close()
	})
	return e
}

// called makes a job of a foreign endpoint, which gives up at once.
func (w *world) called(t *testing.T, name string) string {
	t.Helper()
	return w.api(t, http.MethodPost, "/api/v2/jobs", map[string]any{
		"name": name, "schedule": "0 0 1 1 *", "spool": map[string]any{"retry_for": "1s"},
		"flow_parameters": map[string]any{
			"binary_path": drive + "/f.ibflowbin", "input_dir": drive + "/in", "auth_token": "t",
			"settings": map[string]any{"spooled_mode": false, "tags": []string{"test"}},
		},
	})["job_id"].(string)
}

// All that match are retried after they were counted, and it is said what came of each.
func TestS35RetryAllDeadLetters(t *testing.T) {
	full(t)
	e := newEndpoint(t)
	w := ownWorld(t, "--run-binary-url", e.URL+"/api/v1/flow/run_binary_async", "--retry-waits", "1s")
	p := w.page(t)
	id := w.called(t, "letters")
	for range 318 {
		w.run(t, id)
	}
	for begun := time.Now(); w.api(t, http.MethodGet, "/api/v2/dead-letters?limit=1", nil)["total"].(map[string]any)["count"].(float64) != 318; time.Sleep(200 * time.Millisecond) {
		if time.Since(begun) > 2*time.Minute {
			t.Fatal("never 318 dead letters")
		}
	}
	p.open("/dead")
	p.until("they are counted", `document.querySelector("main").textContent.includes("318 dead letters")`)
	if eval[bool](p, `!!document.querySelector("main script")`) {
		t.Error("an answer is markup")
	}
	p.axe("dead letters")
	p.click("[data-pick]")
	p.click("[data-pick-filter]")
	p.click("#many button[value=retry]")
	p.until("the count is asked", `document.querySelector("h1").textContent === "Retry 318 dead letters?"`)
	p.axe("the question")
	e.mu.Lock()
	e.hold = make(chan struct{})
	e.mu.Unlock()
	p.click("form[action='/dead/bulk'] button.primary")
	p.until("it is through", `location.pathname.startsWith("/bulk/") && /318 done, 0 failed/.test(document.querySelector("main").textContent)`)
	p.open("/dead")
	p.until("they are queued again", `document.querySelector("main").textContent.includes("queued again")`)
	p.live()
	e.mu.Lock()
	close(e.hold)
	e.mu.Unlock()
	p.until("each is told when its result comes", `[...document.querySelectorAll(".dead-do [data-outcome=called]")].length > 0`)
}

// One dead letter that is retried stays in its place until its result comes.
func TestDeadLetterQueuedAgain(t *testing.T) {
	full(t)
	e := newEndpoint(t)
	w := ownWorld(t, "--run-binary-url", e.URL+"/api/v1/flow/run_binary_async", "--retry-waits", "1s")
	p := w.page(t)
	trigger := w.run(t, w.called(t, "letters"))
	w.ended(t, trigger)
	p.open("/dead")
	p.live()
	e.mu.Lock()
	e.hold = make(chan struct{})
	e.mu.Unlock()
	p.click(".dead-do button")
	p.until("it is told", `document.querySelector(".dead-do").textContent.includes("Queued again")`)
	eval[bool](p, `(() => { document.activeElement.blur(); return true })()`)
	p.until("the row stays", `document.querySelector(".dead-do").textContent.includes("queued again")`)
	e.mu.Lock()
	close(e.hold)
	e.mu.Unlock()
	p.until("its result comes", `document.querySelector(".dead-do [data-outcome=called]")`)
	if got := w.api(t, http.MethodGet, "/api/v2/results/"+trigger, nil)["outcome"]; got != "called" {
		t.Errorf("the outcome is %v", got)
	}
}
