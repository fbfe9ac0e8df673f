package v2

import (
	"cmp"
	"net/http"
	"slices"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

// profile is what a runner grants to the flows of jobs that name it.
type profile struct {
	Name   string   `json:"name"`
	Host   string   `json:"host"`
	Owners []string `json:"owners,omitempty"`
	Lines  []string `json:"lines"` // as it is declared, without the values of variables
}

// listProfiles gives the profiles that the caller may name, and to an administrator all.
func (a *API) listProfiles(w http.ResponseWriter, r *http.Request) error {
	if q := wire.ReadQuery(r); q.Err() != nil {
		return q.Err()
	}
	runners, err := a.runners(r.Context())
	if err != nil {
		return err
	}
	who, shown := a.Caller(r), []profile{}
	for _, run := range runners {
		for _, p := range run.Profiles {
			if p.MayName(who.Owner, who.Role) != nil {
				continue
			}
			if who.Role != events.Admin {
				p.Owners = nil // who else may is for administrators
			}
			shown = append(shown, profile{p.Name, run.Host, p.Owners, p.Lines()})
		}
	}
	slices.SortFunc(shown, func(a, b profile) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Host, b.Host)) })
	wire.Write(w, http.StatusOK, struct {
		Profiles []profile `json:"profiles"`
	}{shown})
	return nil
}
