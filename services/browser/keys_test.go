package browser

import (
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// keys presses keys, one after the other.
func (p *tab) keys(keys ...string) {
	p.t.Helper()
	for _, k := range keys {
		p.do(chromedp.KeyEvent(k))
	}
}

// The keys of the pages: they search, go, list themselves, and can be switched off.
func TestKeys(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	id := w.job(t, "keys of the page", "0 0 1 1 *", "true", nil)
	p.onlyJob(id)
	p.keys("/")
	p.until("the search has the focus", `document.activeElement.matches("[data-search]")`)
	eval[bool](p, `(document.activeElement.value = "") === ""`) // the driver types a key that the page has taken, too
	p.keys("k", "e", "y", "s", " ", "o", "f")
	p.until("the job is found", `document.querySelector("[role=option]")?.textContent.includes("keys of the page")`)
	p.keys(kb.ArrowDown, kb.Enter)
	p.until("its page is there", `location.pathname === "/jobs/`+id+`"`)
	p.live()
	p.keys("g", "j")
	p.until("g j goes to the jobs", `location.pathname === "/jobs"`)
	p.onlyJob(id)
	p.keys("j")
	p.until("j goes to the row", `document.activeElement.closest("#job-`+id+`")`)
	p.keys("r")
	p.until("r asks", `document.querySelector("dialog[open]")`)
	p.keys(kb.Escape)
	p.until("Esc closes", `!document.querySelector("dialog[open]") && document.activeElement.closest("#job-`+id+`")`)
	p.keys("?")
	p.until("? lists the keys", `document.querySelector("dialog[open] .keys")`)
	p.click("dialog input[type=checkbox]")
	p.keys(kb.Escape)
	p.until("the list is closed", `!document.querySelector("dialog[open]")`)
	p.open("/live")
	p.live()
	p.keys("/")
	if eval[bool](p, `document.activeElement.matches("[data-search]")`) {
		t.Error("switched off, / goes to the search all the same")
	}
}

// What a button of a cell does shows in the cell, though it has the focus; nothing else
// changes under a focus.
func TestCellUnderFocus(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	id := w.job(t, "under focus", "0 0 1 1 *", "true", nil)
	p.onlyJob(id)
	effect := `document.querySelector('[data-cell="` + id + `/effect"]')`
	p.click("#job-" + id + " .effect button")
	p.click("dialog[open] .primary")
	p.until("it is off, with the focus on the button that turns it on", effect+`.textContent.includes("Enable") && document.activeElement.textContent === "Enable"`)
	w.api(t, http.MethodPost, "/api/v2/jobs/"+id+"/enable", nil)
	p.until("the cell is marked", effect+`.classList.contains("changed") && `+effect+`.textContent.includes("Enable")`)
	p.click("h1")
	eval[bool](p, `document.activeElement.blur() ?? true`)
	p.until("it is on", effect+`.textContent.includes("Disable") && !`+effect+`.classList.contains("changed")`)
}
