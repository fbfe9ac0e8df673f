package ui

import (
	"strings"
	"testing"
	"time"

	"spool.internal/events"
)

func TestTitle(t *testing.T) {
	for want, got := range map[string]string{
		"✕2 · Jobs · prod-eu": title(2, "Jobs", "prod-eu"), "Jobs · Spool": title(0, "Jobs", ""), "Spool": title(0, "", ""),
	} {
		if got != want {
			t.Errorf("the title is %q, want %q", got, want)
		}
	}
}

func TestTimes(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2019, 11, 24, 1, 30, 4, 0, time.UTC)
	for zone, want := range map[any]stamp{
		"Europe/Paris": {"2019-11-24T02:30:04+01:00", "Sun 24 Nov 2019 02:30 CET"}, paris: {"2019-11-24T02:30:04+01:00", "Sun 24 Nov 2019 02:30 CET"},
		nil: {"2019-11-24T01:30:04Z", "Sun 24 Nov 2019 01:30 UTC"}, "Not/AZone": {"2019-11-24T01:30:04Z", "Sun 24 Nov 2019 01:30 UTC"},
	} {
		if got := stampOf(at, zone, "Mon 2 Jan", "15:04 MST"); got != want {
			t.Errorf("in %v: %+v, want %+v", zone, got, want)
		}
	}
	if got := stampOf(time.Time{}, nil, "", "15:04"); got != (stamp{}) {
		t.Errorf("no time is %+v", got)
	}
}

func TestSpark(t *testing.T) {
	took := func(ms int64) *int64 { return &ms }
	s := sparkOf([]bar{{Outcome: events.OutcomeFailed, Took: took(1000)}, {Outcome: events.OutcomeOK, Took: took(500)}, {Outcome: events.OutcomeRunning}})
	if len(s.Bars) != 3 || s.Bars[0].X <= s.Bars[1].X || s.Bars[0].Height != sparkHeight || s.Bars[1].Height >= s.Bars[0].Height || s.Bars[2].Height != 4 {
		t.Errorf("the bars are %+v", s.Bars)
	}
	if want := "last runs, newest first: failed 1 s, ok 0.5 s, running"; s.Words != want {
		t.Errorf("they say %q, want %q", s.Words, want)
	}
	if none := sparkOf(nil); none.Words != "no runs yet" || none.Width == 0 {
		t.Errorf("without runs: %+v", none)
	}
}

// Whatever went wrong, what a form is told is a sentence, and what it is not told fails the page.
func TestFaults(t *testing.T) {
	all, ok := faultsOf(events.Faultf(events.Invalid, "name", "is required"))
	if !ok || all.Of("name") != "Is required." || all.Of("other") != "" {
		t.Errorf("%+v, %v", all, ok)
	}
	for _, code := range []events.Code{events.Unavailable, events.Forbidden, events.NotFound} {
		if _, ok := faultsOf(events.Faultf(code, "", "x")); ok {
			t.Errorf("%s is a fault of the form", code)
		}
	}
	for in, want := range map[string]string{"no such job": "No such job.", "/in does not exist": "/in does not exist.", "": "", "done.": "Done.", "über": "Über."} {
		if got := sentence(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	if got := whyIt("e01b1e91-6c30-4229-adeb-4c2aae5e351a failed after 91ms: exit status 3"); got != "Failed after 91ms: exit status 3." {
		t.Errorf("the reason is %q", got)
	}
}

// Each template shows what is hostile as text, also where it is an attribute, and each page
// has a template.
func TestTemplates(t *testing.T) {
	const hostile = `"><img src=x onerror=alert(1)>`
	for name, data := range map[string]any{
		"note": &Note{Text: hostile, Href: "javascript:alert(1)", Link: hostile}, "outcome": hostile, "mark": hostile,
		"field": field{Name: hostile, Label: hostile, Value: hostile, Hint: hostile, Fault: hostile, Options: []option{{hostile, hostile, true}}},
		"empty": noneYet(hostile, link{"javascript:alert(1)", hostile}), "summary": faults{{hostile, hostile}}, "sentence": hostile,
		"spark": sparkOf([]bar{{Outcome: hostile, Href: "javascript:alert(1)"}}), "pager": pager{Next: hostile, Text: hostile},
	} {
		text, err := shownAs{partsOnly, name}.render(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if out := string(text); strings.Contains(out, "<img") || strings.Contains(out, `"javascript:`) || strings.Contains(out, `"">`) {
			t.Errorf("%s is %s", name, out)
		}
	}
	u := New(Config{})
	for _, p := range u.pages {
		if templates()[p.template] == nil {
			t.Errorf("%s has no template %q", p.path, p.template)
		}
	}
}
