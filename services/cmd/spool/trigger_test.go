package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"spool.internal/events"
)

// outcome triggers a job and gives its newest v1 result.
func (p *harness) outcome(job string, before int) (status, httpStatus, response string) {
	p.Helper()
	if a := p.call("POST", "trigger_job", map[string]any{"job_id": job}); a["triggered_job"] != job {
		p.Fatalf("trigger_job: %v", a)
	}
	var newest map[string]any
	p.eventually("a result", func() bool {
		jobs, _ := p.call("GET", "list_jobs?job_id="+job, nil)["jobs"].([]any)
		results, _ := jobs[0].(map[string]any)["results"].([]any)
		if len(results) <= before {
			return false
		}
		newest = results[0].(map[string]any)
		return true
	})
	h := newest["http_result"].(map[string]any)
	return newest["status"].(string), h["status"].(string), h["response"].(string)
}

func TestTriggerOutcomes(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.serve()
	p.flow("fails.ibflowbin", "#!/bin/sh\necho no luck today\nexit 1\n")
	p.flow("plain.ibflowbin", "#!/bin/sh\n")
	if err := os.Chmod(filepath.Join(p.dir, "plain.ibflowbin"), 0o644); err != nil {
		t.Fatal(err)
	}
	bus := p.bus()

	t.Run("a flow that exits 1 was accepted, and its run ends ERROR", func(t *testing.T) {
		job := p.job("fails", "@yearly", "fails.ibflowbin", "in", nil)
		if s, h, r := p.outcome(job, 0); s != "OK" || h != "200" {
			t.Errorf("result %s %s %s", s, h, r)
		}
		var ended []events.RunEvent
		p.eventually("the run ends", func() bool {
			ended = read(p, bus.Runs(events.Ended, job))
			return len(ended) > 0
		})
		if e := ended[0]; e.Status != events.ERROR || e.ExitStatus == nil || *e.ExitStatus != 1 || !strings.Contains(e.Message, "no luck today") {
			t.Errorf("ended %+v", e)
		}
	})
	for _, c := range []struct{ binary, says string }{
		{"missing.ibflowbin", "missing.ibflowbin"},
		{"plain.ibflowbin", "chmod +x"},
	} {
		t.Run(c.binary+" is refused and starts no run", func(t *testing.T) {
			job := p.job(c.binary, "@yearly", c.binary, "in", nil)
			if s, h, r := p.outcome(job, 0); s != "ERROR" || h != "200" || !strings.Contains(r, c.says) || !strings.Contains(r, p.dir) {
				t.Errorf("result %s %s %s", s, h, r)
			}
			if runs := read(p, bus.Runs(events.Accepted, job)); len(runs) > 0 {
				t.Errorf("a run was accepted: %+v", runs)
			}
		})
	}
	t.Run("the process goes on", func(t *testing.T) {
		job := p.job("good", "@yearly", "flow.ibflowbin", "in", nil)
		if s, h, r := p.outcome(job, 0); s != "OK" || h != "200" {
			t.Errorf("result %s %s %s", s, h, r)
		}
	})
}

func TestEndpointThatRefuses(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	pr := p.serve("--run-binary-url", "http://127.0.0.1:1/api/v1/flow/run_binary_async")
	job := p.job("refused", "@yearly", "flow.ibflowbin", "in", map[string]any{"retry_for": "3s"})
	if s, h, r := p.outcome(job, 0); s != "ERROR" || h != "0" || !strings.Contains(r, "refused") {
		t.Errorf("result %s %s %s", s, h, r)
	}
	if s, h, _ := p.outcome(job, 1); s != "ERROR" || h != "0" {
		t.Errorf("second result %s %s: the process did not go on", s, h)
	}
	if code := pr.stop(syscall.SIGINT); code != 0 {
		t.Errorf("stopped with status %d", code)
	}
}

func TestMissingFolderIsSaid(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	pr := p.serve()
	p.job("nowhere", "", "flow.ibflowbin", "not/there", nil)
	p.eventually("the log names the host path", func() bool {
		return strings.Contains(pr.log.String(), filepath.Join(p.dir, "not/there"))
	})
}

func TestFaultsOfAStart(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.serve()
	readOnly := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(readOnly, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		says string
	}{
		{"a second instance", []string{"serve", "--data", p.data, "--listen", "127.0.0.1:0"}, "in use by another spool"},
		{"a port in use", []string{"serve", "--data", t.TempDir(), "--listen", p.api}, "in use by another process"},
		{"an unwritable folder", []string{"serve", "--data", filepath.Join(readOnly, "x"), "--listen", "127.0.0.1:0"}, "data folder"},
		{"an open address without TLS", []string{"serve", "--data", t.TempDir(), "--listen", "0.0.0.0:0"}, "--insecure"},
		{"an unknown zone", []string{"serve", "--data", t.TempDir(), "--timezone", "Mars/Base"}, "timezone: "},
		{"an unknown durability", []string{"serve", "--data", t.TempDir(), "--durability", "maybe"}, "durability: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, code := spool(t, append(c.args, "--log-level", "error")...)
			if code == 0 || strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, "spool: ") || !strings.Contains(out, c.says) {
				t.Errorf("status %d, said %q", code, out)
			}
		})
	}
}
