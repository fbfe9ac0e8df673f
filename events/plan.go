package events

import (
	"time"

	"spool.internal/events/schedule"
)

// Plan is what a stored job does and when: its parameters, read once. Whoever keeps a
// job keeps its plan and hands that on.
//
//	plan, err := job.Plan(zone)
//	next := plan.Slots.Next(time.Now())
type Plan struct {
	*Parameters                    // secrets are masked
	Zone        *time.Location     // of the job's times
	Slots       *schedule.Schedule // nil: the job watches a folder
}

// Plan reads the parameters of a stored job. zone is that of jobs that name none; nil
// is UTC. An error says that another version stored them: every fault is an [Error] of
// code Invalid that names the field.
func (j *Job) Plan(zone *time.Location) (*Plan, error) {
	p, err := j.read()
	if err != nil {
		return nil, err
	}
	return p.Plan(zone)
}

// Plan makes the plan of parameters that have been read already.
func (p *Parameters) Plan(zone *time.Location) (*Plan, error) {
	slots, err := p.When().Slots(zone)
	if err != nil {
		return nil, Faultf(Invalid, "schedule", "%s", err.Error())
	}
	if slots != nil {
		zone = slots.Location()
	} else {
		zone = p.Zone(zone)
	}
	return &Plan{Parameters: p, Zone: zone, Slots: slots}, nil
}

// read takes a stored job's parameters apart. They were checked when they came in.
func (j *Job) read() (*Parameters, error) {
	o, err := splitObject(j.Parameters, "job_parameters")
	if err != nil {
		return nil, err
	}
	return ReadParameters(o)
}

// When is when a job runs, in the words of its client. Jobs that are alike in it have
// the same slots. The zero value is that of a job that watches a folder.
type When struct {
	Schedule string `json:"schedule"`
	Timezone string `json:"timezone,omitzero"` // empty: the server's
}

// When is when the job runs.
func (p *Parameters) When() When {
	if p.Spooled {
		return When{}
	}
	return When{p.Schedule, p.Options.Timezone}
}

// Slots parses the schedule, in the zone of the server unless it names one; nil is UTC.
// It is nil for a job that watches a folder.
func (w When) Slots(zone *time.Location) (*schedule.Schedule, error) {
	if w.Schedule == "" {
		return nil, nil
	}
	if w.Timezone != "" {
		var err error
		if zone, err = schedule.LoadLocation(w.Timezone); err != nil {
			return nil, err
		}
	}
	if zone == nil {
		zone = time.UTC
	}
	return schedule.ParseAny(w.Schedule, zone)
}

// Zone is the zone of a job's times: the server's, unless it names one; nil is UTC.
func (p *Parameters) Zone(server *time.Location) *time.Location {
	if name := p.Options.Timezone; name != "" {
		if zone, err := schedule.LoadLocation(name); err == nil { // else it was stored with another database of zones
			return zone
		}
	}
	if server == nil {
		return time.UTC
	}
	return server
}

// Timing is the part of a job's plan that decides about its slots.
type Timing struct {
	When
	CatchUp CatchUp
	Shadow  bool // of a disabled job: its slots are decided, and run nothing
}

// Timing reads that part alone and checks nothing else: for who holds very many jobs
// and asks nothing but when they run. It agrees with [Job.Plan] where that succeeds.
func (j *Job) Timing() (t Timing, err error) {
	o, err := splitObject(j.Parameters, "job_parameters")
	if err != nil {
		return Timing{}, err
	}
	r := reader{o: o}
	spool := r.object("spool", false)
	t.CatchUp = spool.catchUp()
	t.Shadow = spool.boolean("shadow", false)
	if t.Schedule, _ = r.slots(r.object("flow_parameters", false).object("settings", false)); t.Schedule != "" {
		t.Timezone = spool.text("timezone")
	}
	if err := r.err(); err != nil {
		return Timing{}, err
	}
	return t, nil
}

// slots reads the schedule, which means nothing in automatic mode.
func (r *reader) slots(settings *reader) (schedule string, spooled bool) {
	if spooled = settings.boolean("spooled_mode", false); spooled {
		return "", true
	}
	return r.required("schedule"), false
}

func (r *reader) catchUp() CatchUp {
	return oneOf(r, "catch_up", CatchUpLatest, CatchUpNone, CatchUpAll)
}
