package v2

import (
	"net/http"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

// me is who asks, and whom.
type me struct {
	Owner  string      `json:"owner"`
	Role   events.Role `json:"role"`
	Token  Token       `json:"token"`
	Server server      `json:"server"`
}

// server is what a server says of itself to everybody who may ask.
type server struct {
	Name    string    `json:"name,omitzero"`
	Version string    `json:"version"`
	Time    time.Time `json:"time"`
	Zone    string    `json:"timezone"`
}

func (a *API) me(w http.ResponseWriter, r *http.Request) error {
	if q := wire.ReadQuery(r); q.Err() != nil {
		return q.Err()
	}
	t := a.Caller(r).Token
	wire.Write(w, http.StatusOK, me{t.Owner, t.Role, showToken(t), server{a.Name, a.Version, time.Now().UTC(), a.Zone.String()}})
	return nil
}
