package v2

import (
	"cmp"
	"context"
	"net/http"

	"spool.internal/events"
	"spool.internal/events/sorting"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// Profile is what a runner grants to the flows of jobs that name it.
type Profile struct {
	Name   string   `json:"name"`
	Host   string   `json:"host"`
	Owners []string `json:"owners,omitempty"`
	Lines  []string `json:"lines"` // as it is declared, without the values of variables
}

// ProfileList is the profiles that a caller may name.
type ProfileList struct {
	Profiles []Profile `json:"profiles"`
}

func (a *API) listProfiles(w http.ResponseWriter, r *http.Request) error {
	if q := wire.ReadQuery(r); q.Err() != nil {
		return q.Err()
	}
	list, err := a.ListProfiles(r.Context(), a.Caller(r))
	if err == nil {
		wire.Write(w, http.StatusOK, list)
	}
	return err
}

// ListProfiles gives the profiles that the caller may name, and to an administrator all.
func (a *API) ListProfiles(ctx context.Context, who change.Caller) (ProfileList, error) {
	list := ProfileList{[]Profile{}}
	runners, err := a.runners(ctx)
	if err != nil {
		return list, err
	}
	for _, run := range runners {
		for _, p := range run.Profiles {
			if p.MayName(who.Owner, who.Role) != nil {
				continue
			}
			if who.Role != events.Admin {
				p.Owners = nil // who else may is for administrators
			}
			list.Profiles = append(list.Profiles, Profile{p.Name, run.Host, p.Owners, p.Lines()})
		}
	}
	sorting.By(list.Profiles, func(a, b Profile) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Host, b.Host)) })
	return list, nil
}
