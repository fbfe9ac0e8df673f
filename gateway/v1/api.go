package v1

import (
	"context"
	"iter"
	"log/slog"
	"net/http"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/change"
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

// Results are the executions of jobs.
type Results interface {
	// LatestOf reads the last n results of each job, newest first, one for each trigger.
	LatestOf(ctx context.Context, jobIDs []string, n int) ([][]jet.Entry[events.Result], error)
}

// Config is what the API needs; every field is required.
type Config struct {
	Changes *change.Jobs
	Jobs    Jobs
	Results Results
	Caller  func(*http.Request) events.Token // the token that a request was let in with
	Log     *slog.Logger
}

// API is the handlers of the six calls. It is safe for concurrent use.
type API struct{ Config }

// New makes the API.
func New(c Config) *API { return &API{c} }

// MaxBody is the longest request body, in bytes.
const MaxBody = 256 << 10

// Prefix is the path that the six calls have in common.
const Prefix = "/api/v1/scheduler/"

// Routes adds the six calls to a router. Who calls has been authenticated
// before, and the body bounded to [MaxBody].
func (a *API) Routes(r *mux.Router) {
	for _, route := range []struct {
		method, name string
		handle       handler
	}{
		{http.MethodPost, "create_job", a.change(a.createJob)},
		{http.MethodGet, "list_jobs", a.listJobs},
		{http.MethodPost, "delete_job", a.change(a.deleteJob)},
		{http.MethodPost, "enable_job", a.change(a.enableJob)},
		{http.MethodPost, "disable_job", a.change(a.disableJob)},
		{http.MethodPost, "trigger_job", a.change(a.triggerJob)},
	} {
		r.Handle(Prefix+route.name, a.answer(route.handle)).Methods(route.method)
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

func (a *API) who(r *http.Request) change.Caller { return change.CallerOf(r, a.Caller(r)) }
