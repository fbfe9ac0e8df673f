package v2

import (
	"net/http"

	"spool.internal/gateway/wire"
)

// errLater is what calls answer that are on their way.
var errLater = wire.Refuse(http.StatusNotImplemented, "", "", "this call is not there yet")

func (a *API) me(http.ResponseWriter, *http.Request) error            { return errLater }
func (a *API) createSession(http.ResponseWriter, *http.Request) error { return errLater }
func (a *API) deleteSession(http.ResponseWriter, *http.Request) error { return errLater }
func (a *API) listSessions(http.ResponseWriter, *http.Request) error  { return errLater }
func (a *API) endSession(http.ResponseWriter, *http.Request) error    { return errLater }
func (a *API) system(http.ResponseWriter, *http.Request) error        { return errLater }
