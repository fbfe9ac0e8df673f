package v2

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/index"
	"spool.internal/gateway/wire"
)

// someNamed is how many failing jobs and folders an overview names by default.
const someNamed = 10

// Overview is how the jobs of an owner stand, and what comes next.
type Overview struct {
	Now       time.Time     `json:"now"`
	Jobs      int           `json:"jobs"`
	States    []stateCount  `json:"states"`
	Next      []starts      `json:"next"`
	Failing   []failing     `json:"failing"`
	Folders   folders       `json:"folders"`
	Retrying  retryingCalls `json:"retrying"`
	Dead      counted       `json:"dead_letters"`
	Missed    counted       `json:"missed"`
	KnownFrom time.Time     `json:"known_from"`
}

type stateCount struct {
	State  string `json:"state"`
	Count  int    `json:"count"`
	Filter string `json:"filter"`
}

type starts struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Starts int       `json:"starts"`
	Filter string    `json:"filter"`
}

type failing struct {
	jobName
	Outcome   events.Outcome `json:"outcome"`
	Since     time.Time      `json:"since"`
	Why       string         `json:"why,omitzero"`
	TriggerID string         `json:"trigger_id"`
}

// jobName names a job.
type jobName struct {
	ID       string `json:"job_id"`
	Name     string `json:"name"`
	Username string `json:"username"`
}

type folders struct {
	States map[events.FolderState]int `json:"states"`
	Away   []away                     `json:"away"`
	Oldest *oldestPending             `json:"oldest_pending,omitempty"`
}

type away struct {
	jobName
	Watch *events.WatchState `json:"watch"`
}

type oldestPending struct {
	jobName
	Since   time.Time `json:"since"`
	Pending int       `json:"pending"`
}

type retryingCalls struct {
	Jobs      int       `json:"jobs"`
	Calls     int       `json:"calls"`
	Next      time.Time `json:"next,omitzero"`
	LastError string    `json:"last_error,omitzero"`
	Filter    string    `json:"filter"`
}

type counted struct {
	Count  int    `json:"count"`
	Filter string `json:"filter"`
}

// escape writes a value into a query as people do: times and commas stay as they are.
func escape(s string) string {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC().Format(time.RFC3339)
	}
	return url.QueryEscape(s)
}

func (a *API) overview(w http.ResponseWriter, r *http.Request) error {
	q, err := wire.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	o, err := a.Overview(r.Context(), a.Caller(r), q)
	if err == nil {
		wire.Write(w, http.StatusOK, o)
	}
	return err
}

// Overview says how jobs stand. Unlike a list it does not wait for the cache: what was
// changed a moment ago may not count yet. With an error of code Unavailable it says what is
// known without the store.
func (a *API) Overview(ctx context.Context, who change.Caller, values url.Values) (Overview, error) {
	q := wire.ReadValues(values, "username", "limit")
	some := q.Limit(someNamed)
	if q.Err() != nil {
		return Overview{}, q.Err()
	}
	username := q.Text("username")
	owner, err := who.OwnerFor(username)
	if err != nil {
		return Overview{}, err
	}
	now := time.Now()
	o := a.Index.Overview(owner, some, now)
	shown := Overview{
		Now: now.UTC(), Jobs: o.Jobs, States: []stateCount{}, Failing: []failing{}, KnownFrom: o.KnownFrom,
		Retrying: retryingCalls{Jobs: o.Retrying, Calls: o.Calls, Next: o.Next, Filter: filterPath("jobs", username, "state", string(events.OutcomeRetrying))},
		Missed:   counted{o.Missed, filterPath("jobs", username, "had", string(events.VerdictMissed))},
		Dead:     counted{0, filterPath("dead-letters", username)},
		Folders:  folders{States: o.Folders, Away: []away{}},
	}
	for _, state := range index.States {
		if n := o.States[state]; n > 0 {
			shown.States = append(shown.States, stateCount{state, n, filterPath("jobs", username, "state", state)})
		}
	}
	for i, n := range o.Starts {
		from := (o.Minute + 1).Time().Add(time.Duration(i) * index.PartLength)
		to := from.Add(index.PartLength)
		shown.Next = append(shown.Next, starts{from, to, n, filterPath("upcoming", username, "from", from.Format(time.RFC3339), "to", to.Format(time.RFC3339))})
	}
	if err := a.name(ctx, &shown, o); err != nil {
		return shown, err
	}
	shown.Dead.Count, err = a.countDead(ctx, owner)
	return shown, err
}

// name adds the jobs that an overview names, and what is read of them.
func (a *API) name(ctx context.Context, shown *Overview, o index.Overview) error {
	failures, err := a.failures(ctx, o.Failing)
	if err != nil {
		return err
	}
	for _, f := range o.Failing {
		told, read := failures[f.Seq]
		if name, ok := a.nameOf(f.JobID); ok && read {
			shown.Failing = append(shown.Failing, failing{name, f.Outcome, f.Since, told.why, told.trigger})
		}
	}
	if oldest := o.Oldest; oldest != nil {
		if name, ok := a.nameOf(oldest.JobID); ok {
			shown.Folders.Oldest = &oldestPending{name, oldest.Since, oldest.Pending}
		}
	}
	said := o.Away
	if o.NextOf != "" {
		said = append(said, o.NextOf)
	}
	if len(said) == 0 {
		return nil
	}
	states, err := a.Bus.StatesOf(ctx, said)
	for _, id := range o.Away {
		if name, ok := a.nameOf(id); ok && states[id].Watch != nil {
			shown.Folders.Away = append(shown.Folders.Away, away{name, states[id].Watch})
		}
	}
	if s := states[o.NextOf].Retry; s != nil {
		shown.Retrying.LastError = s.LastError
	}
	return err
}

func (a *API) nameOf(id string) (jobName, bool) {
	j, ok := a.Jobs.Job(id)
	return jobName{id, j.Name, j.Username}, ok
}

// countDead counts the dead letters of the jobs of an owner.
func (a *API) countDead(ctx context.Context, owner string) (n int, err error) {
	counts, err := a.Bus.DeadByJob(ctx)
	for id, count := range counts {
		if of, ok := a.Index.OwnerOf(id); ok && (owner == "" || owner == of) {
			n += count
		}
	}
	return n, err
}

// Standing counts what waits for a person: the caller's jobs that fail, and their dead
// letters.
func (a *API) Standing(ctx context.Context, who change.Caller) (failing, dead int, err error) {
	failing = a.Index.Overview(who.Owner, 0, time.Now()).States[index.StateFailing]
	dead, err = a.countDead(ctx, who.Owner)
	return failing, dead, err
}
