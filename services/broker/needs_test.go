package broker

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// Every role finds out with its own credentials whether the streams that it needs are
// whole: it asks for each, and may write a probe into those that it writes to.
func TestRolesSeeWhatTheyNeed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, dir, "127.0.0.1:0")
	for _, role := range Roles() {
		needs := role.Needs()
		if len(needs.Reads) == 0 || len(needs.Writes) == 0 {
			t.Errorf("%s needs %+v", role, needs)
		}
		bus, err := jet.Connect(t.Context(), jet.Options{
			URL: "nats://" + b.Addr(), Creds: filepath.Join(dir, role.Creds()), Name: string(role), Needs: needs, Log: eventstest.Log(t),
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := bus.Check(); err != nil {
			t.Errorf("%s: %v", role, err)
		}
		if err := bus.Close(t.Context()); err != nil {
			t.Error(err)
		}
		o := join(t, b, dir, role)
		for _, s := range jet.Streams() {
			if !slices.Contains(needs.Writes, s) {
				continue // TestRights sees that it may not
			}
			for range 2 {
				answer, err := o.Request("$JS.API.STREAM.PURGE."+s, []byte(`{"filter":"`+jet.Probe(s)+`"}`), 10*time.Second)
				if err != nil || !strings.Contains(string(answer.Data), `"success":true`) {
					t.Errorf("%s takes its probe out of %s: %v %v", role, s, answer, err)
				}
				if answer, err = o.Request(jet.Probe(s), nil, 10*time.Second); err != nil || strings.Contains(string(answer.Data), "error") {
					t.Errorf("%s writes a probe into %s: %v %v", role, s, answer, err)
				}
			}
			if answer, err := o.Request("$JS.API.STREAM.PURGE."+s, []byte(`{}`), 10*time.Second); err != nil || !strings.Contains(string(answer.Data), "not allowed") {
				t.Errorf("%s may purge all of %s: %v %v", role, s, answer, err)
			}
		}
	}
}
