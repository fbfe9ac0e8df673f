package v2

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/jet"
	"spool.internal/gateway/change"
	"spool.internal/gateway/index"
	"spool.internal/gateway/wire"
)

// Bulks has actions on many things done. A [bulk.Runner] does.
type Bulks interface {
	Begin(ctx context.Context, b events.Bulk, items []events.BulkItem) (events.Bulk, error)
}

// Stages knows the folders that triggers take their files from. A [drive.Drives] is one.
type Stages interface {
	Stat(p events.Path) (fs.FileInfo, error)
	Mappings() []drive.Mapping
}

// Config is what the API needs. Fields without a default are required.
type Config struct {
	Bus     *jet.Bus                          // what it reads beside jobs
	Runners *jet.Bus                          // on which runners are asked; nil means Bus
	Keys    *jet.Keyring                      // the tokens
	Changes *change.Jobs                      // changes jobs
	Jobs    wire.Jobs                         // the cache of all jobs
	Index   *index.Index                      // how jobs and executions stand
	Bulks   Bulks                             // does one thing with many
	Stages  Stages                            // nil: whether the stage of a file is there shows when it is run again
	Drives  *drive.Drives                     // nil: nothing is said of files
	Zone    *time.Location                    // of jobs that name none; nil means UTC
	Caller  func(*http.Request) change.Caller // who asks
	// Position is where to follow events from so that nothing is missed that an answer
	// lacks which is made after it is asked; nil, or empty, says nothing.
	Position func() string
	Name     string       // of the installation; may be empty
	Version  string       // of the server
	Log      *slog.Logger // takes the log
}

// API is the handlers of the native API. It is safe for concurrent use.
type API struct {
	Config
	rooms rooms // of drives
}

// New makes the API.
func New(c Config) *API {
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	return &API{Config: c}
}

// Prefix is what the paths of the native API begin with.
const Prefix = "/api/v2/"

// Routes adds the calls to a router. Who calls has been authenticated before,
// and the body bounded.
func (a *API) Routes(r *mux.Router) {
	calls := wire.Calls{
		Token: func(r *http.Request) events.Token { return a.Caller(r).Token },
		Fail:  func(w http.ResponseWriter, err error) { wire.Fail(w, a.Log, err) },
	}
	for _, route := range []struct {
		method, path string
		handle       http.Handler
	}{
		{http.MethodGet, "jobs", calls.Read(a.listJobs)},
		{http.MethodPost, "jobs", calls.Write(a.createJob)},
		{http.MethodPost, "jobs/bulk", calls.Write(a.bulkJobs)},
		{http.MethodGet, "bulk/{id}", calls.Read(a.getBulk)},
		{http.MethodGet, "overview", calls.Read(a.overview)},
		{http.MethodGet, "upcoming", calls.Read(a.listUpcoming)},
		{http.MethodGet, "results", calls.Read(a.listAllResults)},
		{http.MethodGet, "jobs/{job_id}", calls.Read(a.getJob)},
		{http.MethodPatch, "jobs/{job_id}", calls.Write(a.patchJob)},
		{http.MethodDelete, "jobs/{job_id}", calls.Write(a.deleteJob)},
		{http.MethodPost, "jobs/{job_id}/trigger", calls.Write(a.triggerJob)},
		{http.MethodPost, "jobs/{job_id}/enable", calls.Write(a.enableJob)},
		{http.MethodPost, "jobs/{job_id}/disable", calls.Write(a.disableJob)},
		{http.MethodGet, "jobs/{job_id}/history", calls.Read(a.listHistory)},
		{http.MethodGet, "jobs/{job_id}/history/{n}", calls.Read(a.getHistoryEntry)},
		{http.MethodGet, "jobs/{job_id}/results", calls.Read(a.listResults)},
		{http.MethodGet, "jobs/{job_id}/slots", calls.Read(a.listSlots)},
		{http.MethodGet, "jobs/{job_id}/slots/summary", calls.Read(a.summarizeSlots)},
		{http.MethodGet, "jobs/{job_id}/why", calls.Read(a.explainJob)},
		{http.MethodGet, "jobs/{job_id}/files", calls.Read(a.findFile)},
		{http.MethodPost, "jobs/{job_id}/files/reprocess", calls.Write(a.reprocessFile)},
		{http.MethodPost, "jobs/{job_id}/files/mark", calls.Write(a.markFiles)},
		{http.MethodPost, "results/rerun", calls.Write(a.rerunMany)},
		{http.MethodPost, "results/{trigger_id}/rerun", calls.Write(a.rerun)},
		{http.MethodGet, "results/{trigger_id}", calls.Read(a.getExecution)},
		{http.MethodGet, "results/{trigger_id}/log", calls.Read(a.getLog)},
		{http.MethodHead, "results/{trigger_id}/log", calls.Read(a.getLog)},
		{http.MethodGet, "results/{trigger_id}/output", calls.Read(a.listOutput)},
		{http.MethodHead, "results/{trigger_id}/output", calls.Read(a.listOutput)},
		{http.MethodGet, "results/{trigger_id}/output/{path:(?s:.+)}", calls.Read(a.getOutputFile)},
		{http.MethodHead, "results/{trigger_id}/output/{path:(?s:.+)}", calls.Read(a.getOutputFile)},
		{http.MethodPost, "results/{trigger_id}/cancel", calls.Write(a.cancelExecution)},
		{http.MethodPost, "results/{trigger_id}/ack", calls.Write(a.acknowledge)},
		{http.MethodDelete, "results/{trigger_id}/ack", calls.Write(a.unacknowledge)},
		{http.MethodPost, "results/{trigger_id}/notices/retry", calls.Write(a.retryNotices)},
		{http.MethodPost, "schedule/preview", calls.Read(a.preview)},
		{http.MethodGet, "balance", calls.Read(a.balance)},
		{http.MethodGet, "balance/entries", calls.Read(a.balanceEntries)},
		{http.MethodGet, "profiles", calls.Read(a.listProfiles)},
		{http.MethodGet, "dead-letters", calls.Read(a.listDead)},
		{http.MethodPost, "dead-letters/bulk", calls.Write(a.bulkDead)},
		{http.MethodGet, "dead-letters/{id}", calls.Read(a.getDead)},
		{http.MethodPost, "dead-letters/{id}/retry", calls.Write(a.retryDead)},
		{http.MethodDelete, "dead-letters/{id}", calls.Write(a.dropDead)},
		{http.MethodGet, "drives", calls.Read(a.listDrives)},
		{http.MethodGet, "me", calls.Read(a.me)},
		{http.MethodPost, "session", calls.Read(a.createSession)},
		{http.MethodDelete, "session", calls.Read(a.deleteSession)},
		{http.MethodGet, "sessions", calls.Read(a.listSessions)},
		{http.MethodDelete, "sessions/{id}", calls.Read(a.endSession)},
		{http.MethodGet, "system", calls.Read(a.system)},
		{http.MethodGet, "tokens", calls.Administer(a.listTokens)},
		{http.MethodPost, "tokens", calls.Administer(a.createToken)},
		{http.MethodDelete, "tokens/{id}", calls.Administer(a.revokeToken)},
		{http.MethodGet, "subscribers", calls.Administer(a.listSubscribers)},
		{http.MethodPost, "subscribers", calls.Administer(a.createSubscriber)},
		{http.MethodDelete, "subscribers/{name}", calls.Administer(a.revokeSubscriber)},
	} {
		if route.method == http.MethodGet {
			route.handle = a.positioned(route.handle)
		}
		r.Handle(Prefix+route.path, route.handle).Methods(route.method)
	}
}

// HeaderPosition says where to follow events from after an answer.
const HeaderPosition = "Spool-Position"

// positioned adds the position of the events to answers. It is taken before anything is
// read.
func (a *API) positioned(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.Position != nil {
			if at := a.Position(); at != "" {
				w.Header().Set(HeaderPosition, at)
			}
		}
		next.ServeHTTP(w, r)
	})
}
