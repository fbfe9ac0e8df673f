package ui

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"

	"spool.internal/events"
	"spool.internal/events/sorting"
	"spool.internal/events/why"
	"spool.internal/gateway/v2"
)

func (u *UI) deadActions() []action {
	return []action{
		{path: "/dead/bulk", do: u.beginDeadBulk},
		{path: "/dead/{id}/retry", do: u.retryDead},
		{path: "/dead/{id}/drop", do: u.dropDead},
	}
}

func (u *UI) retryDead(c *call) (done, error) {
	id, err := u.api.RetryDead(c.Context(), c.who, c.id("id"))
	if err != nil {
		return done{}, err
	}
	return done{Next: "/dead", Note: &Note{Text: "Queued again", At: c.now, Href: "/runs/" + id, Link: "see the run"}}, nil
}

func (u *UI) dropDead(c *call) (done, error) {
	if err := u.api.DropDead(c.Context(), c.who, c.id("id")); err != nil {
		return done{}, err
	}
	return done{Next: "/dead", Note: &Note{Text: "Dropped", At: c.now}}, nil
}

// deadBulkView asks whether something is to be done with many dead letters.
type deadBulkView struct {
	Action events.BulkAction
	Verb   string
	Count  int
	Of     []string // the jobs of the first
	Fields []hidden
	Key    string
	Back   string
	Typed  *field
	Faults faults
}

func (v *deadBulkView) title() string { return v.Verb + " " + why.Count(v.Count, "dead letter") + "?" }

// Danger reports that what is done cannot be taken back.
func (v *deadBulkView) Danger() bool { return v.Action == events.BulkDrop }

// deadSelection reads which dead letters are meant: those that were marked, or all that a
// filter means.
func deadSelection(q url.Values) (b v2.BulkRequest, fields []hidden) {
	b.Action = events.BulkAction(q.Get("action"))
	if q.Get("all") == "" {
		b.IDs = q["id"]
		for _, id := range b.IDs {
			fields = append(fields, hidden{"id", id})
		}
		return b, fields
	}
	b.Filter, fields = filterOf(q), []hidden{{"all", "1"}}
	for key, values := range b.Filter {
		fields = append(fields, hidden{key, values[0]})
	}
	sorting.By(fields, func(x, y hidden) int {
		if x.Name < y.Name {
			return -1
		}
		return 1
	})
	return b, fields
}

func (u *UI) viewDeadBulk(c *call) (any, error) { return u.deadQuestion(c, c.query) }

// deadQuestion counts what is selected.
func (u *UI) deadQuestion(c *call, q url.Values) (*deadBulkView, error) {
	b, fields := deadSelection(q)
	v := &deadBulkView{Action: b.Action, Verb: "Retry", Fields: fields, Key: c.key(), Back: "/dead"}
	if v.Danger() {
		v.Verb = "Drop"
	}
	if b.Filter == nil && len(b.IDs) == 0 {
		return nil, events.Faultf(events.Invalid, "", "no dead letter is marked: go back and mark some, or choose all that match")
	}
	if list := b.Filter.Encode(); list != "" {
		v.Back += "?" + list
	}
	counted, err := u.api.BulkDead(c.Context(), c.who, b)
	if err != nil {
		return nil, err
	}
	v.Count = counted.Count
	for _, n := range counted.First {
		if name := cmp.Or(n.Name, "a deleted job"); !slices.Contains(v.Of, name) {
			v.Of = append(v.Of, name)
		}
	}
	if v.Count > len(counted.First) && len(v.Of) > 1 {
		v.Of = append(v.Of, "and others")
	}
	if v.Danger() && v.Count > typedOver {
		v.Typed = &field{Name: "typed", Label: "Type " + strconv.Itoa(v.Count) + " to drop that many dead letters", Value: q.Get("typed"), Required: true, Fill: "off"}
	}
	return v, nil
}

// beginDeadBulk begins what was asked about, if as many are meant still as were counted.
func (u *UI) beginDeadBulk(c *call) (done, error) {
	form := c.r.PostForm
	b, _ := deadSelection(form)
	expect, err := strconv.Atoi(form.Get("expect"))
	if err != nil {
		return done{}, events.Faultf(events.Invalid, "expect", "is missing: count the dead letters first, at /dead")
	}
	b.Expect, b.Key = &expect, form.Get("key")
	if b.Action == events.BulkDrop && expect > typedOver && form.Get("typed") != strconv.Itoa(expect) {
		err = events.Faultf(events.Invalid, "typed", "type the number %d: that many dead letters would be dropped", expect)
	} else {
		var answer v2.BulkAnswer
		if answer, err = u.api.BulkDead(c.Context(), c.who, b); err == nil {
			return done{Next: "/bulk/" + answer.Begun.ID}, nil
		}
	}
	wrong, ok := faultsOf(err)
	if !ok {
		return done{}, err
	}
	v, err := u.deadQuestion(c, form)
	if err != nil {
		return done{}, err
	}
	if v.Faults = wrong; v.Typed != nil {
		v.Typed.Fault = wrong.Of("typed")
	}
	return done{}, &refused{"deadbulk", v}
}
