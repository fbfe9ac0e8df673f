package v2

import (
	"net/http"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

func soon(http.ResponseWriter, *http.Request) error {
	return wire.Refuse(http.StatusNotImplemented, events.Unavailable, "", "this call is described, and not answered yet")
}

func (a *API) bulkJobs(w http.ResponseWriter, r *http.Request) error { return soon(w, r) }
func (a *API) bulkDead(w http.ResponseWriter, r *http.Request) error { return soon(w, r) }
func (a *API) getBulk(w http.ResponseWriter, r *http.Request) error  { return soon(w, r) }
func (a *API) getDead(w http.ResponseWriter, r *http.Request) error  { return soon(w, r) }
