package browser

import (
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
