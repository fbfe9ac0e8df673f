package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

type nativeToken struct {
	ID, Owner, Role, Created, Expires, Token string
}

func (s *harness) newToken(body string) nativeToken {
	s.t.Helper()
	return into[nativeToken](s.t, s.native(http.MethodPost, "tokens", s.admin, body), http.StatusCreated)
}

func TestTokens(t *testing.T) {
	s := newHarness(t)
	at := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	plain := s.newToken(`{"owner":"zoë","role":"operator","paths":["a/"]}`)
	timed := s.newToken(`{"owner":"bob","role":"viewer","expires":"` + at.Format(time.RFC3339) + `"}`)
	lasting := s.newToken(`{"owner":"bob","role":"admin","expires":"720h"}`)
	if plain.Expires != "" || timed.Expires != at.Format(time.RFC3339) || plain.Owner != "zoë" || timed.Role != "viewer" ||
		!strings.HasPrefix(plain.Token, "spool_"+plain.ID+"_") {
		t.Errorf("the tokens are %+v, %+v", plain, timed)
	}
	if expires, err := time.Parse(time.RFC3339, lasting.Expires); err != nil || time.Until(expires).Round(time.Hour) != 720*time.Hour {
		t.Errorf("720h became %s, %v", lasting.Expires, err)
	}
	// They are good at once, each for its role.
	if j, _ := s.made(plain.Token, body{}.String()); j.Username != "zoë" {
		t.Errorf("the job is of %q", j.Username)
	}
	wantFault(t, s.native(http.MethodPost, "jobs", timed.Token, body{}.String()), http.StatusForbidden, "may only read")
	a := s.native(http.MethodGet, "tokens", lasting.Token, "")
	list := into[struct{ Tokens []nativeToken }](t, a, http.StatusOK).Tokens
	var owners []string
	for _, tok := range list {
		owners = append(owners, tok.Owner+" "+tok.Role)
	}
	if got := strings.Join(owners, ", "); got != "admin admin, zoë operator, bob viewer, bob admin" {
		t.Errorf("the tokens are %s", got)
	}
	for _, secret := range []string{plain.Token, timed.Token, s.admin, "hash"} {
		if strings.Contains(string(a.body), secret) || strings.Contains(s.log.String(), secret) {
			t.Errorf("%s is shown", secret)
		}
	}
}

// A revoked token stops at the next request here, and soon elsewhere.
func TestTokenStops(t *testing.T) {
	s := newHarness(t)
	other := jet.NewKeyring(eventstest.Connect(t, s.broker))
	s.background(other.Run)
	verify := func(text string) events.Code {
		_, err := other.Verify(text, time.Now())
		return events.CodeOf(err)
	}
	var slowest time.Duration
	for range 10 {
		tok := s.newToken(`{"owner":"bob","role":"viewer"}`)
		into[nativePage](t, s.native(http.MethodGet, "jobs", tok.Token, ""), http.StatusOK)
		eventstest.Eventually(t, "the other keyring knows the token", func() bool { return verify(tok.Token) == "" })
		if a := s.native(http.MethodDelete, "tokens/"+tok.ID, s.admin, ""); a.code != http.StatusNoContent {
			t.Fatalf("answer %d %s", a.code, a.body)
		}
		began := time.Now()
		wantFault(t, s.native(http.MethodGet, "jobs", tok.Token, ""), http.StatusUnauthorized, "the token is not valid")
		wantRefusal(t, s.send(http.MethodGet, v1Path+"list_jobs", tok.Token, ""), http.StatusUnauthorized, "the token is not valid")
		eventstest.Eventually(t, "the other keyring refuses the token", func() bool { return verify(tok.Token) == events.Unauthorized })
		slowest = max(slowest, time.Since(began))
		wantFault(t, s.native(http.MethodDelete, "tokens/"+tok.ID, s.admin, ""), http.StatusNotFound, "id: no such token")
	}
	t.Logf("another process would have refused a revoked token after at most %v", slowest)
}

// Who cannot hear of revocations lets nobody in.
func TestBrokenFeedOfTokens(t *testing.T) {
	s := newHarness(t)
	preview := func() answer { // a call that asks nobody else
		return s.native(http.MethodPost, "schedule/preview", s.admin, `{"schedule":"@daily"}`)
	}
	s.broker.Shutdown()
	s.broker.WaitForShutdown()
	began := time.Now()
	if a := preview(); a.code != http.StatusOK {
		t.Errorf("right after the broker went the answer is %d %s", a.code, a.body)
	}
	eventstest.Eventually(t, "nobody is let in", func() bool { return preview().code == http.StatusServiceUnavailable })
	t.Logf("refused after %v", time.Since(began))
	a := preview()
	wantFault(t, a, http.StatusServiceUnavailable, "not connected to NATS since")
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	wantRefusal(t, s.send(http.MethodGet, v1Path+"list_jobs", s.admin, ""), http.StatusServiceUnavailable, "not connected to NATS since")
	s.broker.Restart(t)
	eventstest.Eventually(t, "everybody is let in again", func() bool { return preview().code == http.StatusOK })
}
