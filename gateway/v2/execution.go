package v2

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/why"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// Execution is one execution, whole. What is not so far is zero.
type Execution struct {
	TriggerID string             `json:"trigger_id"`
	JobID     string             `json:"job_id"`
	JobName   string             `json:"job_name"`
	Kind      events.Kind        `json:"kind"`
	Slot      time.Time          `json:"slot,omitzero"`
	File      *File              `json:"file,omitempty"`
	Triggered time.Time          `json:"triggered"`
	By        string             `json:"by,omitzero"`
	Started   time.Time          `json:"started,omitzero"`
	Ended     time.Time          `json:"ended,omitzero"`
	Status    events.Status      `json:"status,omitzero"`
	Outcome   events.Outcome     `json:"outcome"`
	Why       string             `json:"why,omitzero"`
	HTTP      *events.HTTPResult `json:"http_result,omitempty"`
	FlowJobID string             `json:"flow_job_id,omitzero"`
	Attempts  int                `json:"attempts,omitzero"`
	RerunOf   string             `json:"rerun_of,omitzero"`
	Run       *Run               `json:"run,omitempty"`
	Queued    *Queued            `json:"queued,omitempty"`
	Runner    *RunnerHost        `json:"runner,omitempty"`
	Timeline  []Step             `json:"timeline"`
	Notices   []Notice           `json:"notices"`
	Ack       *Acked             `json:"ack,omitempty"`
}

// Queued is what an execution waits for whose call is still to be made.
type Queued struct {
	Reason    string    `json:"reason"`
	Calls     int       `json:"calls,omitzero"` // that have failed
	LastError string    `json:"last_error,omitzero"`
	Next      time.Time `json:"next,omitzero"`
}

// RunnerHost names the machine that has a run, and its log.
type RunnerHost struct {
	Host string `json:"host"`
}

// story is all that is stored of one execution.
type story struct {
	job      events.Job
	id       string
	result   *events.Result     // nil: its call is still to be made
	queued   *jet.QueuedTrigger // nil: it waits in no queue
	retry    *events.RetryState // of the job, when it is about this trigger
	flow     string             // the run that came of it, or would
	phases   map[events.Phase]events.RunEvent
	newest   *events.RunEvent // of the run
	told     map[events.Channel]events.RunEvent
	failed   map[events.Channel]events.RunEvent
	again    map[events.Channel]events.NoticeAgain
	ack      *events.Ack
	machines events.Machines // where its run has a place and has not ended
	now      time.Time
	zone     *time.Location // of the job
}

// GetExecution gives one execution.
func (a *API) GetExecution(ctx context.Context, who change.Caller, triggerID string, q url.Values) (Execution, error) {
	if err := wire.ReadValues(q).Err(); err != nil {
		return Execution{}, err
	}
	s, err := a.story(ctx, who, triggerID)
	if err != nil {
		return Execution{}, err
	}
	return s.show(), nil
}

func (a *API) getExecution(w http.ResponseWriter, r *http.Request) error {
	q, err := wire.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	x, err := a.GetExecution(r.Context(), a.Caller(r), triggerID(r), q)
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, x)
	return nil
}

// triggerID is the execution that a path names.
func triggerID(r *http.Request) string { return mux.Vars(r)["trigger_id"] }

// story gathers what is stored of an execution. The id names the job, and mostly the time.
func (a *API) story(ctx context.Context, who change.Caller, triggerID string) (*story, error) {
	kind, rest, _ := strings.Cut(triggerID, ":")
	jobID, rest, _ := strings.Cut(rest, ":")
	if k := events.Kind(kind); rest == "" || k != events.KindCron && k != events.KindManual && k != events.KindFile {
		return nil, noSuchResult()
	}
	rev, err := a.Changes.Find(ctx, who, jobID)
	if events.CodeOf(err) == events.NotFound {
		return nil, noSuchResult()
	}
	if err != nil {
		return nil, err
	}
	return a.storyOf(ctx, rev.Event.Job, triggerID)
}

// storyOf gathers what is stored of an execution of a job.
func (a *API) storyOf(ctx context.Context, job events.Job, triggerID string) (*story, error) {
	s := &story{job: job, id: triggerID, now: time.Now(), zone: a.Zone}
	if p, err := job.Plan(a.Zone); err == nil {
		s.zone = p.Zone
	}
	if err := a.findCall(ctx, s); err != nil {
		return nil, err
	}
	if s.result == nil && s.queued == nil {
		return nil, a.whyNone(ctx, s)
	}
	if s.flow = events.FlowJobID(s.job.Username, s.id); s.result != nil {
		s.flow = s.result.FlowJobID
	}
	return s, a.readRun(ctx, s)
}

// findCall finds the result of an execution, and its trigger where that waits.
func (a *API) findCall(ctx context.Context, s *story) error {
	since := events.TriggeredAfter(s.id)
	for range 2 { // between the two looks its call may have been answered
		r, found, err := a.Index.Find(ctx, s.job.ID, s.id)
		if err == nil && !found {
			r, found, err = a.Bus.NewestResult(ctx, s.job.ID, s.id, since)
		}
		if err != nil {
			return err
		}
		if found {
			s.result = &r
		}
		if found && r.Status == events.OK {
			return nil // a finished trigger may be seen in its queue for a while
		}
		q, waits, err := a.Bus.QueuedTrigger(ctx, s.job.ID, s.id, since)
		if err != nil {
			return err
		}
		if waits && (!found || q.Stored.After(r.TriggeredAt)) { // else it is about to leave its queue
			s.result, s.queued = nil, &q
			return a.readRetry(ctx, s)
		}
		if found {
			return nil
		}
	}
	return nil
}

// readRetry reads whether the call of a trigger has failed and will be made again.
func (a *API) readRetry(ctx context.Context, s *story) error {
	states, err := a.Bus.JobStates(ctx, s.job.ID)
	if retry := states.Retry; err == nil && retry != nil && retry.TriggerID == s.id {
		s.retry = retry
	}
	return err
}

// whyNone says why there is no execution.
func (a *API) whyNone(ctx context.Context, s *story) error {
	fault := noSuchResult()
	err := a.Bus.Verdicts(s.job.ID).Since(ctx, events.TriggeredAfter(s.id), func(m jet.Entry[events.Verdict]) bool {
		if v, err := m.Value(); err == nil && v.TriggerID == s.id {
			fault = events.Faultf(events.NotFound, "trigger_id", "led to no execution: %s", strings.TrimSuffix(string(v.Verdict)+": "+v.Reason, ": "))
		}
		return true
	})
	if err != nil {
		return err
	}
	return fault
}

// readRun reads what the run of an execution has said, who was told of its end, and who has
// acknowledged it.
func (a *API) readRun(ctx context.Context, s *story) error {
	s.phases = map[events.Phase]events.RunEvent{}
	s.told, s.failed, s.again = map[events.Channel]events.RunEvent{}, map[events.Channel]events.RunEvent{}, map[events.Channel]events.NoticeAgain{}
	err := a.Bus.Ack(s.job.ID, s.id).LastEach(ctx, func(m jet.Entry[events.Ack]) {
		if ack, err := m.Value(); err == nil {
			s.ack = &ack
		}
	})
	if err != nil || !events.IsToken(s.flow) {
		return err
	}
	var run jet.View[events.RunEvent]
	for _, phase := range []events.Phase{events.Accepted, events.Started, events.Retrying, events.Cancelling, events.Ended} {
		run = run.And(a.Bus.Run(phase, s.job.ID, s.flow))
	}
	var again jet.View[events.NoticeAgain]
	for _, channel := range events.Channels {
		run = run.And(a.Bus.RunTold(s.job.ID, s.flow, channel), a.Bus.RunUndelivered(s.job.ID, s.flow, channel))
		again = again.And(a.Bus.NoticeAgain(s.job.ID, s.flow, channel))
	}
	newest := uint64(0)
	err = run.LastEach(ctx, func(m jet.Entry[events.RunEvent]) {
		ev, err := m.Value()
		switch {
		case err != nil:
		case ev.Phase == events.Told:
			s.told[ev.Channel] = ev
		case ev.Phase == events.Undelivered:
			s.failed[ev.Channel] = ev
		default:
			if s.phases[ev.Phase] = ev; m.Sequence > newest {
				newest, s.newest = m.Sequence, &ev
			}
		}
	})
	if err == nil && s.newest != nil && s.newest.Place != "" && s.newest.Phase != events.Ended {
		s.machines, err = a.Bus.Machines(ctx)
	}
	if err != nil {
		return err
	}
	return again.LastEach(ctx, func(m jet.Entry[events.NoticeAgain]) {
		if n, err := m.Value(); err == nil {
			s.again[n.Channel] = n
		}
	})
}

// outcome is how the execution stands.
func (s *story) outcome() events.Outcome {
	switch {
	case s.result != nil:
		return s.result.OutcomeNow(s.newest, s.now)
	case s.newest != nil && s.newest.Phase != events.Cancelling: // accepted, and the answer is on its way
		return s.newest.Judged()
	case s.retry != nil && s.newest == nil:
		return events.OutcomeRetrying
	}
	return events.OutcomeWaiting
}

// ended is when it ended; zero while it goes on.
func (s *story) ended() time.Time {
	if s.result == nil {
		return time.Time{}
	}
	return events.EndOf(*s.result, s.newest)
}

// show puts a story into the shape of the answer.
func (s *story) show() Execution {
	x := Execution{TriggerID: s.id, JobID: s.job.ID, JobName: s.job.Name, FlowJobID: s.flow, Outcome: s.outcome(), Timeline: s.timeline(), Notices: s.notices()}
	if run := s.run(); run != nil {
		x.Run = run
	}
	if started, ok := s.phases[events.Started]; ok && started.Process != nil {
		x.Runner = &RunnerHost{started.Process.Host}
	}
	if s.ack != nil && s.ack.Covers(s.ended()) {
		x.Ack = &Acked{s.ack.By, s.ack.At.UTC(), s.ack.Note}
	}
	if s.result == nil {
		s.showQueued(&x)
		return x
	}
	shown := showResult(*s.result, nil)
	x.Kind, x.Slot, x.File, x.Triggered = shown.Kind, shown.Slot, shown.File, shown.Triggered
	x.Started, x.Ended, x.Status, x.HTTP = shown.Started, shown.Ended, shown.Status, &shown.HTTP
	x.Attempts, x.RerunOf, x.Why = shown.Attempts, shown.RerunOf, shown.Why
	if s.newest != nil && x.Outcome != events.OutcomeCancelled || s.newest != nil && s.newest.Phase == events.Ended {
		x.Why = s.newest.Why
	}
	if x.Run != nil && x.Run.machine != "" {
		x.Why = x.Run.machine
	}
	return x
}

// run is what the runner says, in the form of the lists; nil where it has said nothing.
func (s *story) run() *Run {
	r := &Run{State: "pending"}
	for _, phase := range []events.Phase{events.Accepted, events.Started, events.Retrying, events.Ended} {
		if ev, ok := s.phases[phase]; ok {
			r.add(ev)
		}
	}
	if r.newest == nil {
		return nil
	}
	for _, channel := range events.Channels {
		if ev, ok := s.failed[channel]; ok {
			r.add(ev)
		}
	}
	if s.result != nil && s.job.Status == events.Disabled {
		r.pause(*s.result)
	}
	if r.State != "ended" && r.Waits == "" {
		r.await(s.machines)
	}
	return r
}

// showQueued shows a trigger whose call is still to be made.
func (s *story) showQueued(x *Execution) {
	t := s.queued.Trigger
	x.Kind, x.Triggered, x.By, x.RerunOf = t.Kind, s.queued.Stored.UTC(), t.By, t.RerunOf
	if t.Kind == events.KindCron {
		x.Slot = t.Minute.Time()
	}
	x.File = showFile(t.File)
	q := &Queued{Reason: "it is called when it is its turn"}
	facts := why.Facts{Kind: t.Kind, TriggerID: s.id, Triggered: x.Triggered, By: t.By, Slot: x.Slot, Verdict: why.Queued}
	switch {
	case s.newest != nil && s.newest.Phase == events.Cancelling:
		q.Reason = s.newest.Message + ": it ends before it is called"
	case s.newest != nil:
		q.Reason = "its run was accepted, and the answer is being stored"
	case s.queued.Paused, s.job.Status == events.Disabled && t.Kind != events.KindManual:
		q.Reason = events.WhyPaused
	case s.retry != nil:
		if q.Reason = "its call failed, and is made again"; s.retry.Attempt == 0 {
			q.Reason = s.retry.LastError // it has not been called yet
		}
		q.Calls, q.LastError, q.Next = s.retry.Attempt, s.retry.LastError, s.retry.Next.UTC()
		facts.Attempts, facts.LastError, facts.Next = q.Calls, q.LastError, q.Next
	}
	x.Queued, x.Why = q, q.Reason
	if s.newest == nil && q.Reason != events.WhyPaused {
		x.Why = why.At{Now: s.now, Zone: s.zone}.Execution(facts).Sentence
	}
	if _, err := uuid.Parse(x.FlowJobID); s.newest == nil || s.newest.Phase == events.Cancelling || err != nil {
		x.FlowJobID = "" // no run has it yet
	}
}
