package browser

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// axeSource is axe-core 4.14.1, under the licence that it begins with.
//
//go:embed testdata/axe.min.js
var axeSource string

// axe has axe-core look at the page, and fails with what it finds.
func (p *tab) axe(what string) {
	p.t.Helper()
	must(p, chromedp.Evaluate[bool](axeSource+"\n;true"))
	found := eval[string](p, `axe.run(document, {resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.map(n => n.html + " " + n.failureSummary)}))))`)
	var violations []struct {
		ID, Help string
		Nodes    []string
	}
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		p.t.Fatalf("%s: axe says %q: %v", what, found, err)
	}
	for _, v := range violations {
		p.t.Errorf("%s: %s: %s: %d times, first %s", what, v.ID, v.Help, len(v.Nodes), v.Nodes[0])
	}
}

// S40: given light and dark, axe finds nothing on any page; given forced colours, 320 px and
// 200 % zoom, nothing on five of them.
func TestS40Axe(t *testing.T) {
	f := furnish(t)
	p := f.page(t)
	p.expect("404")
	p.wear(1440, false)
	for _, path := range f.pages() {
		p.open(path)
		p.axe("light " + path)
	}
	if testing.Short() {
		return // the rest is the same with other colours and sizes
	}
	p.wear(1440, true)
	for _, path := range f.pages() {
		p.open(path)
		p.axe("dark " + path)
	}
	five := []string{"/", "/jobs", "/jobs/" + f.clock, "/runs/" + f.bad, "/jobs/" + f.folder}
	for _, width := range []int64{320, 720} { // 720 px are 1440 at 200 %
		p.wear(width, false)
		for _, path := range five {
			p.open(path)
			p.axe(fmt.Sprintf("%d px %s", width, path))
		}
	}
	p.wear(1440, false)
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "forced-colors", Value: "active"}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	for _, path := range five {
		p.open(path)
		p.axe("forced colours " + path)
	}
}

// S39: given 320 px, or 200 % zoom, nothing overlaps or scrolls sideways but logs.
func TestS39NothingScrollsSideways(t *testing.T) {
	full(t)
	f := furnish(t)
	p := f.page(t)
	p.expect("404")
	for _, width := range []int64{320, 720} {
		p.wear(width, false)
		for _, path := range f.pages() {
			p.open(path)
			wide := eval[string](p, `(() => {
				const w = document.documentElement.clientWidth, scrolls = e => e && (["auto", "scroll"].includes(getComputedStyle(e).overflowX) ? e : scrolls(e.parentElement));
				return [...document.body.querySelectorAll("*")].filter(e => { const r = e.getBoundingClientRect(); return r.width && e.checkVisibility() && r.right > w + 1 && !scrolls(e.parentElement) && getComputedStyle(e).position != "absolute" }).map(e => e.outerHTML.slice(0, 120)).slice(0, 3).join("\n");
			})()`)
			if across := eval[int](p, "document.scrollingElement.scrollWidth - document.documentElement.clientWidth"); across > 1 {
				t.Errorf("%d px: %s scrolls sideways by %d px: %s", width, path, across, wide)
			}
			over := eval[string](p, `(() => {
				const all = [...document.querySelectorAll("main a, main button, main input, main select")].filter(e => e.getClientRects().length == 1 && e.checkVisibility({visibilityProperty: true}) && !e.matches("[data-clear]") && !e.closest("svg, dialog, table.heat, .cards thead")); // what clears a search lies in its field
				for (let i = 0; i < all.length; i++) for (let j = i + 1; j < all.length; j++) {
					if (all[i].contains(all[j]) || all[j].contains(all[i])) continue;
					const a = all[i].getBoundingClientRect(), b = all[j].getBoundingClientRect();
					const x = Math.min(a.right, b.right) - Math.max(a.left, b.left), y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
					if (x > 2 && y > 2) return all[i].outerHTML.slice(0, 120) + " and " + all[j].outerHTML.slice(0, 120);
				}
				return "";
			})()`)
			if over != "" {
				t.Errorf("%d px: on %s overlap %s", width, path, over)
			}
		}
	}
}

// S5: given a hostile name, it shows as text on each page and in its title, and nothing of
// it runs: a tab fails its test when the policy refuses something.
func TestS5HostileNames(t *testing.T) {
	f := furnish(t)
	p := f.page(t)
	p.expect("404")
	seen := 0
	for _, path := range f.pages() {
		p.open(path)
		if n := eval[int](p, `document.querySelectorAll("img[src=x], main script, [onerror], [onload]").length`); n != 0 {
			t.Errorf("%s: %d elements out of somebody's text", path, n)
		}
		if strings.Contains(p.text("body"), hostile) {
			seen++
		}
		if title := must(p, chromedp.Title()); path == "/jobs/"+f.hostile && !strings.Contains(title, hostile) {
			t.Errorf("the title of %s is %q", path, title)
		}
	}
	if seen < 8 {
		t.Errorf("the name shows on %d pages only", seen)
	}
}
