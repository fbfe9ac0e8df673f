package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// press presses keys where the focus is.
func (p *tab) press(keys string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(keys))
}

// tabTo presses Tab until an element that matches the selector has the focus, and fails when
// the focus cannot be seen on the way, or lies below the bar.
func (p *tab) tabTo(selector string) {
	p.t.Helper()
	for range 300 {
		p.press(kb.Tab)
		state := eval[string](p, `(() => {
			const e = document.activeElement;
			if (!e || e == document.body) return "none";
			const s = getComputedStyle(e), r = e.getBoundingClientRect(), bar = document.querySelector("header")?.getBoundingClientRect();
			if (s.outlineStyle == "none" && s.boxShadow == "none") return "unseen: " + e.outerHTML.slice(0, 160);
			if (bar && !e.closest("header") && getComputedStyle(document.querySelector("header")).position == "sticky" && r.height && r.bottom <= bar.bottom) return "below the bar: " + e.outerHTML.slice(0, 160);
			return e.matches(`+"`"+selector+"`"+`) ? "there" : "on";
		})()`)
		switch state {
		case "there":
			return
		case "on", "none":
		default:
			p.t.Fatalf("the focus is %s", state)
		}
	}
	p.t.Fatalf("Tab never comes to %s", selector)
}

// S37: given the keyboard alone, a job is made and run, a run cancelled and a failure
// acknowledged; the focus can be seen on the way and lies never below the bar.
func TestS37KeyboardAlone(t *testing.T) {
	full(t)
	w := newWorld(t)
	p := w.page(t)
	p.open("/jobs")
	p.tabTo(`main a[href="/jobs/new"]`)
	p.press(kb.Enter)
	p.until("the editor is open", `location.pathname == "/jobs/new" && document.readyState == "complete"`)
	for _, field := range []struct{ name, text string }{{"name", "s37-keys"}, {"spool.run.command", "sleep 600"}, {"schedule", "0 5 1 1 *"}} {
		p.tabTo(`main [name="` + field.name + `"]`)
		p.press(field.text)
	}
	p.press(kb.Enter) // in a field it creates
	p.until("the job is there", `/^\/jobs\/[0-9a-f-]{36}$/.test(location.pathname) && document.readyState == "complete"`)
	p.tabTo(`main button[aria-label^="Run now"]`)
	p.press(kb.Enter)
	p.until("it is told that it runs", `document.querySelector("main [role=status] a[href^='/runs/']")`)
	p.tabTo(`main [role=status] a[href^="/runs/"]`)
	p.press(kb.Enter)
	p.until("its run can be cancelled", `document.querySelector("main button[aria-label^='Cancel']")`)
	p.tabTo(`main button[aria-label^="Cancel"]`)
	p.press(kb.Enter)
	p.until("it is cancelled", `document.querySelector("main .run-what [data-outcome=cancelled]")`)

	failing := w.run(t, w.job(t, "s37-fails", "0 5 1 1 *", "exit 3", nil))
	w.ended(t, failing)
	p.open("/runs/" + failing)
	p.tabTo(`main summary.button`)
	p.press(kb.Enter)
	p.tabTo(`main .run-note textarea, main .run-note input`)
	p.press("known since Monday")
	p.tabTo(`main .run-note button`)
	p.press(kb.Enter)
	p.until("it is acknowledged", `document.querySelector("main .run-ack")`)
	if said := p.text("main .run-ack"); !strings.Contains(said, "known since Monday") {
		t.Errorf("the page says %q", said)
	}
}
