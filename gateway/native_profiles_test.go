package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"spool.internal/events"
)

// A job names profiles that a runner declares and its owner may name.
func TestProfilesAreJudged(t *testing.T) {
	s := newHarness(t)
	ann, bob := s.user("ann", events.Operator), s.user("bob", events.Operator)
	s.runnerSays("r", events.RunnerState{Host: "a", Profiles: []events.Profile{
		{Name: "backup", Owners: []string{"ann"}, Write: []string{"/srv/backup"}, Env: []events.Variable{{Name: "K", Value: events.Mask}}}, {Name: "ours", Network: "any"},
	}})
	naming := func(name string) string {
		return strings.TrimSuffix(body{}.String(), "}") + `,"spool":{"run":{"profiles":["` + name + `"]}}}`
	}
	for _, c := range []struct {
		token, profile string
		code           int
		want           string
	}{
		{ann, "backup", http.StatusCreated, ""},
		{s.admin, "ours", http.StatusCreated, ""},
		{bob, "backup", http.StatusForbidden, `spool.run.profiles: "backup" may not be named by bob: an administrator can add the line "owners bob" to the profile`},
		{ann, "ours", http.StatusForbidden, `spool.run.profiles: "ours" may not be named by ann: an administrator can add the line "owners ann" to the profile`},
		{ann, "bakcup", http.StatusBadRequest, `spool.run.profiles: "bakcup" is not declared: an administrator declares profiles with --profile or --profiles; there are backup`},
	} {
		a := s.native(http.MethodPost, "jobs", c.token, naming(c.profile))
		if c.want == "" {
			if a.code != c.code {
				t.Errorf("%s: %d %s", c.profile, a.code, a.body)
			}
			continue
		}
		wantFault(t, a, c.code, c.want)
	}
	job, _ := s.made(bob, body{}.String())
	wantFault(t, s.native(http.MethodPatch, "jobs/"+job.ID, bob, `{"spool":{"run":{"profiles":["backup"]}}}`), http.StatusForbidden,
		`spool.run.profiles: "backup" may not be named by bob: an administrator can add the line "owners bob" to the profile`)
	for token, want := range map[string]string{
		s.admin: "backup: owners ann; write /srv/backup; env K=********, ours: network any", ann: "backup: write /srv/backup; env K=********", bob: "",
	} {
		var got []string
		for _, p := range into[struct {
			Profiles []struct {
				Name  string   `json:"name"`
				Lines []string `json:"lines"`
			} `json:"profiles"`
		}](t, s.native(http.MethodGet, "profiles", token, ""), http.StatusOK).Profiles {
			got = append(got, p.Name+": "+strings.Join(p.Lines, "; "))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("it lists %q, want %q", got, want)
		}
	}
}
