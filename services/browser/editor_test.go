package browser

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"spool.internal/events/eventstest"
)

// write types into a control, in place of what stands there.
func (p *tab) write(name, text string) {
	p.t.Helper()
	sel := chromedp.CSS(fmt.Sprintf(`main [name=%q]`, name))
	p.do(chromedp.ScrollIntoView(sel))
	if p.value(name) != "" {
		p.do(chromedp.Clear(sel))
	}
	p.do(chromedp.SendKeys(sel, text))
}

// step clicks the button of the editor that does something; the first is for Enter.
func (p *tab) step(do string) {
	p.t.Helper()
	p.click(fmt.Sprintf(`main button[name=do][value=%q]:not(.away)`, do))
}

// value is what stands in a control.
func (p *tab) value(name string) string {
	p.t.Helper()
	return must(p, chromedp.Value(chromedp.CSS(fmt.Sprintf(`main [name=%q]`, name))))
}

// jobNamed gives a job by its name, nil when there is none.
func (w *world) jobNamed(t *testing.T, name string) map[string]any {
	t.Helper()
	for _, j := range w.api(t, http.MethodGet, "/api/v2/jobs?q="+name, nil)["jobs"].([]any) {
		if j := j.(map[string]any); j["name"] == name {
			return j
		}
	}
	return nil
}

// Without a script a job is made, previewed, run, disabled and deleted by plain forms.
func TestS10WithoutScript(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	const name = "s10-plain"
	p.open("/jobs/new")
	p.write("name", name)
	p.write("spool.run.command", "echo hello")
	p.write("schedule", "30 2 * * *")
	p.write("spool.timezone", "Europe/Paris")
	p.step("preview")
	p.until("the preview is there", `document.querySelector(".preview-next li")`)
	if got := p.text(".preview"); !strings.Contains(got, "02:30 every day") || !strings.Contains(got, "CET") && !strings.Contains(got, "CEST") {
		t.Errorf("the preview says %q", got)
	}
	if got := p.value("spool.run.command"); got != "echo hello" {
		t.Errorf("after the preview the command is %q", got)
	}
	p.step("create")
	p.until("the job is shown", `/^.jobs.[0-9a-f-]{36}/.test(location.pathname)`)
	j := w.jobNamed(t, name)
	if j == nil {
		t.Fatalf("no job was made; the page reads:\n%s", tail(p.text("body"), 2000))
	}
	id := j["job_id"].(string)
	p.open("/jobs/" + id)
	p.click(`form[action="/jobs/` + id + `/run"] button`)
	p.until("the start is told", `/did=/.test(location.search)`)
	eventstest.Eventually(t, "it runs", func() bool { return w.runsOf(t, id) > 0 }) // it was accepted; a moment later it is shown
	if n := w.runsOf(t, id); n != 1 {
		t.Errorf("there are %d runs", n)
	}
	p.open("/jobs/" + id)
	p.click(`details:has(form[action="/jobs/` + id + `/disable"]) summary`)
	p.click(`form[action="/jobs/` + id + `/disable"] button`)
	p.until("it says that it is disabled", `document.querySelector('form[action="/jobs/`+id+`/enable"]')`)
	if got := w.api(t, http.MethodGet, "/api/v2/jobs/"+id, nil)["status"]; got != "DISABLED" {
		t.Errorf("the job is %v", got)
	}
	p.open("/jobs/" + id)
	p.click(`details:has(form[action="/jobs/` + id + `/delete"]) summary`)
	p.click(`form[action="/jobs/` + id + `/delete"] button`)
	p.until("the page of the job is left", `location.pathname !== "/jobs/`+id+`"`)
	if status, _ := w.exchange(t, http.MethodGet, "/api/v2/jobs/"+id, nil); status != http.StatusNotFound {
		t.Errorf("after the deletion the job answers %d", status)
	}
}

// Two who edit one job: the second sees what the first has changed, and loses nothing.
func TestS13TwoEditOneJob(t *testing.T) {
	w := newWorld(t)
	id := w.job(t, "s13", "30 2 * * *", "true", nil)
	first, second := w.page(t), w.page(t)
	first.open("/jobs/" + id + "/edit")
	second.open("/jobs/" + id + "/edit")
	second.expect("422")
	first.write("schedule", "0 6 * * *")
	first.step("review")
	first.until("the review is there", `document.querySelector("main button[value=save]")`)
	first.step("save")
	first.until("the change is made", `location.pathname === "/jobs/`+id+`"`)
	second.write("name", "s13 by the second")
	second.step("review")
	second.until("the second is told", `document.querySelector(".editor-conflict")`)
	if got := second.text("main"); !strings.Contains(got, "admin changed schedule") {
		t.Errorf("the second is told %q", tail(got, 3000))
	}
	if got := second.value("name"); got != "s13 by the second" {
		t.Errorf("the name that the second typed is %q", got)
	}
	second.step("both")
	second.until("both are in the form", `!document.querySelector(".editor-conflict")`)
	if name, at := second.value("name"), second.value("schedule"); name != "s13 by the second" || at != "0 6 * * *" {
		t.Errorf("together: %q at %q", name, at)
	}
	second.step("review")
	second.until("the review is there", `document.querySelector("main button[value=save]")`)
	second.step("save")
	second.until("the change is made", `location.pathname === "/jobs/`+id+`"`)
	if j := w.api(t, http.MethodGet, "/api/v2/jobs/"+id, nil); j["name"] != "s13 by the second" || j["schedule"] != "0 6 * * *" {
		t.Errorf("stored is %v at %v", j["name"], j["schedule"])
	}
}

// A schedule that is none changes no other field, and the focus is on what is wrong.
func TestS14InvalidSchedule(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	p.expect("422")
	p.open("/jobs/new")
	typed := map[string]string{
		"name": `s14 "<b>&`, "spool.run.command": "echo a\necho b", "schedule": "61 2 * * *", "spool.timezone": "Asia/Tokyo", "spool.hold_after": "3",
		"flow_parameters.settings.tags": "one\ntwo",
	}
	for name, text := range typed {
		p.write(name, text)
	}
	p.step("create")
	p.until("the summary has the focus", `document.activeElement && document.activeElement.matches("[data-summary]")`)
	for name, text := range typed {
		if got := p.value(name); got != text {
			t.Errorf("%s is %q, was %q", name, got, text)
		}
	}
	if got := p.text(`.field:has([name="schedule"]) .fault`); !strings.Contains(got, "61") {
		t.Errorf("beside the schedule stands %q", got)
	}
	if w.jobNamed(t, "s14") != nil {
		t.Error("a job was made")
	}
}

// Before an edit is saved, the runs that go and come are marked, as the preview of the API has them.
func TestS15Review(t *testing.T) {
	w := newWorld(t)
	id := w.job(t, "s15", "30 2 * * *", "true", map[string]any{"timezone": "Europe/Paris"})
	p := w.page(t)
	p.open("/jobs/" + id + "/edit")
	p.write("schedule", "0 6 * * *")
	p.step("review")
	p.until("the review is there", `document.querySelector(".review-runs")`)
	shown := eval[string](p, `JSON.stringify(Object.fromEntries(["kept", "added", "removed"].map((c) =>
		[c, [...document.querySelectorAll('tr[data-change="' + c + '"]')].map((r) => new Date(r.querySelector("time").dateTime).toISOString())])))`)
	var got map[string][]string
	if err := json.Unmarshal([]byte(shown), &got); err != nil {
		t.Fatal(err)
	}
	preview := w.api(t, http.MethodPost, "/api/v2/schedule/preview", map[string]any{
		"schedule": "0 6 * * *", "timezone": "Europe/Paris", "count": 10, "compare": map[string]any{"schedule": "30 2 * * *", "timezone": "Europe/Paris"},
	})["compare"].(map[string]any)
	for change, times := range got {
		want := []string{}
		for _, s := range preview[change].([]any) {
			want = append(want, strings.Replace(s.(map[string]any)["utc"].(string), "Z", ".000Z", 1))
		}
		if diff := cmp.Diff(want, times); diff != "" {
			t.Errorf("%s: %s", change, diff)
		}
	}
	if len(got["added"]) == 0 || len(got["removed"]) == 0 {
		t.Errorf("the review shows %v", got)
	}
	if text := p.text(".review"); !strings.Contains(text, "+ added") || !strings.Contains(text, "– removed") || !strings.Contains(text, "Nothing is saved yet") {
		t.Errorf("the review says %q", text)
	}
}

// Over the change of clocks in March, 30 2 * * * in Paris runs at 03:00, and the page says why.
func TestS16GapInWords(t *testing.T) {
	w := newWorld(t)
	p := w.page(t)
	p.open("/jobs/new")
	p.write("schedule", "30 2 * * *")
	p.write("spool.timezone", "Europe/Paris")
	p.until("the runs to come are shown", `document.querySelectorAll(".preview-next li").length === 5`)
	p.do(chromedp.SetValue(chromedp.CSS(`[name="preview.from"]`), "2027-03-26"))
	eval[bool](p, `document.querySelector('[name="preview.from"]').dispatchEvent(new Event("input", {bubbles: true}))`)
	p.until("the gap is marked", `document.querySelector(".preview-next .preview-mark")`)
	if got := p.text(`.preview-next li:has(.preview-mark)`); !strings.Contains(got, "28 Mar") || !strings.Contains(got, "03:00") || !strings.Contains(got, "gap") {
		t.Errorf("the gap reads %q", got)
	}
}
