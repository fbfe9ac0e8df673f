package gateway_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/system"
	"spool.internal/gateway"
)

type systemAnswer struct {
	Name, Version, State string
	Parts                []system.Line
}

func (a systemAnswer) part(name string) (found system.Line) {
	for _, l := range a.Parts {
		if l.Name == name {
			return l
		}
	}
	return found
}

func TestSystem(t *testing.T) {
	s := newHarness(t, withConfig(func(c *gateway.Config) { c.Name = "prod-eu" }))
	get := func(token, query string) systemAnswer {
		t.Helper()
		return into[systemAnswer](t, s.native(http.MethodGet, "system"+query, token, ""), http.StatusOK)
	}
	v := get(s.admin, "")
	if v.Name != "prod-eu" || v.Version != "0.0-test" || v.State != "away" || v.part("NATS").State != system.OK || v.part("JOBS").State != system.OK {
		t.Errorf("of a gateway alone: %+v", v)
	}
	if cron := v.part("cron"); cron.State != system.Away || !strings.Contains(cron.Means, "no slot starts a job") || cron.Todo == "" {
		t.Errorf("a cron that was never heard of: %+v", cron)
	}

	// Roles that are there, not ready, of another version; on a secret host.
	now := time.Now().UTC()
	say := func(r events.RoleState) {
		t.Helper()
		r.Instance, r.Host, r.Since = r.Role+"1", "secret-host", now.Add(-time.Hour)
		if r.Clock.IsZero() {
			r.Clock = time.Now().UTC()
		}
		if err := s.bus.PutRole(context.Background(), r); err != nil {
			t.Fatal(err)
		}
	}
	say(events.RoleState{Role: "cron", Version: "1", Ready: true})
	say(events.RoleState{Role: "watcher", Version: "2", Why: []string{"nats: not connected to secret-host"}})
	say(events.RoleState{Role: "dispatcher", Version: "1", Ready: true, Clock: time.Now().Add(time.Minute), Endpoint: &events.EndpointState{Refuses: now, Reason: "dial tcp secret-host: refused", Waiting: 7}})
	say(events.RoleState{Role: "notify", Version: "1", Ready: true, Waiting: &events.NoticesState{Mails: 3}})
	say(events.RoleState{Role: "broker", Version: "1", Ready: true, Machine: events.MachineState{
		Disks: []events.DiskState{{Name: "store", Path: "/secret-path", Free: 1 << 20, Total: 1 << 40, Reserve: 1 << 30}},
	}})
	v = get(s.admin, "")
	for name, want := range map[string]struct {
		state system.State
		text  string
	}{
		"cron": {system.OK, "Ready"}, "watcher": {system.Failed, "Not ready: nats"}, "endpoint": {system.Failed, "refuses connections; 7 calls wait"},
		"versions": {system.Warning, "1 (broker, cron, dispatcher, notify), 2 (watcher)"}, "notices": {system.OK, "3 mails"},
		"disk of the store": {system.Failed, "1 MB are free"}, "clock of dispatcher": {system.Failed, "ahead of"},
	} {
		if l := v.part(name); l.State != want.state || !strings.Contains(l.Means, want.text) {
			t.Errorf("%s is %+v; want %s, %q", name, l, want.state, want.text)
		}
	}
	if v.Parts[0].State != system.Failed || v.State != "failed" {
		t.Errorf("the worst is not first: %+v", v)
	}
	if w := v.part("watcher"); w.Host != "secret-host" || !strings.Contains(w.Detail, "secret-host") {
		t.Errorf("an administrator sees %+v", w)
	}
	a := s.native(http.MethodGet, "system", s.user("ann", events.Viewer), "")
	if other := into[systemAnswer](t, a, http.StatusOK); strings.Contains(string(a.body), "secret") || len(other.Parts) != len(v.Parts) {
		t.Errorf("others see %s", a.body)
	}
	for _, l := range get(s.admin, "?state=failed,away").Parts {
		if l.State != system.Failed && l.State != system.Away {
			t.Errorf("of other states: %+v", l)
		}
	}
	wantFault(t, s.native(http.MethodGet, "system?state=bad", s.admin, ""), http.StatusBadRequest, "state")

	// One that stops says so; another one on its host takes its place.
	say(events.RoleState{Role: "cron", Version: "1", Stopped: true})
	if l := get(s.admin, "").part("cron"); l.State != system.Away || !strings.Contains(l.Means, "was stopped") {
		t.Errorf("a cron that was stopped is %+v", l)
	}
	if err := s.bus.PutRole(t.Context(), events.RoleState{Role: "cron", Instance: "next", Host: "secret-host", Version: "1", Since: now, Clock: now, Ready: true}); err != nil {
		t.Fatal(err)
	}
	if l := get(s.admin, "").part("cron"); l.State != system.OK || l.Instance != "next" {
		t.Errorf("its follower is %+v", l)
	}
}

// Answers say where to follow events from, and a session may follow them.
func TestPositionOfAnswers(t *testing.T) {
	s := newHarness(t)
	_, c := s.signIn(s.admin)
	var at string
	eventstest.Eventually(t, "an answer has a position", func() bool {
		at = s.native(http.MethodGet, "tokens", "", "", cookie(c)...).header.Get("Spool-Position")
		return at != ""
	})
	wantCode(t, s.native(http.MethodHead, "events?last_event_id="+at, "", "", cookie(c)...), http.StatusOK)
	wantCode(t, s.native(http.MethodHead, "events", "", "", "Cookie", c.Name+"=x"), http.StatusUnauthorized)
	if a := s.native(http.MethodPost, "schedule/preview", s.admin, `{"schedule":"@daily"}`); a.header.Get("Spool-Position") != "" {
		t.Error("an answer to POST has a position")
	}
}
