package client_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/gateway/client"
)

func newAPI(t *testing.T, base string, token client.TokenSource) *client.API {
	t.Helper()
	api, err := client.New(base, token, "test/1.0")
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// A path is one parameter with slashes in it, and may have any other character.
func TestPaths(t *testing.T) {
	api := newAPI(t, serverURL, client.TokenFile(tokenFile))
	for _, name := range []string{"a", "in/a b+c", "ä/100%/x#y?z", "in/%2F", "q;r,s:t@u&v=w", "new\nline", `back\slash`} {
		path, content := "admin/repo/fs/Demo/"+name, []byte("content of "+name)
		if _, err := api.PutFileWithBodyWithResponse(t.Context(), path, nil, "application/octet-stream", bytes.NewReader(content)); err != nil {
			t.Errorf("put %q: %v", name, err)
			continue
		}
		got, err := api.GetFileWithResponse(t.Context(), path, nil)
		if err != nil || !bytes.Equal(got.Body, content) {
			t.Errorf("get %q: %v, %+v", name, err, got)
		}
	}
}

// An id is one part of a path, whatever is in it.
func TestIDs(t *testing.T) {
	api := newAPI(t, serverURL, client.TokenFile(tokenFile))
	made, err := api.CreateTokenWithResponse(t.Context(), client.CreateTokenJSONRequestBody{Owner: "ann", Role: "viewer"})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"../tokens/" + made.JSON201.Id, "x/../" + made.JSON201.Id, "x/output/../" + made.JSON201.Id, ".."} {
		if _, err := api.RevokeTokenWithResponse(t.Context(), id); err == nil {
			t.Errorf("%q is a token", id)
		}
	}
	if _, err := api.RevokeTokenWithResponse(t.Context(), made.JSON201.Id); err != nil {
		t.Errorf("the token is gone: %v", err)
	}
}

func TestErrors(t *testing.T) {
	mux := http.NewServeMux()
	other := httptest.NewServer(mux)
	defer other.Close()
	mux.HandleFunc("/api/v2/jobs", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, serverURL+"/api/v2/jobs", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/api/v2/tokens", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "7")
		http.Error(w, "<h1>busy "+r.Header.Get("Authorization")+"</h1>", http.StatusServiceUnavailable)
	})
	empty := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	admin := client.TokenFile(tokenFile)
	for name, c := range map[string]struct {
		base  string
		token client.TokenSource
		call  func(*client.API) error
		want  client.Error // Status 0: no answer of a server
	}{
		"unknown job": {serverURL, admin, getJob("6bc58441-1f60-4265-99f1-881c90ac65df"), client.Error{Status: 404, Field: "job_id", Message: "job_id: no such job"}},
		"wrong field": {serverURL, admin, listOf(0), client.Error{Status: 400, Field: "limit", Message: "limit: "}},
		"no token":    {serverURL, client.TokenText(""), getJob("x"), client.Error{Status: 401, Message: "token"}},
		"wrong token": {serverURL, client.TokenText("x"), getJob("x"), client.Error{Status: 401, Message: "token"}},
		"empty file":  {serverURL, client.TokenFile(empty), getJob("x"), client.Error{Message: "token is empty"}},
		"no file":     {serverURL, client.TokenFile(empty + "x"), getJob("x"), client.Error{Message: "no such file"}},
		"redirection": {other.URL, admin, listJobs, client.Error{Status: 307, Message: "the server answered 307"}},
		"no problem":  {other.URL, admin, listTokens, client.Error{Status: 503, Message: "the server answered 503 Service Unavailable", RetryAfter: 7 * time.Second}},
	} {
		err := c.call(newAPI(t, c.base, c.token))
		got, _ := errors.AsType[*client.Error](err)
		switch {
		case err == nil || !strings.Contains(err.Error(), c.want.Message):
			t.Errorf("%s: %v, want %q", name, err, c.want.Message)
		case got == nil && c.want.Status != 0:
			t.Errorf("%s: %v is no *Error", name, err)
		case got != nil && (got.Status != c.want.Status || c.want.Field != "" && got.Field != c.want.Field || got.RetryAfter != c.want.RetryAfter):
			t.Errorf("%s: %+v", name, got)
		}
	}
	for _, base := range []string{"", "127.0.0.1:8080", "ftp://x", "http://", "http://ann:secret@x", "http://x?a=b"} {
		if _, err := client.New(base, admin, ""); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", base, err)
		}
	}
}

func getJob(id string) func(*client.API) error {
	return func(api *client.API) error {
		_, err := api.GetJobWithResponse(context.Background(), id)
		return err
	}
}

func listOf(limit int) func(*client.API) error {
	return func(api *client.API) error {
		_, err := api.ListJobsWithResponse(context.Background(), &client.ListJobsParams{Limit: &limit})
		return err
	}
}

func listJobs(api *client.API) error {
	_, err := api.ListJobsWithResponse(context.Background(), nil)
	return err
}

func listTokens(api *client.API) error {
	_, err := api.ListTokensWithResponse(context.Background(), nil)
	return err
}

func TestEvents(t *testing.T) {
	type event struct{ ID, Type, Data string }
	for text, want := range map[string][]event{
		"":                                      nil,
		"event: job\nid: 1\ndata: {}\n\n":       {{"1", "job", "{}"}},
		"id: 1\nevent: a\ndata: x\ndata: y\n\n": {{"1", "a", "x\ny"}},
		"data:x\r\n\r\ndata\n\n":                {{"", "", "x"}, {"", "", ""}},
		": comment\nid: 7\n\ndata: x\n\n":       {{"7", "", "<nil>"}, {"7", "", "x"}},
		"data: whole\n\ndata: cut":              {{"", "", "whole"}},
	} {
		var got []event
		for e, err := range client.Events(strings.NewReader(text)) {
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			data := string(e.Data)
			if e.Data == nil {
				data = "<nil>"
			}
			got = append(got, event{e.ID, e.Type, data})
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
}

// A stream that breaks goes on behind its last event; a refusal ends it.
func TestFollow(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch asked = append(asked, r.Header.Get("Last-Event-ID")); len(asked) {
		case 1:
			_, _ = w.Write([]byte("id: 1\nevent: job\ndata: a\n\nid: 2\ndata: b\n\n: beat\nid: 3\n\ndata: cut off"))
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 3:
			_, _ = w.Write([]byte("id: 4\ndata: c\n\n"))
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	api := newAPI(t, server.URL, client.TokenText("x"))
	open := func(last string) (*http.Response, error) {
		return api.StreamEvents(t.Context(), &client.StreamEventsParams{LastEventID: &last})
	}
	var got []string
	for e, err := range client.Follow(t.Context(), open, nil) {
		if err != nil {
			if refused, ok := errors.AsType[*client.Error](err); !ok || refused.Status != http.StatusUnauthorized {
				t.Error(err)
			}
			break
		}
		got = append(got, string(e.Data))
	}
	if d := cmp.Diff([]string{"a", "b", "c"}, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"", "3", "3", "4"}, asked); d != "" {
		t.Error(d)
	}
	server.Close()
	for _, err := range client.Follow(t.Context(), open, nil) {
		if err == nil {
			t.Error("a server that is not there is no error")
		}
	}
}

// Of a real server: the stream is open when its first heartbeat came, and the job that is
// made then is its first event.
func TestFollowsAServer(t *testing.T) {
	api := newAPI(t, serverURL, client.TokenFile(tokenFile))
	made := make(chan error, 1)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	open := func(last string) (*http.Response, error) {
		resp, err := api.StreamEvents(ctx, &client.StreamEventsParams{Type: &[]client.StreamEventsParamsType{"job"}, LastEventID: &last})
		if err == nil && last == "" {
			go func() {
				_, err := api.CreateJobWithBodyWithResponse(t.Context(), nil, "application/json", strings.NewReader(`{"name": "followed", "input": "admin/repo/fs/Demo/in", "run": {"command": "true"}}`))
				if made <- err; err != nil {
					stop()
				}
			}()
		}
		return resp, err
	}
	last := func(e client.StreamedEvent) bool { return bytes.Contains(e.Data, []byte("followed")) }
	n := 0
	for e, err := range client.Follow(ctx, open, last) {
		if err != nil || e.Type != "job" || e.ID == "" {
			t.Fatalf("%v, %+v", err, e)
		}
		n++
	}
	if err := <-made; err != nil || n == 0 {
		t.Errorf("%d events, %v", n, err)
	}
}
