package browser

import (
	"fmt"
	"net/http"
	"testing"
)

// S4: given an expired session and a filled form, when I save, then a login dialog opens
// and after it the save happens once with my input.
func TestS4ExpiredSession(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	p.expect("401")
	id := w.job(t, "session", "0 0 1 1 *", "true", nil)
	p.onlyJob(id)
	w.endSessions(t, p)
	p.click("#job-" + id + " [data-key=r]")
	p.until("a login is asked for", `document.querySelector("dialog[open] input[name=token]")`)
	p.fill("dialog input[name=token]", w.Token)
	p.click("dialog form .primary")
	p.until("it is started", `/Started/.test(document.querySelector("#job-`+id+` [data-note]").textContent)`)
	p.live()

	// A form that is filled keeps what is in it.
	p.open("/jobs/" + id + "/edit")
	p.live()
	p.fill("input[name=name]", "another name")
	w.endSessions(t, p)
	p.click("form[data-form] .primary")
	p.until("a login is asked for", `document.querySelector("dialog[open] input[name=token]")`)
	p.fill("dialog input[name=token]", w.Token)
	p.click("dialog form .primary")
	p.until("the answer is there", `document.querySelector("main").textContent.includes("another name") || document.querySelector("input[name=name][value='another name']")`)
	var runs struct{ Results []any }
	w.into(t, fmt.Sprintf("/api/v2/jobs/%s/results", id), &runs)
	if len(runs.Results) != 1 {
		t.Errorf("there are %d runs", len(runs.Results))
	}
}

// endSessions ends the session of a tab, as another of its owner's does.
func (w *world) endSessions(t *testing.T, p *tab) {
	t.Helper()
	if status := eval[int](p, `fetch("/api/v2/session", {method: "DELETE"}).then((a) => a.status)`); status != http.StatusNoContent && status != http.StatusUnauthorized {
		t.Fatalf("the session is not ended: %d", status)
	}
}
