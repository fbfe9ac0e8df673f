package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/client"
	"spool.internal/services/importer/manifest"
)

// wanted is a job of a file, and who keeps the jobs of that.
type wanted struct {
	*manifest.Job
	managedBy string
}

// step is what is to be done with one job. It is what -o json prints.
type step struct {
	Action  string          `json:"action"` // create, change, same, prune
	Key     string          `json:"key,omitempty"`
	Name    string          `json:"name"`
	JobID   string          `json:"job_id,omitempty"`
	Status  string          `json:"status"` // as it will be
	Changes []client.Change `json:"changes"`
	Next    runs            `json:"next_runs"`
	Error   string          `json:"error,omitempty"` // why it was not done

	wanted   wanted
	body     json.RawMessage // of the request; nil: the parameters stay
	etag     string
	timezone string
	was      string // its status before
}

// runs are the next runs of a job.
type runs struct {
	Before []time.Time `json:"before"`
	After  []time.Time `json:"after"`
}

// planner finds out what is to be done.
type planner struct {
	*session
	wanted []wanted
	shadow bool
	known  map[string]row[client.Job] // by key and by id; nil: they are asked for one by one
}

// fewJobs is up to how many jobs are asked for one by one.
const fewJobs = 20

func (p *planner) plan(ctx context.Context) (steps []*step, err error) {
	if len(p.wanted) > fewJobs {
		p.known = map[string]row[client.Job]{}
		for one, err := range p.jobs(ctx, &client.ListJobsParams{}) {
			if err != nil {
				return nil, err
			}
			p.known[one.value.JobId] = one
			if key := value(one.value.Key); key != "" {
				p.known[key] = one
			}
		}
	}
	bar := p.progress("check", int64(len(p.wanted)), false)
	defer bar.end()
	var faults []error
	for _, w := range p.wanted {
		s, err := p.step(ctx, w)
		bar.add(1)
		if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status < 500 && refused.Status != http.StatusUnauthorized {
			faults = append(faults, explained(w, refused))
			continue
		}
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, &Error{Exit: Refused, error: err}
	}
	return steps, nil
}

// explained says the line of a refusal.
func explained(w wanted, refused *client.Error) error {
	if refused.Field == "" {
		return fmt.Errorf("%s: %s: %w", w.Place, cmp.Or(w.Key, w.ID), refused)
	}
	return w.Fault(refused.Field, cmp.Or(refused.Detail, refused.Message))
}

// jobs lists the caller's jobs.
func (s *session) jobs(ctx context.Context, asked *client.ListJobsParams) iter.Seq2[row[client.Job], error] {
	return pages[client.Job]("jobs", 0, func(token *string, most int) (*http.Response, error) {
		asked.PageToken, asked.Limit = token, &most
		return patiently(ctx, func() (*http.Response, error) { return s.ListJobs(ctx, asked) })
	})
}

// patiently sends a request again that the server had no time for.
func patiently(ctx context.Context, send func() (*http.Response, error)) (*http.Response, error) {
	for tries := 0; ; tries++ {
		resp, err := send()
		refused, ok := errors.AsType[*client.Error](err)
		if !ok || refused.Status != http.StatusTooManyRequests || tries == 100 || !sleep(ctx, max(refused.RetryAfter, time.Second)) {
			return resp, err
		}
	}
}

// find gives the job of a key, or of an id.
func (p *planner) find(ctx context.Context, w wanted) (one row[client.Job], found bool, err error) {
	if p.known != nil {
		one, found = p.known[cmp.Or(w.Key, w.ID)]
		if !found && w.ID != "" {
			one, found = p.known[w.ID]
		}
		return one, found, nil
	}
	if w.Key != "" {
		for one, err := range p.jobs(ctx, &client.ListJobsParams{Key: &w.Key}) {
			return one, err == nil, err
		}
	}
	if w.ID != "" {
		for one, err := range p.jobs(ctx, &client.ListJobsParams{Q: &w.ID}) {
			if err != nil || one.value.JobId == w.ID {
				return one, err == nil, err
			}
		}
		return one, false, failure(NotFound, "%s: there is no job %s: give it a key in place of the id, and it is made", w.Place, w.ID)
	}
	return one, false, nil
}

// step finds out what is to be done with one job.
func (p *planner) step(ctx context.Context, w wanted) (*step, error) {
	s := &step{Key: w.Key, Name: w.Name, wanted: w, Changes: []client.Change{}}
	have, found, err := p.find(ctx, w)
	if err != nil {
		return nil, err
	}
	if found {
		return s, p.change(ctx, s, have)
	}
	s.Action, s.Status = "create", "ENABLED"
	body := w.own(nil)
	spool := body.Inner("spool")
	if p.shadow && (w.Enabled == nil || !*w.Enabled) {
		body = body.Set("spool", spool.Set("shadow", true))
	}
	if p.shadow || w.Disabled || w.Enabled != nil && !*w.Enabled {
		s.Status = "DISABLED"
		body = body.Set("status", s.Status)
	}
	s.body = events.Encode(body)
	asked := &client.CreateJobParams{DryRun: new(client.CreateJobParamsDryRun("true"))}
	would, err := read[client.JobDetails](patiently(ctx, func() (*http.Response, error) {
		return p.CreateJobWithBody(ctx, asked, "application/json", bytes.NewReader(s.body))
	}))
	if err != nil {
		return nil, err
	}
	s.takes(would.value)
	return s, nil
}

// own is the body of a job with its key and with who keeps it, in the form in which the
// server shows it. have is what the job has now.
func (w wanted) own(have events.Object) events.Object {
	body := append(events.Object{}, w.Body...)
	if long, err := events.Lengthen(body); err == nil {
		if body = long; events.IsShort(long) {
			body = events.Shorten(long, "", "")
		}
	}
	spool := append(events.Object{}, body.Inner("spool")...)
	if w.Key != "" {
		spool = append(events.Object{{Key: "key", Value: events.Encode(w.Key)}}, spool...)
	}
	if _, said := spool.Get("managed_by"); !said && w.managedBy != "" {
		spool = spool.Set("managed_by", w.managedBy)
	}
	// What a file says nothing of and only this program sets stays.
	for _, key := range []string{"managed_by", "shadow"} {
		if was, had := have.Inner("spool").Get(key); had {
			if _, said := spool.Get(key); !said {
				spool = spool.Set(key, was)
			}
		}
	}
	if len(spool) > 0 {
		body = body.Set("spool", spool)
	}
	flow := append(events.Object{}, body.Inner("flow_parameters")...)
	if token, had := have.Inner("flow_parameters").Get("auth_token"); had && len(flow) > 0 {
		if _, said := flow.Get("auth_token"); !said {
			body = body.Set("flow_parameters", flow.Set("auth_token", token))
		}
	}
	return body
}

// change finds out what is to be changed of a job that is there.
func (p *planner) change(ctx context.Context, s *step, have row[client.Job]) error {
	j := have.value
	s.JobID, s.was, s.Status = j.JobId, string(j.Status), string(j.Status)
	if on := s.wanted.Enabled; on != nil {
		s.Status = map[bool]string{true: "ENABLED", false: "DISABLED"}[*on]
	}
	raw, err := parametersOf(have.raw)
	if err != nil {
		return err
	}
	before, err := events.ParseObject(raw)
	if err != nil {
		return err
	}
	body := s.wanted.own(before)
	if p.shadow && s.was == "DISABLED" {
		s.Status = s.was
		body = body.Set("spool", append(events.Object{}, body.Inner("spool")...).Set("shadow", true))
	}
	patch, err := patchBetween(raw, events.Encode(body))
	if err != nil {
		return err
	}
	s.Action, s.body = "same", encode(patch)
	asked := &client.PatchJobParams{DryRun: new(client.PatchJobParamsDryRun("true"))}
	would, err := read[client.JobDetails](patiently(ctx, func() (*http.Response, error) {
		return p.PatchJobWithBody(ctx, s.JobID, asked, "application/json", bytes.NewReader(s.body))
	}))
	if err != nil {
		return err
	}
	s.etag = would.header.Get("ETag")
	s.takes(would.value)
	if d := would.value.DryRun; d == nil || d.Action == "none" {
		s.body = nil
	}
	if s.body != nil || s.Status != s.was {
		s.Action = "change"
	}
	if s.Status != s.was {
		s.Changes = append(s.Changes, client.Change{Field: "status", Before: s.was, After: s.Status})
	}
	return nil
}

// takes takes in what a dry run answered.
func (s *step) takes(d client.JobDetails) {
	s.timezone = value(d.Timezone)
	if d.DryRun != nil {
		s.Changes = append(s.Changes, d.DryRun.Changes...)
		s.Next = runs{d.DryRun.NextRuns.Before, d.DryRun.NextRuns.After}
	}
}
