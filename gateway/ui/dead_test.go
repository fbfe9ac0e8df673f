package ui

import (
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/v2"
)

func TestNothingOnDeadLettersIsMarkup(t *testing.T) {
	at := time.Date(2026, 11, 24, 1, 30, 0, 0, time.UTC)
	v := &deadView{
		Total: 318, Exact: true, First: true, MayWrite: true, Kept: []hidden{{"error", "refused"}}, Filters: []link{{"/dead", visible(hostile)}},
		Rows: []deadRow{
			{ID: "7", TriggerID: "manual:j:x", JobID: "j", JobName: visible(hostile), What: fileOf(&v2.File{Path: hostile}), Answer: visible(hostile), At: at, Zone: time.UTC},
			{TriggerID: "cron:j:1", JobID: "j", JobName: "letters", Slot: at, Again: at, Zone: time.UTC},
			{TriggerID: "cron:j:2", JobID: "j", JobName: "letters", Outcome: events.OutcomeOK, Zone: time.UTC},
			{ID: "8", TriggerID: "cron:gone:2", JobID: "gone", Slot: at, At: at, Answer: "no answer", Zone: time.UTC},
		},
	}
	v.groupsOf([]v2.DeadGroup{{JobID: "j", Name: visible(hostile), Error: hostile, Count: 317, Newest: at}, {JobID: "gone", Error: "no answer", Count: 1, Newest: at}})
	text, err := shownAs{"dead", "layout"}.render(frame{Data: v})
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, bad := range []string{"<script>alert", "<img src=x", "\x1b", "\u202e", "\xff"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	for _, want := range []string{"queued again", "01:30 UTC", `data-cell="cron:j:2/do"`, "Retry all 317…", "318 dead letters"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(page, `action="/dead/8/retry"`) {
		t.Error("a dead letter of a deleted job can be retried")
	}
}
