package gateway_test

import (
	"net/http"
	"testing"

	"spool.internal/events"
)

// A job keeps the role of the token with which its owner made it or changed it
// last; what somebody else does to it changes nothing about that.
func TestRoleOfJob(t *testing.T) {
	s := newHarness(t)
	role := func(id string) string {
		t.Helper()
		rev, err := s.bus.Job(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return string(rev.Event.Job.Role)
	}
	ann := s.user("ann", events.Operator)
	id := s.create(ann, "hers")
	if got := role(id); got != "operator" {
		t.Errorf("an operator's job has role %q", got)
	}
	patch := func(token, body string) {
		t.Helper()
		wantCode(t, s.native(http.MethodPatch, "jobs/"+id, token, body), http.StatusOK)
	}
	patch(s.admin, `{"name":"changed"}`)
	if got := role(id); got != "operator" {
		t.Errorf("after an administrator has changed it: %q", got)
	}
	patch(s.user("ann", events.Admin), `{"name":"hers again"}`)
	if got := role(id); got != "admin" {
		t.Errorf("after its owner has become an administrator and changed it: %q", got)
	}
	patch(ann, `{"name":"and again"}`)
	if got := role(id); got != "operator" {
		t.Errorf("after its owner has changed it as operator: %q", got)
	}
}
