package v2

import (
	"net/http"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

func (a *API) explainJob(http.ResponseWriter, *http.Request) error {
	return wire.Refuse(http.StatusServiceUnavailable, events.Unavailable, "", "not served yet")
}

func (a *API) summarizeSlots(http.ResponseWriter, *http.Request) error {
	return wire.Refuse(http.StatusServiceUnavailable, events.Unavailable, "", "not served yet")
}
