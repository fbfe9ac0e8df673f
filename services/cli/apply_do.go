package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"spool.internal/events/sorting"
	"spool.internal/gateway/client"
)

// planPrune adds the jobs that are to be deleted.
func (a *apply) planPrune(ctx context.Context, p *planner, steps *[]*step) error {
	kept := map[string]bool{}
	for _, s := range *steps {
		kept[s.JobID] = true
	}
	total := 0
	var gone []*step
	for one, err := range p.jobs(ctx, &client.ListJobsParams{ManagedBy: &a.prune}) {
		if err != nil {
			return err
		}
		j := one.value
		total++
		if key := value(j.Key); key != "" && !kept[j.JobId] && value(j.ManagedBy) == a.prune {
			gone = append(gone, &step{Action: "prune", Key: key, Name: j.Name, JobID: j.JobId, Status: string(j.Status), Changes: []client.Change{}})
		}
	}
	if 2*len(gone) > total && !a.mass {
		return failure(Refused, "prune: %d of the %d jobs with managed_by %q would be deleted, which is more than half: "+
			"give --allow-mass-delete if that is what you mean", len(gone), total, a.prune)
	}
	*steps = append(*steps, gone...)
	return nil
}

// tell says what would be done.
func (a *apply) tell(s *session, steps []*step) error {
	if err := report(s, steps); err != nil {
		return err
	}
	differs := slices.ContainsFunc(steps, func(one *step) bool { return one.Action != "same" })
	if differs && !a.quiet {
		return &Error{Exit: Failed, Silent: true, error: errors.New("jobs would be made or changed")}
	}
	return nil
}

// report prints steps, in the form that was asked for.
func report(s *session, steps []*step) error {
	if !s.out.plain() {
		if s.out.form == "name" {
			for _, one := range steps {
				if err := s.out.line("%s", clean(cmp.Or(one.Key, one.JobID))); err != nil {
					return err
				}
			}
			return nil
		}
		if steps == nil {
			steps = []*step{}
		}
		return s.out.data(encode(steps))
	}
	for _, one := range steps {
		if err := one.print(s.out); err != nil {
			return err
		}
	}
	return nil
}

var signs = map[string]string{"create": "+", "change": "~", "same": "=", "prune": "-"}

// print prints a step for people: what is done, and how its next runs change.
func (one *step) print(p *printer) error {
	head := fmt.Sprintf("%s %s  %s", signs[one.Action], cmp.Or(one.Key, one.JobID), clean(one.Name))
	switch one.Action {
	case "create":
		head += "  (" + strings.ToLower(one.Status) + ")"
	case "change":
		var fields []string
		for _, c := range one.Changes {
			fields = append(fields, c.Field)
		}
		head += "  (" + strings.Join(fields, ", ") + ")"
	}
	if err := p.line("%s", head); err != nil {
		return err
	}
	if one.Error != "" {
		return p.line("    not done: %s", clean(one.Error))
	}
	if one.Action == "same" || one.Action == "prune" {
		return nil
	}
	for _, line := range one.Next.lines(func(t time.Time) string { return p.wall(t, one.timezone) }) {
		if err := p.line("    %s", line); err != nil {
			return err
		}
	}
	return nil
}

// lines shows the runs before and after in one list: what goes has a -, what comes a +.
// A run behind the last of the other side is not known to come or go.
func (r runs) lines(shown func(time.Time) string) (all []string) {
	if slices.EqualFunc(r.Before, r.After, time.Time.Equal) {
		return nil
	}
	times := slices.Concat(r.Before, r.After)
	sorting.By(times, time.Time.Compare)
	times = slices.CompactFunc(times, time.Time.Equal)
	in := func(list []time.Time, t time.Time) bool { return slices.ContainsFunc(list, t.Equal) }
	ends := func(list []time.Time, t time.Time) bool { return len(list) > 0 && t.After(list[len(list)-1]) }
	for _, t := range times {
		switch was, is := in(r.Before, t), in(r.After, t); {
		case was && is, was && ends(r.After, t), is && ends(r.Before, t):
			if is {
				all = append(all, "  "+shown(t))
			}
		case was:
			all = append(all, "- "+shown(t))
		default:
			all = append(all, "+ "+shown(t))
		}
	}
	return all
}

// do does the steps, one after the other. Each is a request that is stored or not; what is
// done stays done when a later one fails.
func (a *apply) do(ctx context.Context, p *planner, steps []*step) error {
	var gone []string
	for _, one := range steps {
		if one.Action == "prune" {
			gone = append(gone, one.Key+"  "+one.Name)
		}
	}
	if len(gone) > 0 {
		if err := a.agree(p.session, fmt.Sprintf("Delete %d jobs", len(gone)), len(gone), gone); err != nil {
			return err
		}
	}
	done := 0
	var first error
	for _, one := range steps {
		err := p.do(ctx, one)
		switch {
		case err == nil && one.Action != "same":
			done++
		case err != nil:
			one.Error = p.explain(err).Error()
			if first == nil {
				first = p.explain(err)
			}
		}
		if p.out.plain() {
			if err := one.print(p.out); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if !p.out.plain() {
		if err := report(p.session, steps); err != nil {
			return err
		}
	}
	if first != nil && done > 0 {
		return failure(Partly, "not all was done; apply it again to do the rest: %w", first)
	}
	return first
}

// triesOfStep is how often a step is decided again because the job was changed meanwhile.
const triesOfStep = 5

func (p *planner) do(ctx context.Context, s *step) error {
	for tries := 1; ; tries++ {
		err := p.once(ctx, s)
		refused, ok := errors.AsType[*client.Error](err)
		lost := ok && (refused.Status == http.StatusPreconditionFailed || refused.Status == http.StatusConflict && s.Action == "create")
		if !lost || tries == triesOfStep || s.Action == "prune" {
			return err
		}
		p.known = nil // somebody else was first: look again
		again, err := p.step(ctx, s.wanted)
		if err != nil {
			return err
		}
		*s = *again
	}
}

func (p *planner) once(ctx context.Context, s *step) error {
	switch s.Action {
	case "create":
		asked := &client.CreateJobParams{IdempotencyKey: new(uuid.NewString())}
		made, err := read[client.JobDetails](patiently(ctx, func() (*http.Response, error) {
			return p.CreateJobWithBody(ctx, asked, "application/json", bytes.NewReader(s.body))
		}))
		s.JobID = made.value.JobId
		return err
	case "change":
		return p.store(ctx, s)
	case "prune":
		return p.remove(ctx, s)
	}
	return nil
}

// store changes the parameters of a job, and then whether it is enabled.
func (p *planner) store(ctx context.Context, s *step) error {
	if s.body != nil {
		asked := &client.PatchJobParams{IfMatch: given(s.etag)}
		_, err := read[client.JobDetails](patiently(ctx, func() (*http.Response, error) {
			return p.PatchJobWithBody(ctx, s.JobID, asked, "application/json", bytes.NewReader(s.body))
		}))
		if err != nil {
			return err
		}
	}
	var err error
	switch {
	case s.Status == s.was:
	case s.Status == "ENABLED":
		_, err = read[client.JobDetails](patiently(ctx, func() (*http.Response, error) { return p.EnableJob(ctx, s.JobID) }))
	default:
		body := client.DisableJobJSONRequestBody{Reason: new("as " + s.wanted.Place + " says")}
		_, err = read[client.JobDetails](patiently(ctx, func() (*http.Response, error) { return p.DisableJob(ctx, s.JobID, body) }))
	}
	return err
}

// remove deletes a job that is still whom it was taken for.
func (p *planner) remove(ctx context.Context, s *step) error {
	now, err := read[client.JobDetails](patiently(ctx, func() (*http.Response, error) { return p.GetJob(ctx, s.JobID) }))
	if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status == http.StatusNotFound {
		return nil // somebody else has deleted it
	}
	if err != nil {
		return err
	}
	if value(now.value.Key) != s.Key {
		return failure(Refused, "it has another key by now")
	}
	etag := now.header.Get("ETag")
	_, err = read[any](patiently(ctx, func() (*http.Response, error) {
		return p.DeleteJob(ctx, s.JobID, &client.DeleteJobParams{IfMatch: &etag})
	}))
	return err
}
