package gateway_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// answering has a broker that stores subscribers and makes no credentials.
func (s *harness) answering() {
	s.t.Helper()
	create := func(ctx context.Context, sub events.Subscriber) (made jet.SubscriberMade, err error) {
		old, at, err := s.bus.Subscriber(ctx, sub.Name)
		if err != nil {
			return made, err
		}
		if at > 0 && old.Open(time.Now()) {
			return made, events.Faultf(events.Conflict, "name", "there is one")
		}
		sub.Created = time.Now().UTC()
		_, err = s.bus.PutSubscriber(ctx, sub, at)
		return jet.SubscriberMade{Subscriber: sub, Credentials: "a secret"}, err
	}
	revoke := func(ctx context.Context, sub events.Subscriber) (made jet.SubscriberMade, err error) {
		old, at, err := s.bus.Subscriber(ctx, sub.Name)
		if err == nil && at == 0 {
			err = events.Faultf(events.NotFound, "name", "no such subscriber")
		}
		if err != nil {
			return made, err
		}
		old.Revoked = time.Now().UTC()
		_, err = s.bus.PutSubscriber(ctx, old, at)
		return made, err
	}
	if err := s.bus.AnswerSubscribers(create, revoke); err != nil {
		s.t.Fatal(err)
	}
}

type nativeSubscriber struct {
	Name, Stream, Consumer, Filter, By, State, Expires, Credentials string
	JobID                                                           string `json:"job_id"`
}

func TestSubscribers(t *testing.T) {
	s := newHarness(t)
	s.answering()
	made, _ := s.made(s.admin, body{}.String())
	job := made.ID
	post := func(token, text string) answer { return s.native(http.MethodPost, "subscribers", token, text) }
	a := into[nativeSubscriber](t, post(s.admin, `{"name":"billing","stream":"RUN_EVENTS","job_id":"`+job+`","filter":"spool.run.ended.>","expires":"720h"}`), http.StatusCreated)
	if a.Consumer != "subscriber-billing" || a.Filter != "spool.run.ended."+job+".>" || a.By != "admin" || a.State != "active" || a.Credentials != "a secret" || a.Expires == "" {
		t.Errorf("the subscriber is %+v", a)
	}
	wantFault(t, post(s.admin, `{"name":"billing","stream":"RESULTS"}`), http.StatusConflict, "there is one")
	wantFault(t, post(s.admin, `{"name":"x y","stream":"RESULTS"}`), http.StatusBadRequest, "name")
	wantFault(t, post(s.admin, `{"name":"x","stream":"TRIGGERS"}`), http.StatusBadRequest, "stream")
	wantFault(t, post(s.admin, `{"name":"x","stream":"RESULTS","filter":">"}`), http.StatusBadRequest, "filter")
	wantFault(t, post(s.admin, `{"name":"x","stream":"RESULTS","expires":"-1h"}`), http.StatusBadRequest, "expires")
	wantFault(t, post(s.admin, `{"name":"x","stream":"RESULTS","job_id":"nojob"}`), http.StatusNotFound, "no such job")
	wantFault(t, post(s.admin, `{"name":"x","stream":"RESULTS","jobid":"j"}`), http.StatusBadRequest, "job_id")
	for _, role := range []string{"operator", "viewer"} {
		token := s.newToken(`{"owner":"bob","role":"` + role + `"}`).Token
		wantFault(t, post(token, `{"name":"x","stream":"RESULTS"}`), http.StatusForbidden, "only administrators")
		wantFault(t, s.native(http.MethodGet, "subscribers", token, ""), http.StatusForbidden, "only administrators")
		wantFault(t, s.native(http.MethodDelete, "subscribers/billing", token, ""), http.StatusForbidden, "only administrators")
	}
	list := s.native(http.MethodGet, "subscribers", s.admin, "")
	if all := into[struct{ Subscribers []nativeSubscriber }](t, list, http.StatusOK).Subscribers; len(all) != 1 || all[0].JobID != job {
		t.Errorf("the subscribers are %+v", all)
	}
	if strings.Contains(string(list.body), "a secret") || strings.Contains(s.log.String(), "a secret") {
		t.Error("credentials are shown again")
	}
	if d := s.native(http.MethodDelete, "subscribers/billing", s.admin, ""); d.code != http.StatusNoContent {
		t.Errorf("revoke: %d %s", d.code, d.body)
	}
	wantFault(t, s.native(http.MethodDelete, "subscribers/other", s.admin, ""), http.StatusNotFound, "no such subscriber")
	list = s.native(http.MethodGet, "subscribers", s.admin, "")
	if all := into[struct{ Subscribers []nativeSubscriber }](t, list, http.StatusOK).Subscribers; all[0].State != "revoked" {
		t.Errorf("the subscribers are %+v", all)
	}
}

// On a NATS without a broker of Spool the answer says what to grant.
func TestSubscribersWithoutABroker(t *testing.T) {
	s := newHarness(t)
	a := s.native(http.MethodPost, "subscribers", s.admin, `{"name":"mine","stream":"RUN_EVENTS"}`)
	for _, want := range []string{"subscriber-mine", "$JS.API.CONSUMER.MSG.NEXT.RUN_EVENTS.subscriber-mine", "$JS.ACK.RUN_EVENTS.subscriber-mine.>", "spool.run.>"} {
		wantFault(t, a, http.StatusServiceUnavailable, want)
	}
}
