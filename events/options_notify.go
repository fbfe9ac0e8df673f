package events

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"spool.internal/events/schedule"
)

// Notifying is what a job says of whom to notify of what, and of what it expects.
type Notifying struct {
	Notify       Notify
	Expect       Expect
	LateAfter    time.Duration // a slot whose run has not started by then is late; default [LateAfter]
	TooLongAfter time.Duration // a run that goes on for longer is too long; negative = none is
	Heartbeat    string        // URL that is called after each run that ended OK; empty = none
}

// LateAfter is how late a slot may start where the job does not say.
const LateAfter = 10 * time.Minute

// Notify says who is told when the state of a job changes.
type Notify struct {
	On      []Condition // in the order of [conditions]
	Mail    []string
	Webhook string // URL
	Format  WebhookFormat
}

// Asked reports whether anybody is to be told of anything.
func (n Notify) Asked() bool { return len(n.Mail) > 0 || n.Webhook != "" }

// Expect is what a folder is to bring: so many files on the days by the time.
type Expect struct {
	By    string // 15:04
	Days  string // as the fifth field of a schedule
	Files int    // 0 = nothing is expected
}

// Deadlines are the times by which the files are expected.
func (e Expect) Deadlines(zone *time.Location) (*schedule.Schedule, error) {
	by, err := time.Parse("15:04", e.By)
	if err != nil {
		return nil, err
	}
	return schedule.Parse(fmt.Sprintf("%d %d * * %s", by.Minute(), by.Hour(), e.Days), zone)
}

// Condition is a state that a job can be in, as far as somebody wants to know.
type Condition string

// The conditions. A job that is in none of the others has recovered.
const (
	Failed    Condition = "failed"
	Recovered Condition = "recovered"
	Missed    Condition = "missed"
	Late      Condition = "late"
	TooLong   Condition = "too_long"
	Blocked   Condition = "blocked"
	Dead      Condition = "dead"
	HeldBack  Condition = "held"
)

// conditions lists them.
var conditions = []Condition{Failed, Recovered, Missed, Late, TooLong, Blocked, Dead, HeldBack}

// WebhookFormat is that of the body that a webhook gets: what its receiver understands.
type WebhookFormat string

const (
	FormatJSON  WebhookFormat = "json" // the default
	FormatSlack WebhookFormat = "slack"
	FormatTeams WebhookFormat = "teams"
	FormatNtfy  WebhookFormat = "ntfy"
)

// WebhookFormats lists them, the default first.
var WebhookFormats = []WebhookFormat{FormatJSON, FormatSlack, FormatTeams, FormatNtfy}

// maxWait bounds late_after and too_long_after.
const maxWait = 7 * 24 * time.Hour

func readNotifying(r *reader) Notifying {
	n := Notifying{
		LateAfter: r.duration("late_after", maxWait), TooLongAfter: r.duration("too_long_after", maxWait), Heartbeat: r.url("heartbeat"),
	}
	if n.TooLongAfter == 0 {
		r.fail("too_long_after", "is 0: every run takes longer")
	}
	if _, asked := r.o.Get("notify"); asked {
		n.Notify = r.object("notify", false).notify()
	}
	if _, asked := r.o.Get("expect"); asked {
		n.Expect = r.object("expect", false).expect()
	}
	return n
}

func (r *reader) notify() Notify {
	to := r.object("to", true)
	n := Notify{
		On: conditions, Mail: to.emails("mail"), Webhook: to.url("webhook"), Format: oneOf(to, "format", WebhookFormats...),
	}
	if _, said := r.o.Get("on"); said {
		n.On = nil
		for _, s := range r.strings("on") {
			if !slices.Contains(conditions, Condition(s)) {
				r.fail("on", "%q is not one of %s", s, join(conditions))
			}
			n.On = append(n.On, Condition(s))
		}
		if len(n.On) == 0 {
			r.fail("on", "is empty: name some of %s, or leave it out for all of them", join(conditions))
		}
	}
	switch _, given := to.o.Get("format"); {
	case !n.Asked():
		r.fail("to", "names nobody: give it mail, webhook or both")
	case given && n.Webhook == "":
		to.fail("format", "is that of a webhook, and there is none: give webhook, or leave it out")
	}
	r.refuseUnknown()
	to.refuseUnknown()
	return n
}

func (r *reader) expect() Expect {
	e := Expect{By: r.required("by"), Days: r.text("days"), Files: r.integer("files", 1, 1, 100_000)}
	if _, err := time.Parse("15:04", e.By); err != nil && e.By != "" {
		r.fail("by", "%q is not a time of day like 10:00", e.By)
	}
	if e.Days == "" {
		e.Days = "*"
	}
	if _, err := schedule.Parse("0 0 * * "+e.Days, time.UTC); err != nil || strings.ContainsAny(e.Days, " \t") {
		r.fail("days", "%q is not a list of days like mon-fri or sat,sun", e.Days)
	}
	r.refuseUnknown()
	return e
}

// check refuses what could never be told.
func (n Notifying) check(spooled bool) error {
	fault := func(field, format string, args ...any) error { return Faultf(Invalid, "spool."+field, format, args...) }
	asked := n.Notify.Asked()
	said := func(c Condition) bool {
		return asked && len(n.Notify.On) < len(conditions) && slices.Contains(n.Notify.On, c)
	}
	switch {
	case !spooled && n.Expect.Files > 0:
		return fault("expect", "is for jobs in automatic mode, which watch a folder: a job with a schedule has late_after")
	case spooled && n.LateAfter >= 0:
		return fault("late_after", "is for jobs with a schedule: a folder has expect, like {\"by\": \"10:00\"}")
	case !asked && n.Expect.Files > 0:
		return fault("expect", "tells nobody: give notify")
	case !asked && n.LateAfter >= 0:
		return fault("late_after", "tells nobody: give notify")
	case !asked && n.TooLongAfter >= 0:
		return fault("too_long_after", "tells nobody: give notify")
	case said(TooLong) && n.TooLongAfter < 0:
		return fault("notify.on", "too_long needs too_long_after, like \"2h\"")
	case said(Late) && spooled && n.Expect.Files == 0:
		return fault("notify.on", "late needs expect, like {\"by\": \"10:00\"}, where a folder is watched")
	case said(Missed) && spooled:
		return fault("notify.on", "missed is for jobs with a schedule")
	case said(Blocked) && !spooled:
		return fault("notify.on", "blocked is for jobs in automatic mode, which watch a folder")
	}
	return nil
}
