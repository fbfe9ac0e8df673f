package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/gateway"
)

type sessionToken struct {
	ID, Kind, Parent, Owner, Role, Note, Created, Expires string
	Made_by, Last_used                                    string //nolint:revive // as JSON has them
	Paths                                                 []string
}

// signIn exchanges a token for a session, as a browser does.
func (s *harness) signIn(token string, header ...string) (sessionToken, *http.Cookie) {
	s.t.Helper()
	a := s.native(http.MethodPost, "session", "", `{"token":"`+token+`"}`, header...)
	v := into[sessionToken](s.t, a, http.StatusCreated)
	set := (&http.Response{Header: a.header}).Cookies()
	if len(set) != 1 {
		s.t.Fatalf("the cookies are %v", a.header)
	}
	if text := set[0].Value; text == "" || strings.Contains(string(a.body), text) {
		s.t.Fatalf("the body %s has the session's token", a.body)
	}
	return v, set[0]
}

func cookie(c *http.Cookie) []string { return []string{"Cookie", c.Name + "=" + c.Value} }

func port(s *harness) string { return s.base[strings.LastIndexByte(s.base, ':')+1:] }

func TestSession(t *testing.T) {
	s := newHarness(t)
	tok := s.newToken(`{"owner":"ann","role":"operator","note":"laptop","paths":["a/"]}`)
	session, c := s.signIn(tok.Token)
	if session.Kind != "session" || session.Parent != tok.ID || session.Owner != "ann" || session.Role != "operator" || len(session.Paths) != 1 {
		t.Errorf("the session is %+v", session)
	}
	if c.Name != "spool-session-"+port(s) || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure || c.Path != "/" || c.MaxAge < 11*3600 || c.MaxAge > 12*3600 {
		t.Errorf("the cookie is %v", c)
	}
	me := into[struct {
		Owner, Role string
		Token       sessionToken
		Server      struct{ Name, Version, Time, Timezone string }
	}](t, s.native(http.MethodGet, "me", "", "", cookie(c)...), http.StatusOK)
	if me.Owner != "ann" || me.Role != "operator" || me.Token.ID != session.ID || me.Server.Version != "0.0-test" || me.Server.Timezone != "UTC" {
		t.Errorf("me is %+v", me)
	}
	wantCode(t, s.native(http.MethodPost, "jobs", "", body{}.String(), cookie(c)...), http.StatusCreated)

	// It counts nowhere else, and in no other form.
	wantRefusal(t, s.send(http.MethodGet, v1Path+"list_jobs", "", "", header("Cookie", cookie(c)[1])), http.StatusUnauthorized, "Bearer")
	wantFault(t, s.native(http.MethodGet, "me", c.Value, ""), http.StatusUnauthorized, "a session counts in the cookie")
	wantRefusal(t, s.send(http.MethodGet, v1Path+"list_jobs", c.Value, ""), http.StatusUnauthorized, "a session counts in the cookie")
	wantFault(t, s.native(http.MethodPost, "session", "", `{"token":"`+c.Value+`"}`), http.StatusUnauthorized, "a session counts in the cookie")
	wantFault(t, s.native(http.MethodGet, "me", "", "", "Cookie", "spool-session-1="+c.Value), http.StatusUnauthorized, "Bearer")
	wantFault(t, s.native(http.MethodGet, "me", "", "", "Cookie", c.Name+"="+tok.Token), http.StatusUnauthorized, "a session counts in the cookie")
	wantFault(t, s.native(http.MethodGet, "me?token=x", "", "", cookie(c)...), http.StatusUnauthorized, "in the URL")
	wantFault(t, s.native(http.MethodGet, "me", "", "", "Cookie", c.Name+"=x; "+c.Name+"="+c.Value), http.StatusUnauthorized, "Bearer")
	// With a token, too, the token counts.
	if a := s.native(http.MethodGet, "me", s.admin, "", cookie(c)...); !strings.Contains(string(a.body), `"owner":"admin"`) {
		t.Errorf("with both: %s", a.body)
	}

	a := s.native(http.MethodDelete, "session", "", "", cookie(c)...)
	wantCode(t, a, http.StatusNoContent)
	if set := (&http.Response{Header: a.header}).Cookies(); len(set) != 1 || set[0].MaxAge >= 0 || set[0].Name != c.Name {
		t.Errorf("the cookie is not taken back: %v", a.header)
	}
	wantFault(t, s.native(http.MethodGet, "me", "", "", cookie(c)...), http.StatusUnauthorized, "not valid")
	wantFault(t, s.native(http.MethodDelete, "session", tok.Token, ""), http.StatusConflict, "no session")
	for _, secret := range []string{c.Value, tok.Token} {
		if strings.Contains(s.log.String(), secret) {
			t.Error("the log has a secret")
		}
	}
}

// A page of another origin does nothing with the session of a browser.
func TestCrossOrigin(t *testing.T) {
	s := newHarness(t)
	_, c := s.signIn(s.admin)
	id, _ := s.made(s.admin, body{}.String())
	for _, foreign := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
		for _, call := range [][2]string{
			{http.MethodPost, "jobs/" + id.ID + "/trigger"},
			{http.MethodDelete, "jobs/" + id.ID},
			{http.MethodPatch, "jobs/" + id.ID},
			{http.MethodPut, "files/admin/r/fs/d/f"},
			{http.MethodDelete, "session"},
			{http.MethodPost, "schedule/preview"},
		} {
			a := s.native(call[0], call[1], "", "{}", append(cookie(c), foreign...)...)
			wantFault(t, a, http.StatusForbidden, "another origin")
		}
		wantFault(t, s.native(http.MethodPost, "session", "", `{"token":"`+s.admin+`"}`, foreign...), http.StatusForbidden, "another origin")
		wantCode(t, s.native(http.MethodPost, "schedule/preview", s.admin, `{"schedule":"@daily"}`, foreign...), http.StatusOK) // by a token
	}
	for _, own := range [][]string{{"Sec-Fetch-Site", "same-origin"}, {"Origin", s.base}, {}} {
		wantCode(t, s.native(http.MethodPost, "schedule/preview", "", `{"schedule":"@daily"}`, append(cookie(c), own...)...), http.StatusOK)
	}
}

// Below TLS the cookie is of this host and of TLS alone.
func TestSessionBelowTLS(t *testing.T) {
	s := newHarness(t)
	tls := []string{"X-Forwarded-Proto", "https"} // of a trusted proxy: the listener takes it from others
	_, c := s.signIn(s.admin, tls...)
	if c.Name != "__Host-spool-session-"+port(s) || !c.Secure || c.Path != "/" || c.Domain != "" {
		t.Errorf("the cookie is %v", c)
	}
	wantCode(t, s.native(http.MethodGet, "me", "", "", append(cookie(c), tls...)...), http.StatusOK)
	wantCode(t, s.native(http.MethodGet, "me", "", "", "Cookie", "spool-session-"+port(s)+"="+c.Value, tls[0], tls[1]), http.StatusUnauthorized)
	wantCode(t, s.native(http.MethodGet, "me", "", "", cookie(c)...), http.StatusUnauthorized)
}

// A session ends with the token that it was exchanged for, and by itself.
func TestSessionEnds(t *testing.T) {
	s := newHarness(t)
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	short := s.newToken(`{"owner":"ann","role":"viewer","expires":"` + until.Format(time.RFC3339) + `"}`)
	session, c := s.signIn(short.Token)
	if session.Expires != until.Format(time.RFC3339) || c.MaxAge > 3600 {
		t.Errorf("the session ends %s, the cookie in %d s; its token %s", session.Expires, c.MaxAge, until)
	}
	wantCode(t, s.native(http.MethodDelete, "tokens/"+short.ID, s.admin, ""), http.StatusNoContent)
	wantFault(t, s.native(http.MethodGet, "me", "", "", cookie(c)...), http.StatusUnauthorized, "ended with the token")
	if a := s.native(http.MethodGet, "sessions?username=*", s.admin, ""); strings.Contains(string(a.body), session.ID) {
		t.Errorf("listed: %s", a.body)
	}

	// One that is over goes from the store, and from a keyring that has seen it.
	tok, secret := events.NewToken("bob", events.Viewer, time.Now())
	s.enter(tok, secret)
	past, text := tok.NewSession(time.Now().Add(-events.SessionLength))
	if err := s.bus.PutToken(t.Context(), past); err != nil {
		t.Fatal(err)
	}
	eventstest.Eventually(t, "its end is told", func() bool {
		_, err := s.keys.VerifySession(text, time.Now())
		return err != nil && strings.Contains(err.Error(), "expired")
	})
}

func TestSessionsAreListed(t *testing.T) {
	s := newHarness(t)
	ann, view, bob := s.newToken(`{"owner":"ann","role":"operator"}`), s.newToken(`{"owner":"ann","role":"viewer"}`), s.newToken(`{"owner":"bob","role":"operator"}`)
	one, _ := s.signIn(ann.Token)
	two, c := s.signIn(view.Token)
	three, _ := s.signIn(bob.Token)
	list := func(token, query string) string {
		t.Helper()
		var ids []string
		for next := "?limit=1&" + query; next != ""; {
			v := into[struct {
				Sessions []sessionToken
				Next     string `json:"next_page_token"`
			}](t, s.native(http.MethodGet, "sessions"+next, token, ""), http.StatusOK)
			for _, one := range v.Sessions {
				ids = append(ids, one.ID)
			}
			if next = ""; v.Next != "" {
				next = "?limit=1&" + query + "&page_token=" + v.Next
			}
		}
		return strings.Join(ids, " ")
	}
	if got, want := list(ann.Token, ""), one.ID+" "+two.ID; got != want {
		t.Errorf("ann's are %s, want %s", got, want)
	}
	if got, want := list(s.admin, "username=*"), one.ID+" "+two.ID+" "+three.ID; got != want {
		t.Errorf("all are %s, want %s", got, want)
	}
	wantFault(t, s.native(http.MethodGet, "sessions?username=bob", ann.Token, ""), http.StatusForbidden, "username")
	wantFault(t, s.native(http.MethodDelete, "sessions/"+three.ID, ann.Token, ""), http.StatusNotFound, "no such session")
	wantFault(t, s.native(http.MethodDelete, "sessions/"+bob.ID, bob.Token, ""), http.StatusNotFound, "no such session") // a token is none
	wantFault(t, s.native(http.MethodDelete, "sessions/_seal", s.admin, ""), http.StatusNotFound, "no such session")
	wantFault(t, s.native(http.MethodDelete, "sessions/"+one.ID, view.Token, ""), http.StatusForbidden, "may only read")
	wantCode(t, s.native(http.MethodDelete, "sessions/"+two.ID, "", "", cookie(c)...), http.StatusNoContent) // its own
	wantCode(t, s.native(http.MethodDelete, "sessions/"+one.ID, ann.Token, ""), http.StatusNoContent)
	wantCode(t, s.native(http.MethodDelete, "sessions/"+three.ID, s.admin, ""), http.StatusNoContent)
	if got := list(s.admin, "username=*"); got != "" {
		t.Errorf("left are %s", got)
	}
	if a := s.native(http.MethodGet, "tokens", s.admin, ""); strings.Contains(string(a.body), `"session"`) {
		t.Errorf("sessions are listed among the tokens: %s", a.body)
	}
	for range events.MaxSessions {
		s.signIn(bob.Token)
	}
	wantFault(t, s.native(http.MethodPost, "session", "", `{"token":"`+bob.Token+`"}`), http.StatusConflict, "no token has more")
}

func TestSignInIsLimited(t *testing.T) {
	s := newHarness(t, withConfig(func(c *gateway.Config) { c.Rate, c.Burst = 1, 5 }))
	code := 0
	for range 20 {
		if code = s.native(http.MethodPost, "session", "", `{"token":"spool_x_y"}`).code; code == http.StatusTooManyRequests {
			break
		}
		if code != http.StatusUnauthorized {
			t.Fatalf("answer %d", code)
		}
	}
	if code != http.StatusTooManyRequests {
		t.Errorf("the last answer is %d", code)
	}
	wantFault(t, s.native(http.MethodPost, "session", s.admin, `{}`), http.StatusBadRequest, "token: is required")
}

// Tokens tell what they are for, who made them and when they were last used.
func TestTokensTell(t *testing.T) {
	s := newHarness(t)
	made := into[sessionToken](t, s.native(http.MethodPost, "tokens", s.admin, `{"owner":"ann","role":"viewer","note":"CI of the web shop"}`), http.StatusCreated)
	if made.Note != "CI of the web shop" || made.Made_by != "admin" || made.Kind != "token" || made.Last_used != "" {
		t.Errorf("made: %+v", made)
	}
	wantFault(t, s.native(http.MethodPost, "tokens", s.admin, `{"owner":"ann","role":"viewer","note":"a\nb"}`), http.StatusBadRequest, "note: must be one line")
	var all []string
	for next := "?limit=1"; next != ""; {
		v := into[struct {
			Tokens []sessionToken
			Next   string `json:"next_page_token"`
		}](t, s.native(http.MethodGet, "tokens"+next, s.admin, ""), http.StatusOK)
		for _, one := range v.Tokens {
			all = append(all, one.Owner)
		}
		if next = ""; v.Next != "" {
			next = "?limit=1&page_token=" + v.Next
		}
	}
	if got := fmt.Sprint(all); got != "[admin ann]" {
		t.Errorf("paged: %s", got)
	}
	wantFault(t, s.native(http.MethodGet, "tokens?page_token=!", s.admin, ""), http.StatusBadRequest, "page_token")
}

// When a token was used is stored once in an hour, and never over its revocation.
func TestUseIsRecorded(t *testing.T) {
	s := newHarness(t)
	keys := jet.NewKeyring(s.bus)
	s.background(keys.Run)
	tok := s.newToken(`{"owner":"ann","role":"viewer"}`)
	other := s.newToken(`{"owner":"ann","role":"viewer"}`)
	know := func(text string) func() bool {
		return func() bool { _, err := keys.Verify(text, time.Now()); return err == nil }
	}
	eventstest.Eventually(t, "the token is known", know(tok.Token))
	eventstest.Eventually(t, "the other token is known", know(other.Token))
	wantCode(t, s.native(http.MethodDelete, "tokens/"+other.ID, s.admin, ""), http.StatusNoContent)
	s.background(func(ctx context.Context) error { return keys.RecordUse(ctx, 5*time.Millisecond) })
	hour := time.Now().UTC().Truncate(time.Hour)
	eventstest.Eventually(t, "the use is stored", func() bool {
		stored, _, err := s.bus.Token(t.Context(), tok.ID)
		return err == nil && !stored.LastUsed.Before(hour)
	})
	if a := s.native(http.MethodGet, "tokens", s.admin, ""); !strings.Contains(string(a.body), `"last_used"`) {
		t.Errorf("listed: %s", a.body)
	}
	if _, found, err := s.bus.Token(t.Context(), other.ID); found || err != nil {
		t.Errorf("a revoked token is back: %v", err)
	}
	wantCode(t, s.native(http.MethodGet, "me", tok.Token, ""), http.StatusOK)
}
