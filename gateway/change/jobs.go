package change

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/seal"
)

// Store is where changes go. A [jet.Bus] is one.
type Store interface {
	Job(ctx context.Context, id string) (events.JobRevision, error)
	LastJob(ctx context.Context, id string) (rev events.JobRevision, found bool, err error)
	PutKeyedJob(ctx context.Context, ev events.JobEvent, expect uint64, was string) (uint64, error)
	Triggered(ctx context.Context, kind events.Kind, t events.Trigger) (bool, error)
	JobOfKey(ctx context.Context, owner, key string) (jobID string, err error)
	PutTrigger(ctx context.Context, kind events.Kind, t events.Trigger) (uint64, error)
}

// Sealer knows the key that secrets are sealed with, and the one with which
// gateways close what they show to operators alone. A [jet.Keyring] is one.
type Sealer interface {
	SealKey() (seal.PublicKey, bool)
	ShownKey() (*seal.Shared, bool)
}

// Owners holds owners to their quotas.
type Owners interface {
	// Charge makes sure that an owner may have so much more for a job, which counts
	// until settle says what came of it.
	Charge(owner, jobID string, jobs int, bytes int64) (settle func(events.JobRevision, error), err error)
	// Enqueue makes sure that one more trigger of an owner may wait.
	Enqueue(ctx context.Context, owner string) error
}

// Folders knows where logical paths lie on this host. A [drive.Drives] is one.
type Folders interface {
	HostPath(p events.Path) string
}

// Jobs changes jobs. Every field but Owners, Folders, Untracked, MailDomains, BuiltIn, HostDrives, Drives, Place and Runners is required.
type Jobs struct {
	Store       Store
	Sealer      Sealer
	Owners      Owners             // nil: there are no quotas
	Folders     Folders            // nil: where paths lead is not known here
	Untracked   bool               // it is not known how runs end
	MailDomains events.MailDomains // that notification_emails may go to
	BuiltIn     BuiltIn            // nil: it is
	HostDrives  HostDrives         // nil: no folder of the host can become a drive
	Drives      Drives             // needed with HostDrives
	Place       string             // whose host has those folders; empty = all have the same
	Runners     Runners            // nil: no profiles are declared
	Log         *slog.Logger

	dry bool // nothing is stored
}

// Dry gives what decides as j does, by the same rules, and stores nothing: a job that it
// makes or changes is as it would be. It is for Native, Draft, Create and Patch.
func (j *Jobs) Dry() *Jobs {
	dry := *j
	dry.dry = true
	return &dry
}

// Caller is who asks, and from where.
type Caller struct {
	events.Token
	From string // address
	Bulk string // the action on many jobs that it is part of; empty = of none

	itself bool // nobody asks: Spool does by itself what was asked for before
}

// CallerOf is the caller of a request that was let in with a token.
func CallerOf(r *http.Request, t events.Token) Caller {
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = r.RemoteAddr
	}
	return Caller{Token: t, From: from}
}

// event says who changes a job, when and from where.
func (c Caller) event(change events.Change, job events.Job) events.JobEvent {
	return events.JobEvent{Event: change, By: c.Owner, At: time.Now().UTC(), From: c.From, Bulk: c.Bulk, Job: job}
}

// Find reads a job that exists for the caller, from the leader.
func (j *Jobs) Find(ctx context.Context, who Caller, id string) (events.JobRevision, error) {
	if !isJobID(id) {
		return events.JobRevision{}, NoSuchJob()
	}
	rev, err := j.Store.Job(ctx, id)
	if err == nil && !who.MaySee(rev.Event.Job.Username) {
		err = NoSuchJob()
	}
	return rev, err
}

// Reaches says why a caller may not have a job that is stored do something:
// it goes on by itself with the paths that it has, but who asks must reach them.
func (c Caller) Reaches(job events.Job) error {
	access := c.Access()
	if access.All {
		return nil
	}
	p, err := job.Plan(nil)
	if err != nil {
		return fmt.Errorf("parameters of job %s: %s", job.ID, err) //nolint:errorlint // is no fault of the caller's
	}
	return access.CheckJob(p.Parameters)
}

// isJobID keeps everything else out of subjects, where "*" and ">" have a meaning.
func isJobID(s string) bool {
	id, err := uuid.Parse(s)
	return err == nil && id.String() == s
}

// NoSuchJob deliberately does not reveal whether the job exists.
func NoSuchJob() error { return events.Faultf(events.NotFound, "job_id", "no such job") }
