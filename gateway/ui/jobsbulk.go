package ui

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"spool.internal/events"
	"spool.internal/events/why"
	"spool.internal/gateway/change"
	"spool.internal/gateway/v2"
)

// soon is how far ahead a question looks for jobs that are about to run.
const soon = time.Hour

// typedOver is how many jobs are deleted without their number being typed, at most.
const typedOver = 100

// bulkVerbs are the actions on many jobs.
var bulkVerbs = map[events.BulkAction]string{
	events.BulkEnable: "Enable", events.BulkDisable: "Disable", events.BulkRun: "Run", events.BulkDelete: "Delete",
}

// jobsBulkView asks whether something is to be done with many jobs.
type jobsBulkView struct {
	Action  events.BulkAction
	Verb    string
	Count   int
	First   []v2.Named
	Due     int // of them run within the hour
	DueOf   []v2.Named
	Fields  []hidden // the selection
	Key     string
	Back    string
	Reason  field
	Until   field
	Typed   *field // of a number that has to be typed
	Faults  faults
	Zone    string
	request v2.BulkRequest
}

func (v *jobsBulkView) title() string {
	return v.Verb + " " + why.Count(v.Count, "job") + "?"
}

// Danger reports that what is done cannot be taken back.
func (v *jobsBulkView) Danger() bool { return v.Action == events.BulkDelete }

// More is how many jobs are meant beside the first.
func (v *jobsBulkView) More() int { return v.Count - len(v.First) }

// DueMore likewise.
func (v *jobsBulkView) DueMore() int { return v.Due - len(v.DueOf) }

// bulkKeys are of the form, and no part of a filter.
var bulkKeys = []string{"action", "id", "all", "key", "expect", "reason", "until", "typed", "did", "sort", "limit", "after"}

// selectionOf reads which jobs are meant: the ids that were marked, or all that a filter means.
func selectionOf(q url.Values) (b v2.BulkRequest, fields []hidden) {
	b.Action = events.BulkAction(q.Get("action"))
	if q.Get("all") == "" {
		b.IDs = q["id"]
		for _, id := range b.IDs {
			fields = append(fields, hidden{"id", id})
		}
		return b, fields
	}
	b.Filter, fields = url.Values{}, []hidden{{"all", "1"}}
	for key, values := range q {
		if !slices.Contains(bulkKeys, key) && len(values) > 0 && values[0] != "" {
			b.Filter.Set(key, values[0])
			fields = append(fields, hidden{key, values[0]})
		}
	}
	return b, fields
}

func (u *UI) viewJobsBulk(c *call) (any, error) { return u.bulkQuestion(c, c.query) }

// bulkQuestion counts what is selected, and says what would happen.
func (u *UI) bulkQuestion(c *call, q url.Values) (*jobsBulkView, error) {
	v := &jobsBulkView{Key: c.key(), Zone: u.api.Zone.String()}
	v.request, v.Fields = selectionOf(q)
	v.Action, v.Verb = v.request.Action, bulkVerbs[v.request.Action]
	if v.request.Filter == nil && len(v.request.IDs) == 0 {
		return nil, events.Faultf(events.Invalid, "", "no job is marked: go back and mark some, or choose all that match")
	}
	v.Back = "/jobs"
	if list := v.request.Filter.Encode(); list != "" {
		v.Back += "?" + list
	}
	counted, err := u.api.BulkJobs(c.Context(), c.who, v.request)
	if err != nil {
		return nil, err
	}
	v.Count, v.First = counted.Count, counted.First
	if v.Due, v.DueOf, err = u.api.DueSoon(c.Context(), c.who, v.request, c.now.Add(soon)); err != nil {
		return nil, err
	}
	v.Reason = field{Name: "reason", Label: "Reason", Value: q.Get("reason"), Hint: "It is shown beside each job and in its history."}
	v.Until = field{
		Name: "until", Label: "Until", Value: q.Get("until"), Type: "datetime-local",
		Hint: "They are enabled by themselves then, in the time of " + v.Zone + ". Empty: until somebody enables them.",
	}
	if v.Action == events.BulkDelete && v.Count > typedOver {
		v.Typed = &field{Name: "typed", Label: "Type " + strconv.Itoa(v.Count) + " to delete that many jobs", Value: q.Get("typed"), Required: true, Fill: "off"}
	}
	return v, nil
}

// beginJobsBulk begins what was asked about, if as many are meant still as were counted.
func (u *UI) beginJobsBulk(c *call) (done, error) {
	form := c.r.PostForm
	b, _ := selectionOf(form)
	expect, err := strconv.Atoi(form.Get("expect"))
	if err != nil {
		return done{}, events.Faultf(events.Invalid, "expect", "is missing: count the jobs first, at /jobs")
	}
	b.Expect, b.Key = &expect, form.Get("key")
	if b.Action == events.BulkDelete && expect > typedOver && form.Get("typed") != strconv.Itoa(expect) {
		return done{}, u.bulkRefused(c, faults{{"typed", "Type the number " + strconv.Itoa(expect) + ": that many jobs would be deleted."}})
	}
	if b.Terms, err = u.termsOf(c, b.Action); err == nil {
		var answer v2.BulkAnswer
		if answer, err = u.api.BulkJobs(c.Context(), c.who, b); err == nil {
			return done{Next: "/bulk/" + answer.Begun.ID}, nil
		}
	}
	if all, ok := faultsOf(err); ok {
		return done{}, u.bulkRefused(c, all)
	}
	return done{}, err
}

// termsOf reads why jobs are disabled, and until when.
func (u *UI) termsOf(c *call, action events.BulkAction) (change.Terms, error) {
	if action != events.BulkDisable {
		return change.Terms{}, nil
	}
	until, err := u.untilOf(c.form("until"))
	if err != nil {
		return change.Terms{}, err
	}
	return v2.ReadTerms(c.form("reason"), until)
}

// bulkRefused shows the question again, counted anew.
func (u *UI) bulkRefused(c *call, wrong faults) error {
	v, err := u.bulkQuestion(c, c.r.PostForm)
	if err != nil {
		return err
	}
	v.Faults = wrong
	v.Reason.Fault, v.Until.Fault = wrong.Of("reason"), wrong.Of("until")
	if v.Typed != nil {
		v.Typed.Fault = wrong.Of("typed")
	}
	return &refused{page: "jobsbulk", data: v}
}

// bulkView is how far an action on many things is.
type bulkView struct {
	v2.Bulk
	Failures []bulkFailure
	Hidden   int // failures that are not shown one by one
	Back     string
	Things   string
}

// bulkFailure is one that was not done, with what to call it.
type bulkFailure struct{ Name, Href, Message string }

// shownFailures is how many failures a page names.
const shownFailures = 100

func (u *UI) viewBulk(c *call) (any, error) {
	b, err := u.api.GetBulk(c.Context(), c.who, c.id("id"))
	if err != nil {
		return nil, err
	}
	v := bulkView{Bulk: b, Back: "/jobs", Things: "job"}
	if b.Of == events.BulkDeadLetters {
		v.Back, v.Things = "/dead", "dead letter"
	}
	shown := b.Failed[:min(len(b.Failed), shownFailures)]
	v.Hidden = b.Fails - len(shown)
	for _, f := range shown {
		one := bulkFailure{Name: f.ID, Message: sentence(f.Message)}
		if b.Of == events.BulkJobs {
			if j, ok := u.api.Jobs.Job(f.ID); ok && c.who.MaySee(j.Username) {
				one.Name, one.Href = j.Name, "/jobs/"+f.ID
			}
		}
		v.Failures = append(v.Failures, one)
	}
	return v, nil
}

func (v bulkView) title() string { return v.Head() }

// Head says what is done with how many.
func (v bulkView) Head() string {
	verb := map[events.BulkAction]string{
		events.BulkEnable: "Enabling", events.BulkDisable: "Disabling", events.BulkRun: "Starting", events.BulkDelete: "Deleting",
		events.BulkRetry: "Retrying", events.BulkDrop: "Dropping",
	}[v.Action]
	return verb + " " + why.Count(v.Count, v.Things)
}

// Settled is how many are done or failed.
func (v bulkView) Settled() int { return v.Done + v.Fails }

// Left is how many are still to come.
func (v bulkView) Left() int { return max(0, v.Count-v.Settled()) }

// Running reports that it goes on.
func (v bulkView) Running() bool { return v.State == events.BulkRunning }
