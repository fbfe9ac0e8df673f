package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"spool.internal/gateway"
)

// Where nobody knows how runs end, a job that asks for it is refused by both
// versions, with the field and the remedy.
func TestOverlapNeedsToKnowEnds(t *testing.T) {
	s := newHarness(t, withConfig(func(c *gateway.Config) { c.Untracked = true }))
	const why = "spool.overlap: queue needs to know when runs end"
	refused := func(what string, a answer) {
		t.Helper()
		if !strings.Contains(string(a.body), why) || !strings.Contains(string(a.body), "--track-runs") {
			t.Errorf("%s: %s", what, a.body)
		}
	}
	text := body{extra: `,"spool":{"overlap":"queue"}`}.String()
	refused("create_job", s.send(http.MethodPost, v1Path+"create_job", s.admin, text))
	refused("POST", s.native(http.MethodPost, "jobs", s.admin, text))
	j, _ := s.made(s.admin, body{extra: `,"spool":{"overlap":"allow"}`}.String())
	refused("PATCH", s.native(http.MethodPatch, "jobs/"+j.ID, s.admin, `{"spool":{"overlap":"queue"}}`))
}
