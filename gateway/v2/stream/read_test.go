package stream_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/gateway/v2/stream"
)

// What the stream tells can be read, too: the last of it, and what came behind a position.
func TestRead(t *testing.T) {
	r := newHarness(t)
	mine, theirs := r.job("alice"), r.job("bob")
	alice := events.Token{Owner: "alice", Role: events.Viewer}
	for n := range 5 {
		r.persist(mine, n)
		r.persist(theirs, n)
	}
	read := func(ask stream.Ask, want ...string) stream.Reading {
		t.Helper()
		var got stream.Reading
		eventstest.Eventually(t, strings.Join(want, ", "), func() bool {
			var err error
			if got, err = r.stream.Read(t.Context(), ask); err != nil {
				t.Fatal(err)
			}
			if len(got.Events) != len(want) {
				return false
			}
			for i, e := range got.Events {
				if !strings.Contains(e.Kind+string(e.Data), want[i]) || strings.Contains(string(e.Data), theirs) {
					return false
				}
			}
			return true
		})
		return got
	}
	first := read(stream.Ask{Token: alice, Most: 2, Query: url.Values{"type": {"result"}}}, `"response":"3"`, `"response":"4"`)
	read(stream.Ask{Token: alice, Most: 50, Query: url.Values{"job_id": {mine}, "type": {"job"}}}, "created")
	read(stream.Ask{Token: alice, Most: 50, After: first.Position})
	r.run(mine, "alice")
	r.persist(theirs, 8)
	r.persist(mine, 9)
	later := read(stream.Ask{Token: alice, Most: 50, After: first.Position}, "run", `"response":"9"`)
	read(stream.Ask{Token: alice, Most: 1, After: first.Position}, `"response":"9"`)

	// How a role has been for long is no news.
	for name, turned := range map[string]time.Duration{"cron": time.Hour, "notify": 0} {
		err := r.bus.PutRole(t.Context(), events.RoleState{Role: name, Instance: name, Ready: true, Turned: time.Now().Add(-turned)})
		if err != nil {
			t.Fatal(err)
		}
	}
	read(stream.Ask{Token: alice, Most: 50, Query: url.Values{"type": {"system"}}}, "cron", "notify")
	read(stream.Ask{Token: alice, Most: 50, After: later.Position}, "notify")
	for _, bad := range []stream.Ask{{Token: alice, After: "x"}, {Token: alice, Query: url.Values{"type": {"slots"}}}, {Token: alice, Query: url.Values{"job_id": {"x"}}}} {
		if _, err := r.stream.Read(t.Context(), bad); events.CodeOf(err) != events.Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
