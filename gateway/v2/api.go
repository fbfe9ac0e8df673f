package v2

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"log/slog"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/jet"
	"spool.internal/gateway/change"
	"spool.internal/gateway/v2/problem"
)

// Jobs is the picture of all jobs that listings are read from.
type Jobs interface {
	// Refresh blocks until the picture shows all that anybody was told is stored.
	Refresh(ctx context.Context) error
	// Job finds one job.
	Job(id string) (events.Job, bool)
	// Oldest yields the jobs of one owner ("" = everybody's), oldest first,
	// beginning after the job that was created at createdNS with the given id.
	Oldest(owner string, createdNS int64, id string) iter.Seq[events.Job]
}

// Results are the last executions of jobs.
type Results interface {
	// Latest gives the last n results of a job, newest first, one for each trigger.
	Latest(ctx context.Context, jobID string, n int) ([]events.Result, error)
}

// Stages knows the folders that triggers take their files from. A [drive.Drives] is one.
type Stages interface {
	Stat(p events.Path) (fs.FileInfo, error)
	Mappings() []drive.Mapping
}

// Config is what the API needs. Fields without a default are required.
type Config struct {
	Bus     *jet.Bus                         // what it reads beside jobs
	Keys    *jet.Keyring                     // the tokens
	Changes *change.Jobs                     // changes jobs
	Jobs    Jobs                             //
	Results Results                          //
	Stages  Stages                           // nil: whoever runs a file again finds out whether its stage is there
	Drives  *drive.Drives                    // nil: nothing is said of files
	Zone    *time.Location                   // of jobs that name none; nil means UTC
	Caller  func(*http.Request) events.Token // the token that a request was let in with
	Log     *slog.Logger                     //
}

// API is the handlers of the native API. It is safe for concurrent use.
type API struct{ Config }

// New makes the API.
func New(c Config) *API {
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	return &API{c}
}

// Prefix is what the paths of the native API begin with.
const Prefix = "/api/v2/"

// Routes adds the calls to a router. Who calls has been authenticated before,
// and the body bounded.
func (a *API) Routes(r *mux.Router) {
	for _, route := range []struct {
		method, path string
		handle       handler
	}{
		{http.MethodGet, "jobs", a.listJobs},
		{http.MethodPost, "jobs", a.change(a.createJob)},
		{http.MethodGet, "jobs/{job_id}", a.getJob},
		{http.MethodPatch, "jobs/{job_id}", a.change(a.patchJob)},
		{http.MethodDelete, "jobs/{job_id}", a.change(a.deleteJob)},
		{http.MethodPost, "jobs/{job_id}/trigger", a.change(a.triggerJob)},
		{http.MethodPost, "jobs/{job_id}/enable", a.change(a.enableJob)},
		{http.MethodPost, "jobs/{job_id}/disable", a.change(a.disableJob)},
		{http.MethodGet, "jobs/{job_id}/history", a.listHistory},
		{http.MethodGet, "jobs/{job_id}/results", a.listResults},
		{http.MethodGet, "jobs/{job_id}/slots", a.listSlots},
		{http.MethodGet, "jobs/{job_id}/files", a.findFile},
		{http.MethodPost, "jobs/{job_id}/files/reprocess", a.change(a.reprocessFile)},
		{http.MethodPost, "jobs/{job_id}/files/mark", a.change(a.markFiles)},
		{http.MethodPost, "results/rerun", a.change(a.rerunMany)},
		{http.MethodPost, "results/{trigger_id}/rerun", a.change(a.rerun)},
		{http.MethodPost, "schedule/preview", a.preview},
		{http.MethodGet, "balance", a.balance},
		{http.MethodGet, "balance/entries", a.balanceEntries},
		{http.MethodGet, "profiles", a.listProfiles},
		{http.MethodGet, "dead-letters", a.listDead},
		{http.MethodPost, "dead-letters/{id}/retry", a.change(a.retryDead)},
		{http.MethodDelete, "dead-letters/{id}", a.change(a.dropDead)},
		{http.MethodGet, "drives", a.administer(a.listDrives)},
		{http.MethodGet, "tokens", a.administer(a.listTokens)},
		{http.MethodPost, "tokens", a.administer(a.createToken)},
		{http.MethodDelete, "tokens/{id}", a.administer(a.revokeToken)},
		{http.MethodGet, "subscribers", a.administer(a.listSubscribers)},
		{http.MethodPost, "subscribers", a.administer(a.createSubscriber)},
		{http.MethodDelete, "subscribers/{name}", a.administer(a.revokeSubscriber)},
	} {
		r.Handle(Prefix+route.path, a.answer(route.handle)).Methods(route.method)
	}
}

// handler writes its answer unless it returns an error.
type handler func(http.ResponseWriter, *http.Request) error

func (a *API) answer(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			Fail(w, a.Log, err)
		}
	})
}

// change lets nobody through who may only read.
func (a *API) change(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := a.who(r).MayWrite(); err != nil {
			return err
		}
		return h(w, r)
	}
}

// administer lets nobody through but administrators.
func (a *API) administer(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := a.Caller(r).MayAdminister(); err != nil {
			return err
		}
		return h(w, r)
	}
}

func (a *API) who(r *http.Request) change.Caller { return change.CallerOf(r, a.Caller(r)) }

// refusal is a fault whose HTTP status its code does not give.
type refusal struct {
	status int
	fault  *events.Error
}

func (r refusal) Error() string { return r.fault.Error() }

// Fail answers with err, and logs it when it is not the caller's doing.
func Fail(w http.ResponseWriter, log *slog.Logger, err error) {
	if errors.Is(err, context.Canceled) {
		err = events.Faultf(events.Unavailable, "", "the request was given up") // by the client, or by a server that stops
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		problem.WriteStatus(w, http.StatusRequestEntityTooLarge, events.Faultf(events.Invalid, "", "the body is longer than 256 KiB"))
		return
	}
	if r, ok := errors.AsType[refusal](err); ok {
		problem.WriteStatus(w, r.status, r.fault)
		return
	}
	switch fault, _ := errors.AsType[*events.Error](err); events.CodeOf(err) {
	case events.Conflict: // without If-Match there is no precondition that could fail
		problem.WriteStatus(w, http.StatusConflict, fault)
		return
	case events.Full, events.Unavailable:
		log.Warn("a request cannot be served now", "request_id", w.Header().Get("X-Request-Id"), "error", err.Error())
	}
	problem.Write(w, log, err)
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(events.Encode(v), '\n')) // a client that is gone has nobody to be told
}
