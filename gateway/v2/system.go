package v2

import (
	"net/http"

	"spool.internal/gateway/wire"
)

// errLater is what calls answer that are on their way.
var errLater = wire.Refuse(http.StatusNotImplemented, "", "", "this call is not there yet")

func (a *API) system(http.ResponseWriter, *http.Request) error { return errLater }
