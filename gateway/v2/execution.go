package v2

import (
	"net/http"

	"spool.internal/gateway/wire"
)

// unbuilt answers to a call that is described and not built yet.
func (a *API) unbuilt(http.ResponseWriter, *http.Request) error {
	return wire.Refuse(http.StatusNotImplemented, "", "", "this call is not built yet")
}
