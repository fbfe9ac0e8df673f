//go:build linux || darwin

package runner

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

func TestAcceptOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", `echo ran >> "$1/journal"`)
	r := h.runner(nil)
	url := h.serve(r).URL

	answers := make([]reply, 8)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = h.ask(url, "key", body("flow", `{"output_has_run_id":true}`), nil) })
	}
	wg.Wait()
	id := events.FlowJobID("Jürgen M", "key")
	for _, a := range answers {
		if a.status != 200 || a.Data == nil || a.Data.JobID != id || a.Data.OutputFolder != answers[0].Data.OutputFolder {
			t.Errorf("answer %+v %+v", a, a.Data)
		}
	}
	if out := answers[0].Data.OutputFolder; !strings.HasPrefix(out, theDrive+"/out/20") || !strings.HasSuffix(out, "-"+id) {
		t.Errorf("output folder %q", out)
	}
	h.background(r.Run)
	h.until(events.Ended, id)

	// The same call after the end, and after its files are gone, is answered as the first.
	if err := os.Remove(h.host("flow")); err != nil {
		t.Fatal(err)
	}
	if a := h.ask(url, "key", body("flow", `{}`), nil); a.Data == nil || *a.Data != *answers[0].Data {
		t.Errorf("the call again: %+v", a)
	}
	h.drained()
	if got := h.lines("in/journal"); len(got) != 1 {
		t.Errorf("the flow ran %d times", len(got))
	}
	for _, p := range []events.Phase{events.Accepted, events.Started, events.Ended} {
		if n, ev := h.phase(p, id); n != 1 || ev.TriggerID != "key" || ev.JobID != "job-1" || ev.Owner != "Jürgen M" {
			t.Errorf("%d events %s, the last %+v", n, p, ev)
		}
	}
}

func TestWithoutKeyEveryCallIsARun(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", "exit 0")
	url := h.serve(h.runner(nil)).URL
	first := h.accept(url, "", "flow", `{}`)
	if second := h.accept(url, "", "flow", `{}`); second == first {
		t.Error("two calls without a key are one run")
	}
}

func TestWhoMayRun(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", "exit 0")
	url := h.serve(h.runner(nil)).URL
	closed := h.serve(h.runner(func(c *Config) { c.Secret = "" })).URL
	direct := func(authorization string) map[string]string {
		return map[string]string{events.HeaderDispatcher: "", "Authorization": authorization}
	}
	for name, c := range map[string]struct {
		url     string
		headers map[string]string
		status  int
		says    string // in msg; empty = accepted
		owner   string
	}{
		"dispatcher":               {url, nil, 200, "", "Jürgen M"},
		"admin":                    {url, direct("Bearer " + h.token[events.Admin]), 200, "", "admin"},
		"operator":                 {url, direct("bearer " + h.token[events.Operator]), 200, "", "olga"},
		"viewer":                   {url, direct("Bearer " + h.token[events.Viewer]), 200, "role viewer", ""},
		"nobody":                   {url, direct(""), 401, "Authorization: Bearer", ""},
		"basic":                    {url, direct("Basic YTpi"), 401, "Authorization must be: Bearer <token>", ""},
		"no such token":            {url, direct("Bearer spool_00000000_x"), 401, "not valid", ""},
		"wrong secret":             {url, map[string]string{events.HeaderDispatcher: "guess", "Authorization": "Bearer " + h.token[events.Admin]}, 401, "not the secret", ""},
		"a runner without secret":  {closed, nil, 401, "not the secret", ""},
		"dispatcher without owner": {url, map[string]string{events.HeaderOwner: ""}, 200, "Spool-Owner", ""},
		"a job that is no token":   {url, map[string]string{events.HeaderJobID: "a.>"}, 200, "Spool-Job-Id", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := h.ask(c.url, name, body("flow", `{}`), c.headers)
			if a.status != c.status || (a.Status == events.OK) != (c.says == "") || !strings.Contains(a.Msg, c.says) {
				t.Fatalf("answer %+v", a)
			}
			if (a.header.Get("WWW-Authenticate") == "Bearer") != (c.status == 401) {
				t.Errorf("WWW-Authenticate: %q", a.header.Get("WWW-Authenticate"))
			}
			if c.says != "" {
				return
			}
			run, found, err := h.bus.AcceptedRun(t.Context(), a.Data.JobID)
			if err != nil || !found || run.Owner != c.owner || run.FlowJobID != events.FlowJobID(c.owner, name) {
				t.Errorf("accepted %+v, %v", run, err)
			}
			if name != "dispatcher" && (run.JobID != "" || run.TriggerID != "") {
				t.Errorf("a direct call has a job: %+v", run)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", "exit 0")
	h.flow("in/flow", "exit 0")
	h.write("plain", "#!/bin/sh\n", 0o644)
	if err := os.Symlink("/bin/sh", h.host("escape")); err != nil {
		t.Fatal(err)
	}
	url := h.serve(h.runner(nil)).URL
	paths := func(binary, input string) string {
		return string(events.Encode(map[string]string{"binary_path": binary, "input_dir": input}))
	}
	for name, c := range map[string]struct {
		body   string
		status int
		says   []string
	}{
		"missing binary":        {body("none", `{}`), 200, []string{"binary_path", logical("none"), "does not exist", h.host("none")}},
		"binary not executable": {body("plain", `{}`), 200, []string{"binary_path", logical("plain"), h.host("plain"), "chmod +x"}},
		"binary is a folder":    {body("in", `{}`), 200, []string{"binary_path", logical("in"), h.host("in"), "not a file"}},
		"binary out of drive":   {body("escape", `{}`), 200, []string{"binary_path", logical("escape")}},
		"missing input":         {paths(logical("flow"), logical("nowhere")), 200, []string{"input_dir", logical("nowhere"), h.host("nowhere")}},
		"input is a file":       {paths(logical("flow"), logical("plain")), 200, []string{"input_dir", "not a folder", h.host("plain")}},
		"input is the drive":    {paths(logical("flow"), theDrive), 200, []string{"input_dir", "root of a drive"}},
		"dots":                  {paths(theDrive+"/../x/y", logical("in")), 200, []string{"binary_path", `".."`}},
		"no binary":             {`{"input_dir":"a/b/fs/D/in"}`, 200, []string{"binary_path", "required"}},
		"binary is a number":    {`{"binary_path":1}`, 200, []string{"binary_path", "string"}},
		"settings is a list":    {body("flow", `[]`), 200, []string{"settings", "object"}},
		"tags":                  {body("flow", `{"tags":"x"}`), 200, []string{"settings.tags", "list of strings"}},
		"runtime_config":        {body("flow", `{"runtime_config":[]}`), 200, []string{"settings.runtime_config", "object"}},
		"large runtime_config":  {body("flow", `{"runtime_config":{"a":"`+strings.Repeat("x", 130<<10)+`"}}`), 200, []string{"settings.runtime_config", "bytes"}},
		"output_has_run_id":     {body("flow", `{"output_has_run_id":"yes"}`), 200, []string{"settings.output_has_run_id", "true or false"}},
		"output_dir":            {body("flow", `{"output_dir":"/tmp"}`), 200, []string{"settings.output_dir", "form"}},
		"output over input":     {body("flow", `{"output_dir":"`+theDrive+`","delete_out_dir":true}`), 200, []string{"settings.delete_out_dir"}},
		"output is input":       {body("in/flow", `{"output_dir":"`+logical("in")+`","delete_out_dir":true}`), 200, []string{"settings.delete_out_dir"}},
		"not JSON":              {`{`, 200, []string{"not JSON"}},
		"twice":                 {`{"binary_path":"a","binary_path":"b"}`, 200, []string{"binary_path", "twice"}},
		"too large":             {strings.Repeat(" ", maxBody+1), 413, []string{"640 KiB"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := h.ask(url, name, c.body, nil)
			if a.status != c.status || a.Status != events.ERROR || a.Data != nil {
				t.Errorf("answer %+v", a)
			}
			for _, s := range c.says {
				if !strings.Contains(a.Msg, s) {
					t.Errorf("msg %q does not say %q", a.Msg, s)
				}
			}
		})
	}
	if all := h.history(""); len(all) > 0 {
		t.Errorf("refused calls left %+v", all)
	}
	if keys, err := h.bus.RunQueue("").And(h.bus.WaitingRuns(""), h.bus.RunKeys()).Count(t.Context()); err != nil || keys > 0 {
		t.Errorf("refused calls are queued: %v, %v", keys, err)
	}
}

func TestSettingsAreStoredWithoutSecrets(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", "exit 0")
	url := h.serve(h.runner(nil)).URL
	id := h.accept(url, "k", "flow", `{"z":1e400,"webhook_config":{"headers":{"A":"hidden"}},"tags":["t"],"notification_emails":"a@b.c"}`)
	run, _, err := h.bus.AcceptedRun(t.Context(), id)
	if err != nil || string(run.Settings) != `{"z":1e400,"tags":["t"]}` {
		t.Errorf("stored %s, %v", run.Settings, err)
	}
	if run.OutputFolder != logical("out") || run.BinaryPath != logical("flow") {
		t.Errorf("stored %+v", run)
	}
}

func TestPutOff(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{Store: 32 << 20})
	h.flow("flow", "exit 0")
	r := h.runner(nil)
	url := h.serve(r).URL
	putOff := func(key, store string) {
		t.Helper()
		a := h.ask(url, key, body("flow", `{}`), nil)
		if a.status != http.StatusServiceUnavailable || a.Status != events.ERROR || a.header.Get("Retry-After") == "" || a.header.Get(events.HeaderStore) != store {
			t.Errorf("answer %+v", a)
		}
	}
	t.Run("intake is full", func(t *testing.T) {
		filler := events.Run{Settings: events.Encode(strings.Repeat("x", 64<<10))}
		for err := error(nil); err == nil; {
			filler.FlowJobID += "x"
			_, _, err = h.bus.AcceptRun(t.Context(), "elsewhere", filler)
		}
		filler.Settings = nil
		for err := error(nil); err == nil; {
			filler.FlowJobID += "x"
			_, _, err = h.bus.AcceptRun(t.Context(), "elsewhere", filler)
		}
		putOff("full", "")
	})
	t.Run("NATS is away", func(t *testing.T) {
		h.server.Shutdown()
		h.server.WaitForShutdown()
		h.eventually("the connection is lost", func() bool { return h.bus.Check() != nil })
		putOff("away", "away")
		if r.Check() == nil {
			t.Error("the runner calls itself ready")
		}
	})
}

// A direct call is held to the paths of its token, in the same words whatever
// lies there; a dispatcher's goes on with the paths of the job.
func TestPathsOfDirectCalls(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", "exit 0")
	url := h.serve(h.runner(nil)).URL
	bearer := func(paths ...string) map[string]string {
		token, text := events.NewToken("olga", events.Operator, time.Now())
		token.Paths = paths
		if err := h.bus.PutToken(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		h.eventually("the token is known", func() bool { _, err := h.keys.Verify(text, time.Now()); return err == nil })
		return map[string]string{"Authorization": "Bearer " + text, events.HeaderDispatcher: ""}
	}
	for _, c := range []struct {
		paths    []string
		settings string
		field    string // at fault
	}{
		{[]string{"admin/"}, `{}`, ""},
		{[]string{theDrive + "/"}, `{"output_dir":"` + theDrive + `/o"}`, ""},
		{[]string{"olga/"}, `{}`, "binary_path"},
		{[]string{"adminx/"}, `{}`, "binary_path"},
		{[]string{theDrive + "/flow/"}, `{}`, "input_dir"},
		{[]string{theDrive + "/flow/", theDrive + "/in/"}, `{}`, "settings.output_dir"},
		{[]string{"admin/"}, `{"output_dir":"bob/r/fs/D/out"}`, "settings.output_dir"},
		{[]string{"admin/"}, `{"output_dir":"` + theDrive + `/.spool/x"}`, "settings.output_dir"},
		{[]string{}, `{}`, "binary_path"},
	} {
		headers := bearer(c.paths...)
		a := h.ask(url, "", body("flow", c.settings), headers)
		if (a.Status == events.OK) != (c.field == "") || !strings.HasPrefix(a.Msg, c.field) {
			t.Errorf("%v, %s: answer %+v", c.paths, c.settings, a)
		}
		if c.field != "binary_path" {
			continue
		}
		if none := h.ask(url, "", body("none", c.settings), headers); none.status != a.status || none.Msg != a.Msg {
			t.Errorf("%v: what exists is told from what does not: %+v, %+v", c.paths, a, none)
		}
	}
}
