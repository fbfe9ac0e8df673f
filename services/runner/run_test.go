//go:build linux || darwin

package runner

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/services/runner/reaper"
	"spool.internal/services/runner/record"
)

func TestContractOfAFlow(t *testing.T) {
	h := newHarness(t, eventstest.Options{})
	t.Setenv("SPOOL_RUNNER_SECRET", "not for flows")
	h.flow("flow", `pwd; echo "$1|$2"; env | sort; cat; echo to stderr >&2; echo result > result`)
	r := h.runner(nil)
	url := h.serve(r).URL
	h.background(r.Run)
	id := h.accept(url, "key", "flow", `{"output_dir":"`+logical("deep/out put")+`","tags":["a","b c"],"runtime_config":{"k": 1e400}}`)

	ended := h.until(events.Ended, id)
	if ended.Status != events.OK || ended.ExitStatus == nil || *ended.ExitStatus != 0 || ended.Message != "" || ended.Attempt != 1 {
		t.Errorf("ended %+v", ended)
	}
	if started := h.until(events.Started, id); !started.At.Equal(ended.StartedAt) || started.Process.PID == 0 || ended.At.Before(started.At) {
		t.Errorf("started %+v, ended %+v", started, ended)
	}
	if h.read("deep/out put/result") != "result\n" {
		t.Error("the flow did not run in its output folder")
	}
	text, err := os.ReadFile(filepath.Join(h.data, "runs", id, "run.log"))
	if err != nil {
		t.Fatal(err)
	}
	in, out, tmp := h.host("in"), h.host("deep/out put"), filepath.Join(h.data, "runs", id, "tmp")
	h.eventually("the private folder is gone", func() bool { _, err := os.Stat(tmp); return os.IsNotExist(err) })
	var want strings.Builder
	want.WriteString(out + "\n" + in + "|" + out + "\n")
	for _, line := range []string{
		"HOME=" + tmp, "LANG=" + os.Getenv("LANG"), "PATH=" + os.Getenv("PATH"), "PWD=" + out,
		"SPOOL_ATTEMPT=1", "SPOOL_INPUT_DIR=" + in, "SPOOL_JOB_ID=job-1", "SPOOL_OUTPUT_DIR=" + out,
		"SPOOL_RESULT=" + filepath.Join(tmp, "result.json"), `SPOOL_RUNTIME_CONFIG={"k":1e400}`, "SPOOL_RUN_ID=" + id, `SPOOL_TAGS=["a","b c"]`, "TMPDIR=" + tmp,
	} {
		if line == "LANG=" {
			line = "LANG=C.UTF-8"
		}
		want.WriteString(line + "\n")
	}
	want.WriteString("to stderr\n")
	var got []string // a shell adds variables of its own
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "_=") && !strings.HasPrefix(line, "SHLVL=") && !strings.HasPrefix(line, "OLDPWD=") {
			got = append(got, line)
		}
	}
	if diff := cmp.Diff(want.String(), strings.Join(got, "")); diff != "" {
		t.Errorf("the flow saw (-want +got):\n%s", diff)
	}
}

func TestHowFlowsEnd(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("exits 3", `echo first; echo "the reason" >&2; exit 3`)
	h.flow("is silent", `exit 1`)
	h.flow("is killed", `echo going; kill -9 $$`)
	h.flow("talks", `i=0; while [ $i -lt 300 ]; do echo "line $i"; i=$((i+1)); done; exit 1`)
	h.flow("leaves a child", `sleep 600 & echo $! > "$1/stray"; exit 0`)
	h.write("is no program", "what is this", 0o755)
	r := h.runner(nil)
	url := h.serve(r).URL
	h.background(r.Run)
	for flow, want := range map[string]struct {
		status events.Status
		exit   *int
		msg    []string
	}{
		"exits 3":        {events.ERROR, new(3), []string{"exit status 3: first\nthe reason"}},
		"is silent":      {events.ERROR, new(1), []string{"exit status 1"}},
		"is killed":      {events.ERROR, nil, []string{"signal: killed: going"}},
		"talks":          {events.ERROR, new(1), []string{"exit status 1: line ", "line 299"}},
		"leaves a child": {events.OK, new(0), nil},
		"is no program":  {events.ERROR, new(126), []string{"exit status 126", "exec format error"}},
	} {
		t.Run(flow, func(t *testing.T) {
			ended := h.until(events.Ended, h.accept(url, flow, flow, `{}`))
			if ended.Status != want.status || !cmp.Equal(ended.ExitStatus, want.exit) {
				t.Errorf("ended %+v", ended)
			}
			for _, s := range want.msg {
				if !strings.Contains(ended.Message, s) {
					t.Errorf("message %q does not say %q", ended.Message, s)
				}
			}
			if len(ended.Message) > record.MaxTail+100 {
				t.Errorf("the message has %d bytes", len(ended.Message))
			}
		})
	}
	pid, err := strconv.Atoi(strings.TrimSpace(h.read("in/stray")))
	if err != nil {
		t.Fatal(err)
	}
	if p, found, err := reaper.Lookup(pid); err != nil || found && !p.Zombie {
		t.Errorf("the child %d of a flow that has ended lives on (%v)", pid, err)
	}
	h.drained()
}

// What the kernel does not start says why: the interpreter, its line ends, the sandbox.
func TestTheStartOfAFlowExplainsItself(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	r := h.shut(nil)
	url := h.serve(r).URL
	h.background(r.Run)
	h.write("python", "", 0o755)
	for name, c := range map[string]struct{ text, want string }{
		"crlf":    {"#!/bin/sh\r\necho hi\r\n", "has Windows line ends"},
		"missing": {"#!/usr/bin/no-such-python\n", "which is not on this host"},
		"shut":    {"#!" + h.host("python") + "\n", "which is not there or lies where the sandbox lets flows read nothing"},
		"nothing": {"#!/opt/none/python\n", "which is not there or lies where the sandbox lets flows read nothing"},
		"env":     {"#!/usr/bin/env no-such-python\n", "asks env for the interpreter"},
		"bare":    {"echo hi\n", "has no #! in its first line"},
		"bom":     {"\ufeff#!/bin/sh\n", "begins with a byte order mark"},
		"empty":   {"", "is empty"},
		"own 127": {"#!/bin/sh\necho of its own >&2\nexit 127\n", "exit status 127: of its own"},
	} {
		t.Run(name, func(t *testing.T) {
			h := *h
			h.t = t
			h.write(name, c.text, 0o755)
			ended := h.until(events.Ended, h.accept(url, name, name, `{}`))
			own := name == "own 127"
			if !strings.Contains(ended.Message, c.want) || !strings.Contains(ended.Message, "exit status 12") || own != strings.HasPrefix(ended.Message, "exit") {
				t.Errorf("message: %s", ended.Message)
			}
		})
	}
}

func TestTheBinaryGoesBeforeItsRun(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", "exit 0")
	r := h.runner(nil)
	id := h.accept(h.serve(r).URL, "k", "flow", `{}`)
	if err := os.Remove(h.host("flow")); err != nil {
		t.Fatal(err)
	}
	h.background(r.Run)
	if ended := h.until(events.Ended, id); ended.Status != events.ERROR || ended.ExitStatus != nil || !strings.HasPrefix(ended.Message, "binary_path: ") || !strings.Contains(ended.Message, "does not exist") {
		t.Errorf("ended %+v", ended)
	}
}

func TestAnOutputFolderThatCannotBe(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", "exit 0")
	h.write("out", "a file, not a folder", 0o644)
	r := h.runner(nil)
	id := h.accept(h.serve(r).URL, "k", "flow", `{}`)
	h.background(r.Run)
	ended := h.until(events.Ended, id)
	if ended.Status != events.ERROR || ended.ExitStatus != nil || !strings.Contains(ended.Message, h.host("out")) {
		t.Errorf("ended %+v", ended)
	}
	if n, _ := h.phase(events.Started, id); n != 0 {
		t.Error("a run that could not start has started")
	}
	h.drained()
}

func TestDeleteOutDir(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", "echo new > new")
	h.write("out/old/deep", "old", 0o644)
	r := h.runner(nil)
	url := h.serve(r).URL
	h.background(r.Run)
	for _, c := range []struct {
		settings string
		old      bool
	}{
		{`{}`, true},
		{`{"delete_out_dir":true,"output_has_run_id":true}`, true},
		{`{"delete_out_dir":true}`, false},
	} {
		h.until(events.Ended, h.accept(url, c.settings, "flow", c.settings))
		if h.exists("out/old/deep") != c.old || !h.exists("out/new") {
			t.Errorf("%s: old is there: %v, new is there: %v", c.settings, h.exists("out/old/deep"), h.exists("out/new"))
		}
	}
}

func TestJobStatus(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("good", `while [ ! -e "$1/release" ]; do sleep 0.01; done`)
	h.flow("bad", "echo why; exit 1")
	r := h.runner(nil)
	url := h.serve(r).URL
	h.background(r.Run)
	get := func(t *testing.T, query, token string) map[string]any {
		t.Helper()
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/api/v1/jobs/status?"+query, nil)
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		a := map[string]any{}
		if err := json.Unmarshal(text, &a); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		a["http"] = resp.StatusCode
		if s, ok := a["cur_status"].(string); ok {
			cur := map[string]any{}
			if err := json.Unmarshal([]byte(s), &cur); err != nil {
				t.Errorf("cur_status %q: %v", s, err)
			}
			delete(cur, "finish_timestamp")
			a["cur_status"] = cur
		}
		return a
	}
	cur := func(status string, progress float64) map[string]any {
		return map[string]any{"status": status, "curProgress": progress, "reviewer": "", "review_state": "NONE"}
	}
	good, bad := h.accept(url, "good", "good", `{}`), h.accept(url, "bad", "bad", `{}`)
	h.until(events.Started, good)
	admin := h.token[events.Admin]
	check := func(name, query, token string, want map[string]any) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, get(t, query, token)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	check("running", "type=flow&job_id="+good, admin, map[string]any{
		"http": 200, "status": "OK", "state": "PENDING", "job_id": good, "msg": "", "cur_status": cur("RUNNING", 0),
	})
	h.write("in/release", "", 0o644)
	h.until(events.Ended, good)
	h.until(events.Ended, bad)
	check("complete", "job_id="+good, admin, map[string]any{
		"http": 200, "status": "OK", "state": "DONE", "job_id": good, "msg": "", "cur_status": cur("COMPLETE", 1),
		"results": []any{map[string]any{"status": "OK", "output_folder": logical("out")}},
	})
	check("failed", "job_id="+bad, admin, map[string]any{
		"http": 200, "status": "OK", "state": "DONE", "job_id": bad, "msg": "exit status 1: why", "cur_status": cur("FAILED", 0),
		"results": []any{map[string]any{"status": "ERROR", "msg": "exit status 1: why"}},
	})
	unknown := map[string]any{"http": 200, "status": "ERROR", "msg": "job_id: no such job"}
	check("unknown", "job_id=6bc58441-1f60-4265-99f1-881c90ac65df", admin, unknown)
	check("no id", "job_id=>", admin, unknown)
	check("somebody else's", "job_id="+good, h.token[events.Operator], unknown)
	check("another type", "type=refiner&job_id="+good, admin, map[string]any{"http": 200, "status": "ERROR", "msg": `type: "refiner" is not known here: flow is`})
	check("nobody", "job_id="+good, "x", map[string]any{"http": 401, "status": "ERROR", "msg": "the token is not valid"})
}

// A run that a stop cuts short has no end; it starts again, in an empty folder.
func TestStopAndStartAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", `
trap '' TERM # does not stop when asked to
[ -z "$(ls)" ] || echo "not empty" >> "$1/faults"
echo half > half
echo $$ >> "$1/journal"
while [ ! -e "$1/release" ]; do sleep 0.01; done`)
	bus, closeBus := h.connect(h.relay())
	r := h.runner(func(c *Config) { c.Bus = bus })
	id := h.accept(h.serve(r).URL, "k", "flow", `{"output_has_run_id":true}`)
	if err := r.Check(); err == nil {
		t.Error("ready before it runs")
	}
	stop := h.background(r.Run)
	h.eventually("the flow runs", func() bool { return len(h.lines("in/journal")) == 1 })
	if err := r.Check(); err != nil {
		t.Errorf("not ready while it runs: %v", err)
	}
	stop()
	closeBus()
	if err := r.Check(); err == nil {
		t.Error("ready after it stopped")
	}
	_, started := h.phase(events.Started, id)
	if members, err := reaper.Group(started.Process.PID); err != nil || reaper.CountAlive(members) > 0 {
		t.Errorf("after the stop there are %+v (%v)", members, err)
	}
	if n, _ := h.phase(events.Ended, id); n != 0 {
		t.Error("a run that was cut short has ended")
	}
	h.write("in/release", "", 0o644)
	h.background(h.runner(nil).Run)
	if ended := h.until(events.Ended, id); ended.Attempt != 2 || ended.Status != events.OK {
		t.Errorf("ended %+v", ended)
	}
	if h.exists("in/faults") || len(h.lines("in/journal")) != 2 {
		t.Errorf("journal %q, faults %q", h.read("in/journal"), h.read("in/faults"))
	}
	log, _ := os.ReadFile(filepath.Join(h.data, "runs", id, "run.log"))
	if !strings.HasPrefix(string(log), "--- attempt 2, ") {
		t.Errorf("run.log: %q", log)
	}
}

// The end of a flow is told when NATS is back, and the flow does not notice.
func TestNATSAwayWhileAFlowRuns(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", `echo $$ >> "$1/journal"; while [ ! -e "$1/release" ]; do sleep 0.01; done; echo done > "$1/done"; exit 7`)
	relay := h.relay()
	bus, _ := h.connect(relay)
	r := h.runner(func(c *Config) { c.Bus = bus })
	id := h.accept(h.serve(r).URL, "k", "flow", `{}`)
	h.background(r.Run)
	h.eventually("the flow runs", func() bool { return len(h.lines("in/journal")) == 1 })
	relay.cut(true)
	h.eventually("the runner notices", func() bool { return r.Check() != nil })
	h.write("in/release", "", 0o644)
	h.eventually("the flow is done", func() bool { return h.exists("in/done") })
	relay.cut(false)
	if ended := h.until(events.Ended, id); ended.Attempt != 1 || *ended.ExitStatus != 7 {
		t.Errorf("ended %+v", ended)
	}
	h.drained()
	if n, _ := h.phase(events.Ended, id); n != 1 || len(h.lines("in/journal")) != 1 {
		t.Errorf("%d ends, journal %q", n, h.read("in/journal"))
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	err := Config{Pool: "a.b", Workers: -1}.Validate()
	for _, field := range []string{"bus:", "keys:", "drives:", "data:", "pool:", "flows:", "log:"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%v does not name %s", err, field)
		}
	}
}
