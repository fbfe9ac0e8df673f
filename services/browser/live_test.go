package browser

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
)

const chip = `document.querySelector("[data-chip]").dataset.chip`

// live waits until the page follows the events.
func (p *tab) live() {
	p.t.Helper()
	p.until("the page is live", chip+` === "live"`)
}

// fill types into a field as it stands.
func (p *tab) fill(selector, text string) {
	p.t.Helper()
	p.until(selector+" is there", fmt.Sprintf("document.querySelector(%q)", selector))
	eval[bool](p, fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.focus(); e.value = %q; e.dispatchEvent(new Event("input", {bubbles: true})); return true })()`, selector, text))
}

// What happens shows on /live without reloading, newest on top, and what a form does not.
func TestLivePage(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	id := w.job(t, "live page", "0 0 1 1 *", "exit 3", nil)
	p.open("/live?job=" + id)
	p.live()
	trigger := w.run(t, id)
	w.ended(t, trigger)
	p.until("the end is told", `document.querySelector(".live-row [data-mark=failed]")`)
	if got := p.text(".live-row"); !strings.Contains(got, "live page") || !strings.Contains(got, "failed") || !strings.Contains(got, "exit") {
		t.Errorf("the newest row reads %q", got)
	}
	// Paused it stands still, and counts.
	p.click("[data-live-pause]")
	w.ended(t, w.run(t, id))
	p.until("what came is counted", `/^\d+ new, show$/.test(document.querySelector("[data-live-pause]").textContent)`)
	p.click("[data-live-pause]")
	p.until("it is shown", `document.querySelector("[data-live-pause]").textContent === "Pause"`)
}

// Hundreds of the same within seconds are one row.
func TestLiveBurst(t *testing.T) {
	w := ownWorld(t)
	p := w.page(t)
	id := w.job(t, "bursts", "0 0 1 1 *", "true", nil)
	for _, page := range []string{"/live?job=" + id, "/live?type=run&job=" + id} {
		p.open(page)
		p.live()
		for range 30 {
			w.run(t, id)
		}
		p.until("one row counts them", `[...document.querySelectorAll(".live-row")].some((r) => /(30|60) runs ok/.test(r.textContent))`)
		p.until("there are few rows", `document.querySelectorAll(".live-row").length <= 8`)
	}
}

// S3: given a revoked token, when 5 s pass, then the chip says signed out and the page
// keeps what I typed.
func TestS3RevokedToken(t *testing.T) {
	w := newWorld(t)
	made := w.api(t, http.MethodPost, "/api/v2/tokens", map[string]any{"owner": "s3", "role": "operator"})
	p := w.pageAs(t, made["token"].(string))
	p.expect("401")
	p.open("/live")
	p.live()
	p.fill("[data-search]", "half a na")
	w.api(t, http.MethodDelete, "/api/v2/tokens/"+made["id"].(string), nil)
	begun := time.Now()
	p.until("the chip says signed out", chip+` === "signed-out"`)
	t.Logf("signed out is said after %s", time.Since(begun).Round(time.Millisecond))
	if got := p.text("[data-chip]"); !strings.HasPrefix(got, "signed out") {
		t.Errorf("the chip reads %q", got)
	}
	if got := eval[string](p, `document.querySelector("[data-search]").value`); got != "half a na" {
		t.Errorf("what was typed is %q", got)
	}
	// Who logs in again goes on where they were.
	p.click("[data-chip] button")
	token := w.newToken(t, "s3", "operator")
	p.fill("dialog input[name=token]", token)
	p.click("dialog form .primary")
	p.live()
	if got := eval[string](p, `document.querySelector("[data-search]").value`); got != "half a na" {
		t.Errorf("after logging in again what was typed is %q", got)
	}
}

// S17: given viewer zone Asia/Tokyo, then each time shows the job's zone with abbreviation
// and mine.
func TestTimesOfTheReader(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	w.job(t, "times", "0 0 1 1 *", "true", nil)
	call(p, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Tokyo"})
	p.open("/live?type=job")
	p.until("each time has both", `[...document.querySelectorAll(".live-at time")].every((t) => /UTC · .*\d\d:\d\d here$/.test(t.textContent)) && document.querySelector(".live-at time")`)
	p.until("the clock has both", `/^ · \d\d:\d\d here$/.test(document.querySelector("[data-clock=here]").textContent)`)
}

// S25: given the server restarts, then the chip says reconnecting, then live, and nothing
// in between is missing.
func TestS25Restart(t *testing.T) {
	w := ownWorld(t)
	p := w.page(t)
	p.expect("ERR_CONNECTION_REFUSED")
	p.expect("ERR_INCOMPLETE_CHUNKED_ENCODING")
	p.expect("ERR_CONNECTION_RESET")
	p.expect("503")
	id := w.job(t, "restarts", "0 0 1 1 *", "true", nil)
	p.open("/live?job=" + id)
	p.live()
	w.ended(t, w.run(t, id))
	p.until("the first run is told", `document.querySelector(".live-row [data-mark=ok]")`)
	w.kill()
	p.until("the chip says reconnecting", chip+` === "reconnecting"`)
	if got := p.text("[data-chip]"); !strings.Contains(got, "last news") {
		t.Errorf("the chip reads %q", got)
	}
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
	w.job(t, "another", "0 0 1 1 *", "true", nil)
	w.api(t, http.MethodPost, "/api/v2/jobs/"+id+"/disable", map[string]any{"reason": "between"})
	p.live()
	p.until("what happened in between is told", `document.querySelector(".live").textContent.includes("between")`)
}

// network makes the network of the tab slow, or takes it away.
func (p *tab) network(c network.Conditions) {
	p.t.Helper()
	call(p, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{&c}})
	call(p, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: c.Offline, Latency: c.Latency, DownloadThroughput: c.DownloadThroughput, UploadThroughput: c.UploadThroughput})
}

// into reads an answer of the API into a value.
func (w *world) into(t *testing.T, path string, value any) {
	t.Helper()
	status, text := w.exchange(t, http.MethodGet, path, nil)
	if status != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, status, text)
	}
	if err := json.Unmarshal(text, value); err != nil {
		t.Fatal(err)
	}
}
