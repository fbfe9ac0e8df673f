package v2

import (
	"net/http"
	"net/url"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// Me is who asks, and whom.
type Me struct {
	Owner  string      `json:"owner"`
	Role   events.Role `json:"role"`
	Token  Token       `json:"token"`
	Server Server      `json:"server"`
}

// Server is what a server says of itself to everybody who may ask.
type Server struct {
	Name    string    `json:"name,omitzero"`
	Version string    `json:"version"`
	Time    time.Time `json:"time"`
	Zone    string    `json:"timezone"`
}

func (a *API) me(w http.ResponseWriter, r *http.Request) error {
	q, err := wire.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	m, err := a.WhoAmI(a.Caller(r), q)
	if err == nil {
		wire.Write(w, http.StatusOK, m)
	}
	return err
}

// WhoAmI says who a caller is, and whom it asks.
func (a *API) WhoAmI(who change.Caller, q url.Values) (Me, error) {
	if q := wire.ReadValues(q); q.Err() != nil {
		return Me{}, q.Err()
	}
	return Me{who.Owner, who.Role, showToken(who.Token), Server{a.Name, a.Version, time.Now().UTC(), a.Zone.String()}}, nil
}
