package v2

import (
	"net/http"
	"slices"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

// Prefix is what the paths of the native API begin with.
const Prefix = "/api/v2/"

// Routes adds the calls to a router. Who calls has been authenticated before,
// and the body bounded.
func (a *API) Routes(r *mux.Router) {
	calls := wire.Calls{
		Token: func(r *http.Request) events.Token { return a.Caller(r).Token },
		Fail:  func(w http.ResponseWriter, err error) { wire.Fail(w, a.Log, err) },
	}
	for _, route := range slices.Concat(a.jobRoutes(calls), a.executionRoutes(calls), a.otherRoutes(calls)) {
		if route.method == http.MethodGet {
			route.handle = a.positioned(route.handle)
		}
		r.Handle(Prefix+route.path, route.handle).Methods(route.method)
	}
}

// route is one call.
type route struct {
	method, path string
	handle       http.Handler
}

func (a *API) jobRoutes(calls wire.Calls) []route {
	return []route{
		{http.MethodGet, "jobs", calls.Read(a.listJobs)},
		{http.MethodPost, "jobs", calls.Write(a.createJob)},
		{http.MethodPost, "jobs/bulk", calls.Write(a.answerBulk(bulkOfJobs, a.BulkJobs))},
		{http.MethodGet, "bulk/{id}", calls.Read(a.getBulk)},
		{http.MethodGet, "overview", calls.Read(a.overview)},
		{http.MethodGet, "upcoming", calls.Read(a.listUpcoming)},
		{http.MethodGet, "jobs/{job_id}", calls.Read(a.getJob)},
		{http.MethodPatch, "jobs/{job_id}", calls.Write(a.patchJob)},
		{http.MethodDelete, "jobs/{job_id}", calls.Write(a.deleteJob)},
		{http.MethodPost, "jobs/{job_id}/trigger", calls.Write(a.triggerJob)},
		{http.MethodPost, "jobs/{job_id}/enable", calls.Write(a.enableJob)},
		{http.MethodPost, "jobs/{job_id}/disable", calls.Write(a.disableJob)},
		{http.MethodGet, "jobs/{job_id}/history", calls.Read(ofJob(a, a.ListHistory))},
		{http.MethodGet, "jobs/{job_id}/history/{n}", calls.Read(a.getHistoryEntry)},
		{http.MethodGet, "jobs/{job_id}/results", calls.Read(ofJob(a, a.ListResults))},
		{http.MethodGet, "jobs/{job_id}/slots", calls.Read(ofJob(a, a.ListSlots))},
		{http.MethodGet, "jobs/{job_id}/slots/summary", calls.Read(ofJob(a, a.SummarizeSlots))},
		{http.MethodGet, "jobs/{job_id}/why", calls.Read(ofJob(a, a.ExplainJob))},
		{http.MethodGet, "jobs/{job_id}/files", calls.Read(a.findFile)},
		{http.MethodPost, "jobs/{job_id}/files/reprocess", calls.Write(a.reprocessFile)},
		{http.MethodPost, "jobs/{job_id}/files/mark", calls.Write(a.markFiles)},
		{http.MethodPost, "schedule/preview", calls.Read(a.preview)},
		{http.MethodGet, "profiles", calls.Read(a.listProfiles)},
	}
}

func (a *API) executionRoutes(calls wire.Calls) []route {
	return []route{
		{http.MethodGet, "results", calls.Read(a.listAllResults)},
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
		{http.MethodGet, "balance", calls.Read(a.balance)},
		{http.MethodGet, "balance/entries", calls.Read(a.balanceEntries)},
		{http.MethodGet, "dead-letters", calls.Read(a.listDead)},
		{http.MethodPost, "dead-letters/bulk", calls.Write(a.answerBulk(bulkOfDead, a.BulkDead))},
		{http.MethodGet, "dead-letters/{id}", calls.Read(a.getDead)},
		{http.MethodPost, "dead-letters/{id}/retry", calls.Write(a.retryDead)},
		{http.MethodDelete, "dead-letters/{id}", calls.Write(a.dropDead)},
	}
}

func (a *API) otherRoutes(calls wire.Calls) []route {
	return []route{
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
	}
}
