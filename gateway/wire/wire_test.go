package wire

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"spool.internal/events"
)

func TestFail(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		status int
		says   string
		logged string
	}{
		{"invalid", events.Faultf(events.Invalid, "name", "is required"), 400, "name: is required", ""},
		{"conflict", events.Faultf(events.Conflict, "", "others were first"), 409, "others were first", ""},
		{"full", events.Faultf(events.Full, "", "no room"), 503, "no room", "cannot be served now"},
		{"refused", fmt.Errorf("ask: %w", Refuse(412, events.Conflict, "If-Match", "has changed")), 412, "If-Match: has changed", ""},
		{"too long", fmt.Errorf("read: %w", &http.MaxBytesError{Limit: MaxBody}), 413, "longer than 256 KiB", ""},
		{"given up", fmt.Errorf("read: %w", context.Canceled), 503, "given up", "cannot be served now"},
		{"internal", errors.New("secret: 7"), 500, "internal error", "secret: 7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log strings.Builder
			w := httptest.NewRecorder()
			w.Header().Set(HeaderRequestID, "r-1")
			Fail(w, slog.New(slog.NewTextHandler(&log, nil)), c.err)
			body := w.Body.String()
			if w.Code != c.status || !strings.Contains(body, c.says) || !strings.Contains(body, `"request":"r-1"`) || strings.Contains(body, "secret") {
				t.Errorf("%d %s", w.Code, body)
			}
			if c.logged == "" && log.Len() > 0 || !strings.Contains(log.String(), c.logged) {
				t.Errorf("logged %q, want %q", log.String(), c.logged)
			}
			if got := w.Header().Get("Retry-After"); (c.status == 503) != (got == "1") {
				t.Errorf("Retry-After is %q", got)
			}
		})
	}
}

// Who may only read is refused before the handler is asked, and so is who is no
// administrator.
func TestCalls(t *testing.T) {
	for role, want := range map[events.Role][3]int{
		events.Viewer: {204, 403, 403}, events.Operator: {204, 204, 403}, events.Admin: {204, 204, 204},
	} {
		calls := Calls{
			Token: func(*http.Request) events.Token { return events.Token{Owner: "ann", Role: role} },
			Fail:  func(w http.ResponseWriter, err error) { Fail(w, slog.New(slog.DiscardHandler), err) },
		}
		var got [3]int
		for i, kind := range []func(Handler) http.Handler{calls.Read, calls.Write, calls.Administer} {
			w := httptest.NewRecorder()
			kind(func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(204); return nil }).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			got[i] = w.Code
		}
		if got != want {
			t.Errorf("%s: %v, want %v", role, got, want)
		}
	}
}

func TestBearer(t *testing.T) {
	for _, c := range []struct{ url, header, want, fault string }{
		{"/", "Bearer abc", "abc", ""},
		{"/", "bearer  abc ", "abc", ""},
		{"/", "", "", "send one header"},
		{"/", "Bearer ", "", "must be: Bearer"},
		{"/", "Basic abc", "", "must be: Bearer"},
		{"/?token=abc", "Bearer abc", "", "a token in the URL"},
		{"/?access_token=abc", "", "", "a token in the URL"},
	} {
		r := httptest.NewRequest("GET", c.url, nil)
		if c.header != "" {
			r.Header.Set("Authorization", c.header)
		}
		got, err := Bearer(r)
		if got != c.want || (err == nil) != (c.fault == "") || err != nil && (events.CodeOf(err) != events.Unauthorized || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%s %q: %q, %v", c.url, c.header, got, err)
		}
	}
	twice := httptest.NewRequest("GET", "/", nil)
	twice.Header["Authorization"] = []string{"Bearer a", "Bearer b"}
	if _, err := Bearer(twice); err == nil {
		t.Error("two tokens are taken")
	}
}

func TestReadFields(t *testing.T) {
	for _, c := range []struct{ body, fault string }{
		{`{"name":"n","count":7}`, ""},
		{`{"name":null}`, ""},
		{`{"nmae":"n"}`, `nmae: unknown key, did you mean "name"?`},
		{`{"name":7}`, "name: must be a string, not a number"},
		{`{"count":"7"}`, "count: must be a whole number from 1 to 9"},
		{`[]`, "must be a JSON object"},
		{``, "the body is empty"},
	} {
		in, err := ReadFields(httptest.NewRequest("POST", "/", strings.NewReader(c.body)), "name", "count")
		if err == nil {
			in.Text("name")
			in.Number("count", 5, 1, 9)
			err = in.Err()
		}
		if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%s: %v, want %q", c.body, err, c.fault)
		}
	}
	if err := ReadNothing(httptest.NewRequest("POST", "/", strings.NewReader(` {} `))); err != nil {
		t.Error(err)
	}
	if err := ReadNothing(httptest.NewRequest("POST", "/", strings.NewReader(`{"x":1}`))); err == nil {
		t.Error("a body that says something is taken where there is nothing to say")
	}
}

// A query that a page has parsed is judged as the query of a request is.
func TestReadValues(t *testing.T) {
	for raw, fault := range map[string]string{
		"status=ENABLED&limit=5": "", "": "", "statsu=ENABLED": `statsu: unknown key, did you mean "status"?`,
		"status=ENABLED&status=DISABLED": "status: stands twice", "limit=0": "limit: must be a whole number",
	} {
		values, err := ParseQuery(raw)
		if err != nil {
			t.Fatal(err)
		}
		for name, q := range map[string]*Query{
			"values": ReadValues(values, "status", "limit"), "request": ReadQuery(httptest.NewRequest("GET", "/?"+raw, nil), "status", "limit"),
		} {
			q.Limit(DefaultLimit)
			if err := q.Err(); (err == nil) != (fault == "") || err != nil && !strings.HasPrefix(err.Error(), fault) {
				t.Errorf("%s %s: %v, want %q", name, raw, err, fault)
			}
		}
	}
}
