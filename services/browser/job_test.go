package browser

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// as connects to the broker of a flooded world with the credentials of a role.
func (f *flood) as(w *world, role string) *jet.Bus {
	f.t.Helper()
	broker := ""
	for i, arg := range w.args {
		if arg == "--nats-listen" {
			broker = w.args[i+1] // the last one counts
		}
	}
	bus, err := jet.Connect(f.t.Context(), jet.Options{URL: "nats://" + broker, Creds: filepath.Join(w.DataDir, role+".creds"), Name: role, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = bus.Close(context.Background()) })
	return bus
}

// old stores a job as if it had been there since a time: as another job, but that it has
// another id.
func (f *flood) old(bus *jet.Bus, like, name, schedule string, since time.Time) (id string) {
	f.t.Helper()
	rev, err := bus.Job(f.t.Context(), like)
	if err != nil {
		f.t.Fatal(err)
	}
	ev := rev.Event
	ev.Event, ev.At, ev.By = events.JobCreated, since, "ann"
	ev.Job.ID, ev.Job.Name, ev.Job.CreatedOnNS, ev.Job.EffectiveFrom = uuid.NewString(), name, since.UnixNano(), since
	o, err := events.ParseObject(ev.Job.Parameters)
	if err != nil {
		f.t.Fatal(err)
	}
	ev.Job.Parameters = events.Encode(o.Set("schedule", schedule).Set("name", name))
	if _, err := bus.PutJob(f.t.Context(), ev, 0); err != nil {
		f.t.Fatal(err)
	}
	return ev.Job.ID
}

// S20: given a foreign endpoint without tracking, then the state is "called"; given a job never
// run, "never ran"; neither is ok or failing.
func TestS20CalledAndNeverRan(t *testing.T) {
	w, f := floodWorld(t)
	called, never := w.job(t, "sent abroad", "0 0 1 1 *", "true", nil), w.job(t, "new here", "0 0 1 1 *", "true", nil)
	f.put(t.Context(), events.OutcomeCalled, called)
	p := w.page(t)
	p.open("/jobs/" + called)
	p.until("the run shows", `document.querySelector("[data-row]") || (location.reload(), false)`)
	if got := p.text(".job-state"); !strings.Contains(got, "called") || strings.Contains(got, "ok") || strings.Contains(got, "failed") {
		t.Errorf("a job that was called for reads %q", got)
	}
	if got := p.text("[data-row]"); !strings.HasPrefix(strings.TrimSpace(got), "called") {
		t.Errorf("its run reads %q", got)
	}
	if n := eval[int](p, `document.querySelectorAll("[data-row] [data-outcome=ok], [data-row] [data-outcome=failed], .bars [data-outcome=ok]").length`); n != 0 {
		t.Errorf("%d marks say that it came out", n)
	}
	p.open("/jobs/" + never)
	if got := p.text(".job-state"); !strings.Contains(got, "never ran") || strings.Contains(got, "ok") {
		t.Errorf("a job that never ran reads %q", got)
	}
	for _, state := range []string{"failing", "ok"} {
		p.open("/jobs?state=" + state)
		if got := p.text("main"); strings.Contains(got, "sent abroad") || strings.Contains(got, "new here") {
			t.Errorf("the list of state %s has one of them", state)
		}
	}
}

// S21: given a missed, skipped, superseded, disabled and gap slot, then its sentence names cause,
// time and who; before what is known it says "not kept".
func TestS21WhyDidItNotRun(t *testing.T) {
	full(t)
	w, f := floodWorld(t)
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	like := w.job(t, "like", "0 0 1 1 *", "true", map[string]any{"timezone": "Europe/Paris", "catch_up": "none"})
	gateway, cron := f.as(w, "gateway"), f.as(w, "cron")
	now := time.Now().Truncate(time.Minute)
	since := now.AddDate(0, 0, -400)
	often := f.old(gateway, like, "each minute", "* * * * *", since)
	nightly := f.old(gateway, like, "nightly", "30 2 * * *", since)
	stopped := w.job(t, "stopped", "* * * * *", "true", nil)
	w.api(t, http.MethodPost, "/api/v2/jobs/"+stopped+"/disable", map[string]any{"reason": "move of the NAS"})
	off := time.Now()
	back := func(minutes int) time.Time { return now.Add(-time.Duration(minutes) * time.Minute) }
	for _, v := range []events.Verdict{
		{From: events.MinuteOf(back(80)), Verdict: events.VerdictMissed, Reason: events.WhyNotRunning, Down: &events.Downtime{From: back(81), To: back(77)}},
		{From: events.MinuteOf(back(160)), Verdict: events.VerdictSkipped, Reason: events.WhyOverlap},
		{From: events.MinuteOf(back(240)), Verdict: events.VerdictSuperseded, Reason: events.WhyNewerRan, Ran: events.MinuteOf(back(239))},
	} {
		v.JobID, v.At, v.To = often, now, v.From
		if err := cron.CopyVerdict(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	p := w.page(t)
	p.open("/jobs/" + often)
	clock := func(minutes int) string { return back(minutes).In(zone).Format("15:04") }
	for is, want := range map[string]string{
		"missed":     "Missed: Spool was not running then (" + clock(81) + " to " + clock(77) + "), and catch_up is none.",
		"skipped":    "Skipped: the run before it had not ended and overlap is skip.",
		"superseded": "Not run on its own: 2 slots were missed together, only the newest, " + back(239).In(zone).Format("Mon 15:04") + ", ran (catch_up: latest).",
	} {
		p.click(fmt.Sprintf("[data-heat] [data-is=%s] a", is))
		p.until("the sentence of "+is, fmt.Sprintf("document.querySelector('[data-why]')?.textContent.includes(%q)", want))
		if path := p.path(); !strings.Contains(path, "?at=20") {
			t.Errorf("the address is %s", path)
		}
		p.open(p.path()) // it is the same for who follows the link
		if got := p.text("[data-why]"); !strings.Contains(got, want) {
			t.Errorf("%s at its address: %q", is, got)
		}
	}
	gap := lastSunday(now, time.March, zone)
	for path, want := range map[string]string{
		"/jobs/" + nightly + "?at=" + gap.UTC().Format(time.RFC3339):                     "02:30 did not exist on ",
		"/jobs/" + nightly + "?at=" + since.AddDate(0, 0, -9).UTC().Format(time.RFC3339): "Not kept: Spool knows this job since ",
	} {
		p.open(path)
		if got := p.text("[data-why]"); !strings.Contains(got, want) {
			t.Errorf("%s: %q", path, got)
		}
	}
	p.offSlot(stopped, off)
}

// offSlot looks at the first slot of a job that was disabled, which has to come yet.
func (p *tab) offSlot(stopped string, off time.Time) {
	t := p.t
	t.Helper()
	slot := off.Truncate(time.Minute).Add(time.Minute)
	time.Sleep(time.Until(slot.Add(time.Second)))
	p.open("/jobs/" + stopped + "?at=" + slot.UTC().Format(time.RFC3339))
	if got, want := p.text("[data-why]"), "Disabled by admin on "+off.UTC().Format("2 Jan 15:04"); !strings.Contains(got, want[:len(want)-2]) || !strings.Contains(got, "move of the NAS") {
		t.Errorf("a slot of a disabled job: %q, want %q", got, want)
	}
}

// lastSunday is 03:00 on the last Sunday of a month that is over, by the clocks of a zone.
func lastSunday(now time.Time, month time.Month, zone *time.Location) time.Time {
	for year := now.Year(); ; year-- {
		day := time.Date(year, month+1, 0, 3, 0, 0, 0, zone)
		day = day.AddDate(0, 0, -int(day.Weekday()))
		if day.Before(now) {
			return day
		}
	}
}

// S38: given a screen reader, then each button's name has its job, the heat map is one tab stop,
// and live changes are silent but for one's own actions.
func TestS38Names(t *testing.T) {
	full(t)
	f := furnish(t)
	p := f.page(t)
	for path, name := range map[string]string{"/jobs/" + f.clock: "invoices nightly", "/jobs/" + f.failing + "/runs": "ledger"} {
		p.open(path)
		bad := eval[string](p, fmt.Sprintf(`[...document.querySelectorAll("main button, main summary.button, main a.button")]
			.filter(b => b.getClientRects().length && !(b.getAttribute("aria-label") ?? b.textContent).includes(%q) && !b.closest("form[role=search], .pager"))
			.map(b => b.outerHTML).join("\n")`, name))
		if bad != "" {
			t.Errorf("%s: without the job in their names:\n%s", path, bad)
		}
		if loud := eval[string](p, `[...document.querySelectorAll("[data-cell]")].filter(c => c.closest("[aria-live],[role=status],[role=alert],[role=log]")).map(c => c.outerHTML.slice(0, 200)).join("\n")`); loud != "" {
			t.Errorf("%s: read out when they change:\n%s", path, loud)
		}
	}
	p.open("/jobs/" + f.failing)
	if stops := eval[int](p, `document.querySelectorAll("[data-heat] a[href]:not([tabindex='-1'])").length`); stops != 1 {
		t.Errorf("the map is %d tab stops", stops)
	}
	p.tabTo("[data-heat] [data-slot]")
	const here = `document.activeElement.getAttribute("aria-label")`
	first := eval[string](p, here)
	if !strings.HasSuffix(first, ", why") {
		t.Errorf("a cell is called %q", first)
	}
	p.press(kb.ArrowDown)
	if below := eval[string](p, here); below == first || !strings.HasSuffix(below, ", why") {
		t.Errorf("the arrow leads from %q to %q", first, below)
	}
	p.press(kb.Tab)
	if eval[bool](p, `document.activeElement.matches("[data-slot]")`) {
		t.Error("the map is more than one tab stop")
	}
	if roles := eval[string](p, `document.querySelector("[data-heat]").tagName + " " + document.querySelectorAll("[data-heat] th[scope]").length`); !strings.HasPrefix(roles, "TABLE ") {
		t.Errorf("the map is a %s", roles)
	}
}

// S17 for the pages of a job: each time shows the zone of the job, and what it is here.
func TestS17TimesOfAJob(t *testing.T) {
	f := furnish(t)
	p := f.page(t)
	call(p, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Tokyo"})
	for _, path := range []string{"/jobs/" + f.clock, "/jobs/" + f.clock + "/runs", "/jobs/" + f.clock + "/history"} {
		p.open(path)
		p.until("times are dressed", `document.querySelector("main time .here")`)
		bad := eval[string](p, `[...document.querySelectorAll("main time[datetime]:not([data-rel],[data-for],[data-plain])")]
			.filter(t => !/ (CET|CEST)\b/.test(t.textContent) || !/ here$/.test(t.textContent)).map(t => t.outerHTML).join("\n")`)
		if bad != "" {
			t.Errorf("%s: without the zone of the job, or mine:\n%s", path, bad)
		}
	}
}

// A job is disabled with a reason and for a while, is enabled, and is deleted, on its page: what is
// refused comes back as it was typed.
func TestJobIsDisabledAndDeleted(t *testing.T) {
	w := newWorld(t)
	id := w.job(t, "short life", "0 0 1 1 *", "true", map[string]any{"timezone": "Europe/Paris"})
	p := w.page(t)
	p.open("/jobs/" + id)
	p.expect("422") // the refusal
	p.click("summary[aria-label='Disable…, short life']")
	p.fill("#f-reason", "move of the NAS")
	p.fill("#f-until", "2001-01-01T00:00")
	p.click("button[aria-label='Disable short life']")
	p.until("the refusal shows", `document.activeElement.matches("[data-summary]")`)
	if got := eval[string](p, `document.querySelector("#f-reason").value + " " + document.querySelector("#f-until").value`); got != "move of the NAS 2001-01-01T00:00" {
		t.Errorf("what was typed is %q", got)
	}
	until := time.Now().AddDate(0, 0, 9)
	p.fill("#f-until", until.Format("2006-01-02")+"T12:00")
	p.click("button[aria-label='Disable short life']")
	p.until("it is disabled", `document.querySelector(".job-state")?.textContent.includes("move of the NAS")`)
	if got := p.text(".job-state"); !strings.Contains(got, "Disabled by admin on ") || !strings.Contains(got, "until "+until.Format("2 Jan")) {
		t.Errorf("it reads %q", got)
	}
	p.click("button[aria-label='Enable short life']")
	p.until("it is enabled", `document.querySelector(".jobstate[data-state=on]")`)
	p.click("summary[aria-label='Delete…, short life']")
	p.click("button[aria-label='Delete short life']")
	p.until("the list says so", `location.pathname === "/jobs" && document.body.textContent.includes("short life: deleted by you")`)
	p.expect("404")
	p.open("/jobs/" + id)
	if got := p.text("main"); !strings.Contains(got, `dmin deleted the job "short life" on `) {
		t.Errorf("the page of a deleted job reads %q", got)
	}
}
