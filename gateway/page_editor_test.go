package gateway_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"spool.internal/events"
)

// filledForm reads the fields of a form out of a page, as a browser would send them.
func filledForm(t *testing.T, page []byte, action string) url.Values {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	attr := func(n *html.Node, key string) (string, bool) {
		for _, a := range n.Attr {
			if a.Key == key {
				return a.Val, true
			}
		}
		return "", false
	}
	v := url.Values{}
	text := func(n *html.Node) (s string) {
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			if c.Type == html.TextNode {
				s += c.Data
			}
		}
		return s
	}
	var walk func(n *html.Node, in bool)
	walk = func(n *html.Node, in bool) {
		if n.Type == html.ElementNode {
			at, _ := attr(n, "action")
			in = in || n.Data == "form" && at == action
			name, named := attr(n, "name")
			kind, _ := attr(n, "type")
			value, _ := attr(n, "value")
			_, checked := attr(n, "checked")
			switch {
			case !in || !named:
			case n.Data == "input" && (kind == "checkbox" || kind == "radio"):
				if checked {
					v.Add(name, value)
				}
			case n.Data == "input":
				v.Add(name, value)
			case n.Data == "textarea":
				v.Add(name, strings.ReplaceAll(text(n), "\n", "\r\n"))
			case n.Data == "select":
				chosen, first := "", true
				for o := n.FirstChild; o != nil; o = o.NextSibling {
					if value, _ := attr(o, "value"); o.Type == html.ElementNode && o.Data == "option" {
						if _, is := attr(o, "selected"); is || first {
							chosen = value
						}
						first = false
					}
				}
				v.Add(name, chosen)
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, in)
		}
	}
	walk(root, false)
	return v
}

// editorJobs are jobs of each kind, with each option somewhere, and with text that would do harm.
var editorJobs = []string{
	`{"name":"a command","schedule":"30 2 * * *","run":{"command":"pg_dump db\necho done","env":{"A":"1","B":"two words"},"secrets":{"K":"secret one","F":{"file":"secret two"}},"timeout":"1h30m","retries":{"times":2,"on_exit":[75],"backoff":"1m"}},"spool":{"timezone":"Europe/Paris","overlap":"skip","key":"k/1","managed_by":"git"}}`,
	`{"name":"a program","schedule":"@daily","run":{"command":["rsync","-a","/a b/","c"]},"settings":{"tags":["a","b"],"own":{"x":1.50}}}`,
	`{"name":"watches","run":{"command":"x"},"input":"admin/repo/fs/D/in","watch":{"recursive":true,"include":["*.pdf","a/*.csv"],"ignore":["draft-*"],"quiet_ms":2000,"existing":"mark"},"spool":{"after":{"ok":"move:done","failed":"move:failed"},"max_concurrency":4,"output":"{yyyy}/{name}","output_conflict":"fail"}}`,
	`{"name":"a flow","schedule":"0 6 * * 1","flow_parameters":{"auth_token":"t","binary_path":"admin/r/fs/D/f","input_dir":"admin/r/fs/D/in","verify_ssl_certificate":false,"settings":{"tags":[],"runtime_config":{"a":[1,{"b":null}]},"notification_emails":"a@b.example, c@d.example","webhook_config":{"url":"https://h.example/p?token=1","headers":{"X-A":"v"}}}},"spool":{"catch_up":"none","retry_for":"24h","hold_after":3}}`,
	`{"name":"tells","schedule":"@hourly","run":{"command":"x"},"spool":{"notify":{"on":["failed","recovered"],"to":{"mail":["a@b.example"],"webhook":"https://hooks.example/x","format":"slack"}},"late_after":"30m","too_long_after":"2h","heartbeat":"https://h.example/ping"}}`,
	`{"name":"\"><img src=x onerror=alert(1)>","schedule":"0 0 1 1 *","run":{"command":"\n</textarea><script>alert(1)</script>","env":{"A":"{{.}}"}},"settings":{"tags":["<b>","a,b"],"</script>":"'\"<>"}}`,
}

// The form of a job that nobody has touched changes nothing, and no secret is in it.
func TestEditorRoundTrip(t *testing.T) {
	s, _ := newDriveHarness(t)
	s.runnerSays("r", events.RunnerState{Host: "h"})
	_, admin := s.signIn(s.admin)
	for _, text := range editorJobs {
		job, _ := s.made(s.admin, text)
		at := "/jobs/" + job.ID + "/edit"
		a := s.look(at, withCookie(admin))
		wantPage(t, at, a)
		page := unzipped(t, a)
		for _, secret := range []string{"secret one", "secret two", "token=1"} {
			if bytes.Contains(page, []byte(secret)) {
				t.Errorf("%s: the form has %q in it", job.Name, secret)
			}
		}
		v := filledForm(t, page, at)
		v.Set("do", "review")
		again := s.form(at, v, withCookie(admin), header("Sec-Fetch-Site", "same-origin"))
		if again.code != http.StatusOK || !bytes.Contains(again.body, []byte("Nothing is changed")) {
			t.Errorf("%s: %d\n%s", job.Name, again.code, tailOf(again.body))
		}
		v.Set("name", "another name")
		if review := s.form(at, v, withCookie(admin), header("Sec-Fetch-Site", "same-origin")); review.code != http.StatusOK || !bytes.Contains(review.body, []byte("What changes")) {
			t.Errorf("%s: the review is %d\n%s", job.Name, review.code, tailOf(review.body))
		}
		v.Set("do", "save")
		if saved := s.form(at, v, withCookie(admin), header("Sec-Fetch-Site", "same-origin")); saved.code != http.StatusSeeOther {
			t.Errorf("%s: saving is %d\n%s", job.Name, saved.code, tailOf(saved.body))
		}
		after, _ := s.read(job.ID)
		was, is := named(t, job.Parameters, "another name"), named(t, after.Parameters, "another name")
		if was != is {
			t.Errorf("%s: the parameters were\n%s\nand are\n%s", job.Name, was, is)
		}
	}
}

// named gives parameters with another name.
func named(t *testing.T, raw json.RawMessage, name string) string {
	t.Helper()
	o, err := events.ParseObject(raw)
	if err != nil {
		t.Fatal(err)
	}
	return string(events.Encode(o.Set("name", name)))
}

func tailOf(page []byte) string { return string(page[max(0, len(page)-4000):]) }

// A copy has all but the secrets, and says so; made, it is another job.
func TestEditorCopy(t *testing.T) {
	s, _ := newDriveHarness(t)
	s.runnerSays("r", events.RunnerState{Host: "h"})
	_, admin := s.signIn(s.admin)
	job, _ := s.made(s.admin, editorJobs[0])
	a := s.look("/jobs/new?from="+job.ID, withCookie(admin))
	page := unzipped(t, a)
	if !bytes.Contains(page, []byte("without what a copy cannot have: secrets, key, managed by")) {
		t.Errorf("the copy says\n%s", tailOf(page))
	}
	v := filledForm(t, page, "/jobs/new")
	v.Set("spool.run.secrets.0.value", "new one")
	v.Set("spool.run.secrets.1.value", "new two")
	v.Set("do", "create")
	for range 2 { // a double click makes one
		if made := s.form("/jobs/new", v, withCookie(admin), header("Sec-Fetch-Site", "same-origin")); made.code != http.StatusSeeOther {
			t.Fatalf("%d\n%s", made.code, tailOf(made.body))
		}
	}
	list := s.native(http.MethodGet, "jobs?q=command", s.admin, "")
	if n := strings.Count(string(list.body), `"name":"a command copy"`); n != 2 { // of the job, and in its parameters
		t.Errorf("the jobs are %s", list.body)
	}
	v.Set("name", "a third")
	if again := s.form("/jobs/new", v, withCookie(admin), header("Sec-Fetch-Site", "same-origin")); again.code != http.StatusUnprocessableEntity || !bytes.Contains(again.body, []byte("has made a job before")) {
		t.Errorf("the same key with other values: %d\n%s", again.code, tailOf(again.body))
	}
}

// A form that is refused comes back whole, with what is wrong beside its field.
func TestEditorRefused(t *testing.T) {
	s, _ := newDriveHarness(t)
	s.runnerSays("r", events.RunnerState{Host: "h"})
	_, admin := s.signIn(s.admin)
	v := filledForm(t, unzipped(t, s.look("/jobs/new", withCookie(admin))), "/jobs/new")
	v.Set("name", hostiles)
	v.Set("spool.run.command", "x")
	v.Set("do", "create")
	for field, bad := range map[string]string{
		"schedule": "61 * * * *", "spool.timezone": "Mars/Olympus", "spool.hold_after": "many", "raw": "{", "spool.run.env": "nothing",
		"spool.notify.to.mail": "nobody", "spool.run.retries.backoff": "1m",
	} {
		v.Set("schedule", "@daily")
		was := v.Get(field)
		v.Set(field, bad)
		a := s.form("/jobs/new", v, withCookie(admin), header("Sec-Fetch-Site", "same-origin"))
		wantCode(t, a, http.StatusUnprocessableEntity)
		wantPage(t, "/jobs/new", a)
		back := filledForm(t, a.body, "/jobs/new")
		for name, texts := range v {
			if name != "do" && strings.Join(back[name], "|") != strings.Join(texts, "|") {
				t.Errorf("%s: %s was %q and is %q", field, name, texts, back[name])
			}
		}
		shown := field
		if field == "spool.run.retries.backoff" {
			shown = "spool.run.retries.times" // which it needs
		}
		if !bytes.Contains(a.body, []byte(`href="#f-`+shown+`"`)) || !bytes.Contains(a.body, []byte(`id="f-`+shown+`-fault"`)) {
			t.Errorf("%s: nothing is said beside it\n%s", field, tailOf(a.body))
		}
		v.Set(field, was)
	}
}

// A new token is shown once; revoking one asks first, and says when it is one's own.
func TestTokensPage(t *testing.T) {
	s, _ := newDriveHarness(t)
	s.runnerSays("r", events.RunnerState{Host: "h"})
	_, admin := s.signIn(s.admin)
	send := func(path string, v url.Values) answer {
		return s.form(path, v, withCookie(admin), header("Sec-Fetch-Site", "same-origin"))
	}
	made := send("/tokens", url.Values{"owner": {"ann"}, "role": {"viewer"}, "note": {hostiles}, "expires": {"12h"}})
	wantPage(t, "/tokens", made)
	if !bytes.Contains(made.body, []byte("spool_")) || !bytes.Contains(made.body, []byte("I have saved it")) {
		t.Fatalf("the new token is not shown: %s", tailOf(made.body))
	}
	if list := unzipped(t, s.look("/tokens", withCookie(admin))); bytes.Contains(list, []byte("spool_")) || !bytes.Contains(list, []byte("ann")) {
		t.Errorf("the list is %s", tailOf(list))
	}
	if bad := send("/tokens", url.Values{"owner": {"ann"}, "role": {"king"}}); bad.code != http.StatusUnprocessableEntity || !bytes.Contains(bad.body, []byte(`value="ann"`)) {
		t.Errorf("a role that is none: %d", bad.code)
	}
	own := strings.Split(s.admin, "_")[1]
	if ask := send("/tokens/"+own+"/revoke", nil); ask.code != http.StatusOK || !bytes.Contains(ask.body, []byte("You are logged in with it")) {
		t.Errorf("revoking one's own: %d %s", ask.code, tailOf(ask.body))
	}
	if still := s.native(http.MethodGet, "me", s.admin, ""); still.code != http.StatusOK {
		t.Error("the token is revoked without an answer")
	}
}

// A review says what of today is over; a job that has changed meanwhile is not overwritten,
// and all that was typed is there again.
func TestEditorReview(t *testing.T) {
	s, _ := newDriveHarness(t)
	_, admin := s.signIn(s.admin)
	id, _ := s.lived("often", "*/10 * * * *", "")
	at := "/jobs/" + id + "/edit"
	send := func(v url.Values) answer {
		return s.form(at, v, withCookie(admin), header("Sec-Fetch-Site", "same-origin"))
	}
	v := filledForm(t, unzipped(t, s.look(at, withCookie(admin))), at)
	v.Set("schedule", "5-59/10 * * * *")
	v.Set("do", "review")
	a := send(v)
	wantPage(t, at, a)
	for _, want := range []string{"+ added", "– removed", "Today’s ", "Before: "} {
		if !bytes.Contains(a.body, []byte(want)) {
			t.Errorf("the review lacks %q\n%s", want, tailOf(a.body))
		}
	}
	s.native(http.MethodPatch, "jobs/"+id, s.admin, `{"flow_parameters":{"settings":{"tags":["theirs"]}}}`)
	v.Set("do", "save")
	a = send(v)
	wantCode(t, a, http.StatusUnprocessableEntity)
	for _, want := range []string{"admin changed tags at", "Whose change counts?", `value="5-59/10 * * * *"`} {
		if !bytes.Contains(a.body, []byte(want)) {
			t.Errorf("the conflict lacks %q\n%s", want, tailOf(a.body))
		}
	}
	v.Set("do", "both")
	v = filledForm(t, send(v).body, at)
	if v.Get("schedule") != "5-59/10 * * * *" || v.Get("flow_parameters.settings.tags") != "theirs" {
		t.Errorf("both together are %q, %q", v.Get("schedule"), v.Get("flow_parameters.settings.tags"))
	}
	v.Set("do", "save")
	if saved := send(v); saved.code != http.StatusSeeOther {
		t.Errorf("saving is %d\n%s", saved.code, tailOf(saved.body))
	}
	s.native(http.MethodDelete, "jobs/"+id, s.admin, "")
	if gone := send(v); gone.code != http.StatusUnprocessableEntity || !bytes.Contains(gone.body, []byte("was deleted while you changed it")) {
		t.Errorf("of a job that is deleted: %d\n%s", gone.code, tailOf(gone.body))
	}
}
