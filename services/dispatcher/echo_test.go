package dispatcher

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/events/scrub"
)

const (
	echoToken  = "t0ken/with+all&of=them"
	echoHeader = "h3ader<value>'and\"more"
	echoQuery  = "qu3ry-value-abcdef"
	echoPath   = "/services/T000/B000/p4th-of-the-chat"
)

// echoing makes a job whose secrets are the ones above.
func echoing() func(string) string {
	hook := string(events.Encode(map[string]any{
		"url":     "https://us3r:p4ssword-in-url@chat.example" + echoPath + "?key=" + echoQuery,
		"headers": map[string]string{"X-Key": echoHeader, "Accept": "application/json", "Content-Type": "text/x-of-the-job", "User-Agent": "agent-of-the-job"},
	}))
	return func(s string) string {
		s = strings.Replace(s, `"s3cret"`, string(events.Encode(echoToken)), 1)
		return strings.Replace(s, `{"headers":{"X-Key":"h1dden"}}`, hook, 1)
	}
}

// echoes gives everything that an endpoint may say of what it was sent.
func echoes(q *http.Request) string {
	body, _ := io.ReadAll(q.Body)
	var all strings.Builder
	fmt.Fprintf(&all, "%s\n%v\n%+q\n", body, q.Header, body)
	for _, s := range []string{echoToken, echoHeader, echoQuery, echoPath, "us3r:p4ssword-in-url", string(body)} {
		html, _ := json.Marshal(s)
		for i := range 3 {
			all.WriteString(base64.StdEncoding.EncodeToString([]byte("xyz"[:i]+s+"end")) + "\n" + base64.URLEncoding.EncodeToString([]byte("xyz"[:i]+s)) + "\n")
		}
		fmt.Fprintf(&all, "%s\n%s\n%s\n%s\n", url.QueryEscape(s), url.PathEscape(s), html, strings.ReplaceAll(string(html), "/", `\/`))
	}
	return all.String()
}

// leaks names the secrets that a text holds in any of the forms that the endpoints of these tests use.
func leaks(text string) (found []string) {
	for _, s := range []string{echoToken, echoHeader, echoQuery, echoPath, "p4ssword-in-url"} {
		forms := []string{s, url.QueryEscape(s), url.PathEscape(s), strings.ReplaceAll(s, "/", `\/`), string(events.Encode(s))}
		html, _ := json.Marshal(s)
		forms = append(forms, strings.Trim(string(html), `"`))
		for i := range 3 {
			for _, c := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
				forms = append(forms, c.EncodeToString([]byte(s[i:len(s)-(len(s)-i)%3])))
			}
		}
		for _, f := range forms {
			twice := strings.Trim(string(events.Encode(strings.Trim(f, `"`))), `"`) // as it is stored: in JSON
			if strings.Contains(text, f) || strings.Contains(text, twice) {
				found = append(found, f)
			}
		}
	}
	return found
}

// stored gives all that the streams hold but the jobs.
func (h *harness) stored() string {
	h.Helper()
	var all bytes.Buffer
	h.srv.EachMessage(h, func(m eventstest.Message) {
		if m.Stream != jet.JobsStream {
			fmt.Fprintf(&all, "%s %v %s\n", m.Subject, m.Header, m.Data)
		}
	})
	return all.String()
}

// safe is a log that goroutines write.
type safe struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *safe) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *safe) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// Whatever an endpoint says of what it was sent, and in whatever part of its
// answer, no secret of the job comes into the store or the log.
func TestNoEchoIsStored(t *testing.T) {
	for name, c := range map[string]struct {
		retryFor string
		endpoint http.HandlerFunc
		says     string // what is left of the answer
	}{
		"in the body": {"1h", func(w http.ResponseWriter, q *http.Request) { fmt.Fprintf(w, "said %s", echoes(q)) }, "said "},
		"in headers": {"1h", func(w http.ResponseWriter, q *http.Request) {
			for i, s := range []string{echoToken, echoHeader, echoQuery, "https://chat.example" + echoPath} {
				html, _ := json.Marshal(s)
				for j, v := range []string{s, url.QueryEscape(s), string(html), "Basic " + base64.StdEncoding.EncodeToString([]byte("u:"+s))} {
					w.Header().Set(fmt.Sprintf("X-Echo-%d-%d", i, j), v)
				}
			}
			w.Header()["X-"+"Qu3ry-Value-Abcdef"] = []string{"in a name"}
			w.Header().Set("Location", "/login?next="+url.QueryEscape(echoToken))
			w.Header().Set("X-Harmless", "agent-of-the-job")
			w.WriteHeader(http.StatusFound)
		}, "agent-of-the-job"},
		"in an error that passes": {"300ms", func(w http.ResponseWriter, q *http.Request) {
			http.Error(w, "down "+echoes(q), http.StatusServiceUnavailable)
		}, "down "},
		"in what is no HTTP": {"300ms", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				fmt.Fprintf(conn, "%s %s %s\r\n\r\n", echoToken, echoHeader, echoQuery) //nolint:errcheck // a test's answer
				conn.Close()                                                            //nolint:errcheck // the answer
			}
		}, "malformed HTTP"},
		"in a broken header": {"300ms", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n%s %s\r\n\r\n", echoQuery, echoHeader) //nolint:errcheck // a test's answer
				conn.Close()                                                                 //nolint:errcheck // the answer
			}
		}, "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, c.endpoint)
			var log safe
			h.cfg.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			h.trigger("j", "1", h.job("j", c.retryFor, echoing()))
			h.run()
			h.results("j", 1)
			stored := h.stored()
			for where, text := range map[string]string{"the store": stored, "the log": log.String()} {
				if found := leaks(text); len(found) > 0 {
					t.Errorf("%s holds %q:\n%s", where, found, text)
				}
			}
			if !strings.Contains(stored, events.Mask) || !strings.Contains(stored, c.says) {
				t.Errorf("what is left of the answer: %s", stored)
			}
		})
	}
}

// Cookies and what proves or asks for an identity are not kept at all.
func TestHeadersThatAreNotKept(t *testing.T) {
	t.Parallel()
	const names = "Set-Cookie Set-Cookie2 Cookie WWW-Authenticate Authorization Authentication-Info Proxy-Authenticate Proxy-Authorization Proxy-Authentication-Info"
	h := newHarness(t, func(w http.ResponseWriter, _ *http.Request) {
		for name := range strings.FieldsSeq(names) {
			w.Header().Add(name, "session=1")
			w.Header().Add(name, "nonce=2")
		}
		w.Header().Set("X-Kept", "yes")
	})
	h.trigger("j", "1", h.job("j", "1h", nil))
	h.run()
	kept := map[string]string{}
	for _, header := range h.results("j", 1)[0].HTTP.Headers {
		kept[strings.ToLower(header.Key)] = header.Value
	}
	for name := range strings.FieldsSeq(strings.ToLower(names)) {
		if v, ok := kept[name]; ok {
			t.Errorf("%s: %s is kept", name, v)
		}
	}
	if kept["x-kept"] != "yes" || kept["content-length"] != "0" {
		t.Errorf("kept %v", kept)
	}
}

// Run id and output folder name things: they are what the endpoint said, also
// where a secret stands in them.
func TestRunAndFolderAreReadRaw(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"status":"OK","data":{"job_id":"long-enough-1","output_folder":"a\/b/fs/D/long-enough-1/out"}}`)
	})
	h.trigger("j", "1", h.job("j", "1h", func(s string) string { return strings.Replace(s, "h1dden", "long-enough-1", 1) }))
	h.run()
	res := h.results("j", 1)[0]
	if res.FlowJobID != "long-enough-1" || res.OutputFolder != "a/b/fs/D/long-enough-1/out" {
		t.Errorf("run %q, folder %q", res.FlowJobID, res.OutputFolder)
	}
	if want := `{"status":"OK","data":{"job_id":"********","output_folder":"a\/b/fs/D/********/out"}}`; res.HTTP.Response != want {
		t.Errorf("response %s", res.HTTP.Response)
	}
}

// The cut at 64 KiB leaves no half of a secret behind, wherever it goes through.
func TestCutThroughASecret(t *testing.T) {
	for _, form := range []string{echoToken, url.QueryEscape(echoToken), base64.StdEncoding.EncodeToString([]byte(echoToken)), `t0ken\/with+all\u0026of=them`} {
		for into := range len(form) + 3 {
			body := strings.Repeat("x", events.MaxResponse-into) + form + strings.Repeat("y", 100)
			got := response([]byte(body[:events.MaxResponse+1]), scrub.New(echoToken))
			end := strings.TrimLeft(strings.TrimSuffix(got, events.CutMark), "x")
			if !strings.HasSuffix(got, events.CutMark) || len(got) > events.MaxResponse+len(events.CutMark) {
				t.Errorf("%q cut after %d: %d bytes, ending with %q", form, into, len(got), end)
			}
			if left := strings.TrimRight(strings.ReplaceAll(end, "*", ""), "y"); len(left) > 6 {
				t.Errorf("%q cut after %d: %q is left", form, into, left)
			}
		}
	}
}

// What an endpoint says of its runs is stored without the secrets, but for the folder.
func TestNoEchoInTrackedRuns(t *testing.T) {
	t.Parallel()
	says := string(events.Encode("broke with " + echoToken + " and " + url.QueryEscape(echoHeader)))
	f := &foreign{status: map[string]string{}, tokens: map[string]bool{}}
	h := newHarness(t, f.ServeHTTP)
	var log safe
	h.cfg.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h.cfg.TrackRuns, h.cfg.TrackFor = true, 3*time.Second
	seq := h.job("j", "1h", echoing())
	for _, id := range []string{"msg", "state", "fault", "page", "long"} {
		h.trigger("j", id, seq)
	}
	h.run()
	h.results("j", 5)
	f.set("f-msg", `{"status":"OK","state":"DONE","results":[{"status":"ERROR","msg":`+says+`,"output_folder":"a/b/fs/D/out"}]}`)
	f.set("f-state", `{"status":"OK","cur_status":{"status":"FAILED"},"results":[{"status":"ERROR","msg":`+says+`}]}`)
	f.set("f-fault", `{"status":"ERROR","msg":`+says+`}`)
	f.set("f-page", "<html>"+echoToken)
	f.set("f-long", strings.Repeat("x", 195)+echoToken) // what is shown ends inside
	eventstest.Eventually(h, "all end", func() bool { return len(h.runEvents(events.Ended)) == 5 })
	for where, text := range map[string]string{"the store": h.stored(), "the log": log.String()} {
		if found := leaks(text); len(found) > 0 || strings.Contains(text, "xt0ken") {
			t.Errorf("%s holds %q:\n%s", where, found, text)
		}
	}
	if m := h.runEvents(events.Ended)["f-msg"].Message; m != "broke with "+events.Mask+" and "+events.Mask {
		t.Errorf("message %q", m)
	}
}
