package ui

import (
	"fmt"
	"strings"

	"spool.internal/events"
	"spool.internal/events/why"
)

// jobSetting is one of a job, in words.
type jobSetting struct {
	Name, Text string
	Code       bool // the text is a path or a command
}

// jobBehaviour says what a job does when something is out of the ordinary.
func jobBehaviour(p *events.Plan) (list []jobSetting) {
	add := func(name, text string) { list = append(list, jobSetting{Name: name, Text: text}) }
	o := &p.Options
	if p.Slots != nil {
		add("Missed slots", map[events.CatchUp]string{
			events.CatchUpLatest: "the newest runs", events.CatchUpNone: "none runs", events.CatchUpAll: "all run, one after the other",
		}[o.CatchUp])
	}
	add("Overlap", map[events.Overlap]string{
		events.OverlapAllow: "both run", events.OverlapQueue: "the second waits", events.OverlapSkip: "the second is skipped",
	}[o.Overlap])
	kind := events.KindCron
	if p.Spooled {
		kind = events.KindFile
		add("At once", why.Count(o.MaxConcurrency, "file"))
	}
	if long := p.RetryFor(kind); long > 0 {
		add("A call that fails", "is made again for "+why.Length(long))
	} else {
		add("A call that fails", "is not made again")
	}
	if r := o.Retries; r.Times > 0 {
		text := "is tried " + why.Count(r.Times, "time") + " more, first after " + why.Length(r.Backoff)
		if len(r.OnExit) > 0 {
			text += ", on exit " + strings.Trim(strings.ReplaceAll(fmt.Sprint(r.OnExit), " ", ", "), "[]")
		}
		add("A run that fails", text)
	}
	if o.Run.Timeout > 0 {
		add("A run ends", "at the latest after "+why.Length(o.Run.Timeout))
	}
	if o.HoldAfter > 0 {
		add("Disabled", "after "+why.Count(o.HoldAfter, "failure")+" in a row")
	}
	if o.Notify.Asked() || len(p.Emails) > 0 || p.Webhook.URL != "" {
		add("Told", strings.Join(toldBy(p), ", "))
	}
	return list
}

// toldBy says in which ways somebody is told; addresses stand in the settings.
func toldBy(p *events.Plan) (ways []string) {
	if len(p.Emails) > 0 {
		ways = append(ways, "mail at each end")
	}
	if p.Webhook.URL != "" {
		ways = append(ways, "a webhook at each end")
	}
	if n := p.Options.Notify; n.Asked() {
		var on []string
		for _, c := range n.On {
			on = append(on, word(string(c)))
		}
		by := "mail"
		if n.Webhook != "" {
			by = "a webhook"
		}
		if len(n.Mail) > 0 && n.Webhook != "" {
			by = "mail and a webhook"
		}
		ways = append(ways, by+" when it is "+strings.Join(on, ", "))
	}
	return ways
}

// jobParts says what a job is made of.
func jobParts(p *events.Plan) (list []jobSetting) {
	code := func(name, text string) {
		if text != "" {
			list = append(list, jobSetting{name, text, true})
		}
	}
	if run := p.Options.Run; run.Short() {
		code("Command", strings.TrimSpace(run.Line+strings.Join(run.Argv, " ")))
	} else {
		code("Flow", p.BinaryText)
	}
	if !p.InputDir.Generated() {
		code("Input", p.InputText)
	}
	code("Key", p.Options.Key)
	if by := p.Options.ManagedBy; by != "" {
		list = append(list, jobSetting{Name: "Managed by", Text: by})
	}
	if len(p.Options.Profiles) > 0 {
		list = append(list, jobSetting{Name: "Profiles", Text: strings.Join(p.Options.Profiles, ", ")})
	}
	return list
}
