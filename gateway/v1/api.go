package v1

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// Results are the executions of jobs.
type Results interface {
	// LatestOf reads the last n results of each job, one for each trigger, until f answers false. f is called in any
	// order, with the index of the job and how many newer results that has.
	LatestOf(ctx context.Context, jobIDs []string, n int, f func(job, newer int, r jet.ResultBody) bool) error
}

// Config is what the API needs; every field but Elsewhere is required.
type Config struct {
	Changes *change.Jobs
	Jobs    wire.Jobs
	Results Results
	Caller  func(*http.Request) change.Caller // who asks
	Log     *slog.Logger
	// Elsewhere warns of drives that no machine serves, and of those that no one machine has.
	Elsewhere func(context.Context, *events.Parameters) []string
}

// API is the handlers of the six calls. It is safe for concurrent use.
type API struct{ Config }

// New makes the API.
func New(c Config) *API { return &API{c} }

// Prefix is the path that the six calls have in common.
const Prefix = "/api/v1/scheduler/"

// Routes adds the six calls to a router. Who calls has been authenticated
// before, and the body bounded to [wire.MaxBody].
func (a *API) Routes(r *mux.Router) {
	calls := wire.Calls{
		Token: func(r *http.Request) events.Token { return a.Caller(r).Token },
		Fail:  func(w http.ResponseWriter, err error) { Fail(w, a.Log, err) },
	}
	for _, route := range []struct {
		method, name string
		handle       http.Handler
	}{
		{http.MethodPost, "create_job", calls.Write(a.createJob)},
		{http.MethodGet, "list_jobs", calls.Read(a.listJobs)},
		{http.MethodPost, "delete_job", calls.Write(a.deleteJob)},
		{http.MethodPost, "enable_job", calls.Write(a.enableJob)},
		{http.MethodPost, "disable_job", calls.Write(a.disableJob)},
		{http.MethodPost, "trigger_job", calls.Write(a.triggerJob)},
	} {
		r.Handle(Prefix+route.name, route.handle).Methods(route.method)
	}
}
