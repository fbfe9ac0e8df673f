package jobform

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
)

// jobs are jobs as the API shows them: each kind, each mode, each option, and what no
// field can show.
var jobs = map[string]string{
	"command":       `{"name":"a","schedule":"30 2 * * *","run":{"command":"pg_dump db"}}`,
	"argv":          `{"name":"a","schedule":"@daily","run":{"command":["rsync","-a","/a b/","c"]}}`,
	"argv, odd":     `{"name":"a","schedule":"@daily","run":{"command":["sh","-c","a\nb"]}}`,
	"lines":         `{"name":"a","schedule":"@daily","run":{"command":"set -e\n\necho a\n"}}`,
	"carriage":      `{"name":"a","schedule":"@daily","run":{"command":"echo a\r\necho b"}}`,
	"watches":       `{"name":"a","run":{"command":"x"},"input":"a/b/fs/c/in","watch":{"recursive":true,"include":["*.pdf"],"quiet_ms":2000,"existing":"mark"}}`,
	"secrets":       `{"name":"a","schedule":"@daily","run":{"command":"x","env":{"A":"1","B":"two words"},"secrets":{"K":"********","F":{"file":"********"}},"timeout":"1h30m"}}`,
	"odd env":       `{"name":"a","schedule":"@daily","run":{"command":"x","env":{"A":" 1\n2"}}}`,
	"input, clock":  `{"name":"a","schedule":"0 1 * * *","run":{"command":"x","cwd":"a/b/fs/c","user":"u","shell":"bash","profiles":["aws","net"]},"input":"a/b/fs/c/in"}`,
	"flow":          `{"name":"f","schedule":"0 6 * * 1","flow_parameters":{"auth_token":"********","binary_path":"a/b/fs/c/flow","input_dir":"a/b/fs/c/in","settings":{"tags":[],"x":1.50,"runtime_config":{"a":[1,{"b":null}]}}},"spool":{"timezone":"Europe/Paris","catch_up":"none","overlap":"skip","retry_for":"24h","hold_after":3}}`,
	"files":         `{"name":"f","flow_parameters":{"auth_token":"********","binary_path":"a/b/fs/c/flow","input_dir":"a/b/fs/c/in","verify_ssl_certificate":false,"settings":{"spooled_mode":true,"notification_emails":"a@b.c, d@e.f","webhook_config":{"url":"https://h.example/p?********","headers":{"X-A":"********"}}}},"spool":{"max_concurrency":4,"after":{"ok":"move:done","failed":"keep"},"watch":{"initial":"ignore","ignore":["x"," y"],"marker":"{stem}.done"},"output":"{yyyy}/{name}","output_conflict":"fail","expect":{"by":"10:00","days":"mon-fri","files":3}}}`,
	"scheduled too": `{"name":"f","schedule":"@daily","flow_parameters":{"auth_token":"********","binary_path":"a/b/fs/c/flow","input_dir":"a/b/fs/c/in","settings":{"spooled_mode":true}}}`,
	"notify":        `{"name":"n","schedule":"@daily","run":{"command":"x","retries":{"times":2,"on_exit":[75,1],"backoff":"1m"}},"spool":{"notify":{"on":["recovered","failed"],"to":{"mail":["a@b.c"],"webhook":"https://hooks.example/x","format":"slack"}},"late_after":"30m","too_long_after":"2h","heartbeat":"https://h.example/ping","key":"backup/www","managed_by":"git","shadow":true}}`,
	"any":           `{"name":"n","schedule":"@daily","run":{"command":"x","retries":{"times":1,"on_exit":"any"}},"spool":{"notify":{"to":{"mail":"a@b.c"}}}}`,
	"defaults":      `{"name":"n","schedule":"@daily","run":{"command":"x"},"spool":{"catch_up":"latest","overlap":"allow","output_conflict":"suffix","output":"{name}","timezone":""}}`,
	"hostile":       `{"name":"\"><img src=x onerror=alert(1)>","schedule":"0 0 1 1 *","run":{"command":"</textarea><script>alert(1)</script>","env":{"A":"\u2028"}},"settings":{"tags":["<b>","a,b"],"</script>":"\u0000"}}`,
}

func parse(t *testing.T, text string) events.Object {
	t.Helper()
	o, err := events.ParseObject([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// browser sends values as a browser does: boxes that are not ticked not at all, and line
// breaks as CRLF.
func browser(v url.Values) url.Values {
	out := url.Values{}
	boxes := []string{"flow_parameters.verify_ssl_certificate", "spool.watch.recursive", "spool.shadow"}
	for key, all := range v {
		for _, s := range all {
			if s != "" || !slices.Contains(boxes, key) {
				out.Add(key, strings.ReplaceAll(s, "\n", "\r\n"))
			}
		}
	}
	return Posted(out)
}

// A form that nobody has touched changes nothing.
func TestRoundTrip(t *testing.T) {
	for name, text := range jobs {
		shown := parse(t, text)
		patch, err := Patch(shown, browser(Values(shown)))
		if err != nil || len(patch) > 0 {
			t.Errorf("%s: %s, %v\nvalues %v", name, events.Encode(patch), err, Values(shown))
		}
	}
}

// otherwise are fields that say the same in another way in a new job: what is so anyway, a
// list in place of a text with commas, a list without an order in another.
var otherwise = map[string][]string{
	"flow":     {"flow_parameters.settings.tags"},
	"files":    {"flow_parameters.settings.notification_emails"},
	"notify":   {"spool.notify.on"},
	"any":      {"spool.notify.to.mail"},
	"defaults": {"spool.catch_up", "spool.overlap", "spool.output_conflict", "spool.timezone"},
}

// Filled in as a job is shown, the form of a new one makes the same job; but for what
// is told to be left out.
func TestNewIsTheSame(t *testing.T) {
	for name, text := range jobs {
		shown := parse(t, text)
		v := Values(shown)
		v.Set("flow_parameters.auth_token", "********")
		for _, r := range Secrets(v) {
			v.Set(r.Key("value"), "********")
		}
		got, err := New(browser(v))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := shown
		if mode(want) == Files {
			want = Without(want, "schedule") // of a folder that is watched it means nothing
		}
		want = Without(want, otherwise[name]...)
		got = Without(got, otherwise[name]...)
		if diff := cmp.Diff(canonical(want), canonical(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func canonical(o events.Object) string {
	var keys []string
	var walk func(prefix string, o events.Object)
	walk = func(prefix string, o events.Object) {
		for _, m := range o {
			if m.Value[0] == '{' {
				walk(prefix+m.Key+".", o.Inner(m.Key))
				continue
			}
			keys = append(keys, prefix+m.Key+"="+string(m.Value))
		}
	}
	walk("", o)
	slices.Sort(keys)
	return strings.Join(keys, "\n")
}

func TestPatch(t *testing.T) {
	for _, c := range []struct {
		name, job string
		set       url.Values
		want      string
	}{
		{"a field", "command", url.Values{"schedule": {"0 6 * * *"}}, `{"schedule":"0 6 * * *"}`},
		{"a deep one", "flow", url.Values{"spool.timezone": {"Asia/Tokyo"}, "spool.hold_after": {"x"}}, `{"spool":{"timezone":"Asia/Tokyo","hold_after":"x"}}`},
		{"back to the default", "flow", url.Values{"spool.catch_up": {"latest"}}, `{"spool":{"catch_up":null}}`},
		{"nobody is told", "notify", url.Values{"spool.notify.to.mail": {""}, "spool.notify.to.webhook": {""}}, `{"spool":{"notify":null}}`},
		{"no retries", "notify", url.Values{"spool.run.retries.times": {""}}, `{"run":{"retries":null}}`},
		{"a secret", "secrets", url.Values{"spool.run.secrets.0.value": {"s"}}, `{"run":{"secrets":{"K":"s"}}}`},
		{"another", "secrets", url.Values{"spool.run.secrets.2.name": {"N"}, "spool.run.secrets.2.value": {"n"}, "spool.run.secrets.1.drop": {"true"}}, `{"run":{"secrets":{"F":null,"N":"n"}}}`},
		{"a token", "flow", url.Values{"flow_parameters.auth_token": {"t"}}, `{"flow_parameters":{"auth_token":"t"}}`},
		{"watches now", "flow", url.Values{When: {Files}}, `{"schedule":null,"flow_parameters":{"settings":{"spooled_mode":true}}}`},
		{"by the clock now", "files", url.Values{When: {Clock}, "schedule": {"@daily"}}, `{"flow_parameters":{"settings":{"spooled_mode":null}},"spool":{"after":null,"watch":null,"expect":null},"schedule":"@daily"}`},
		{"a command by the clock now", "watches", url.Values{When: {Clock}, "schedule": {"@daily"}}, `{"watch":null,"schedule":"@daily"}`},
		{"other parameters", "flow", url.Values{Raw: {`{"flow_parameters":{"settings":{"x":2.50}}}`}}, `{"flow_parameters":{"settings":{"x":2.50,"runtime_config":null}}}`},
		{"a list", "argv", url.Values{"spool.run.command": {"rsync\n-a"}}, `{"run":{"command":["rsync","-a"]}}`},
		{"a line", "argv", url.Values{"spool.run.command": {"rsync -a"}, Argv: {Line}}, `{"run":{"command":"rsync -a"}}`},
	} {
		shown := parse(t, jobs[c.job])
		v := browser(Values(shown))
		maps.Copy(v, c.set)
		patch, err := Patch(shown, v)
		if err != nil || canonical(patch) != canonical(parse(t, c.want)) {
			t.Errorf("%s: %s, %v\nwant %s", c.name, events.Encode(patch), err, c.want)
		}
	}
}

func TestFaults(t *testing.T) {
	shown := parse(t, jobs["secrets"])
	for _, c := range []struct {
		set          url.Values
		field, fault string
	}{
		{url.Values{Raw: {"{"}}, Raw, "not JSON"},
		{url.Values{Raw: {`{"name":"b"}`}}, Raw, "name has a field of its own"},
		{url.Values{"spool.run.env": {"A"}}, "spool.run.env", "line 1"},
		{url.Values{"spool.run.env": {"A=1\nA=2"}}, "spool.run.env", "A twice"},
		{url.Values{"spool.run.secrets.0.as": {"file"}}, SecretsField, "type its value"},
	} {
		v := browser(Values(shown))
		maps.Copy(v, c.set)
		_, err := Patch(shown, v)
		if e, ok := err.(*events.Error); !ok || e.Field != c.field || !strings.Contains(e.Message, c.fault) { //nolint:errorlint // of its own type
			t.Errorf("%v: %v", c.set, err)
		}
	}
}

func TestFieldOf(t *testing.T) {
	for path, want := range map[string]string{
		"schedule": "schedule", "input": "flow_parameters.input_dir", "run.command": CommandField, "spool.run.secrets.K": SecretsField,
		"settings.tags[2]": "flow_parameters.settings.tags", "spool.notify.to": "spool.notify.to.mail", "spool.expect": "spool.expect.by",
		"spool.notify.to.mail": "spool.notify.to.mail", "spool.run.env.A": "spool.run.env", "": "", "If-Match": "", "unheard": "", "raw": Raw,
		"flow_parameters.settings.webhook_config.headers.X": "flow_parameters.settings.webhook_config.headers", "status": Disabled,
	} {
		if got := FieldOf(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestDuplicate(t *testing.T) {
	v, dropped := Duplicate(parse(t, jobs["files"]))
	o, err := New(browser(v))
	if err != nil || strings.Contains(string(events.Encode(o)), events.Mask) {
		t.Errorf("%s, %v", events.Encode(o), err)
	}
	want := []string{"flow_parameters.auth_token", "flow_parameters.settings.webhook_config.url", "flow_parameters.settings.webhook_config.headers"}
	if diff := cmp.Diff(want, dropped); diff != "" || v.Get("name") != "f copy" {
		t.Error(v.Get("name"), diff)
	}
	if v, dropped = Duplicate(parse(t, jobs["notify"])); v.Get("spool.key") != "" || len(dropped) != 2 {
		t.Error(dropped)
	}
}
