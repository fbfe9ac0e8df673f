package v2

import (
	"net/http"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

func (a *API) overview(http.ResponseWriter, *http.Request) error { return notYet() }

func (a *API) listUpcoming(http.ResponseWriter, *http.Request) error { return notYet() }

func (a *API) listAllResults(http.ResponseWriter, *http.Request) error { return notYet() }

func notYet() error {
	return wire.Refuse(http.StatusNotImplemented, events.Unavailable, "", "is not there yet")
}
