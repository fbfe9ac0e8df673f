package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestHangUp: a terminal that is closed is a stop like SIGTERM, flows included.
func TestHangUp(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.flow("long.ibflowbin", "#!/bin/sh\necho $$ >\"$2/pid\"\nexec sleep 347.25\n")
	pr := p.serve()
	id := p.job("long", "0 0 1 1 *", "long.ibflowbin", "in", nil)
	if answer := p.call("POST", "trigger_job", map[string]any{"job_id": id}); answer["status"] != "OK" {
		t.Fatal(answer)
	}
	p.eventually("the flow runs", func() bool {
		out, _ := filepath.Glob(filepath.Join(p.dir, "out", "pid"))
		return len(out) > 0
	})
	if code := pr.stop(syscall.SIGHUP); code != 0 || !strings.Contains(pr.log.String(), "msg=stopping") {
		t.Errorf("status %d after SIGHUP: %s", code, tail(pr.log.String(), 300))
	}
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range lines {
		if text, _ := os.ReadFile(path); strings.Contains(string(text), "sleep\x00347.25") {
			t.Errorf("a flow is left: %s", path)
		}
	}
}

// TestNohup: under nohup a hang-up is ignored, and SIGTERM still stops.
func TestNohup(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	pr := &process{p: p, args: []string{"serve"}, log: &lockedBuffer{}}
	pr.cmd = exec.Command("sh", "-c", `trap '' HUP; exec "$0" "$@"`, binary, "serve", "--data", p.data, "--listen", p.api)
	pr.cmd.Stderr = pr.log
	if err := pr.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pr.kill)
	p.eventually("ready", func() bool { return strings.Contains(pr.log.String(), "msg=ready") })
	if err := pr.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if answer := p.call("GET", "list_jobs", nil); answer["status"] != "OK" {
		t.Errorf("after SIGHUP: %v", answer)
	}
	if code := pr.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("status %d after SIGTERM", code)
	}
}

// TestLogReaderGone: `spool serve | head` goes on when head has ended, and its
// flows still die of a broken pipe of their own.
func TestLogReaderGone(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.flow("pipe.ibflowbin", "#!/bin/sh\ntrap >\"$2/ignored\"\nyes | head -1 >/dev/null\ngrep SigIgn /proc/self/status >>\"$2/ignored\" 2>/dev/null\nexit 0\n")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "serve", "--data", p.data, "--listen", p.api, "--log-level", "debug", "--drive", testDrive+"="+p.dir)
	cmd.Stderr, cmd.Stdout = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	_ = w.Close()
	lines := bufio.NewScanner(r)
	for lines.Scan() && !strings.Contains(lines.Text(), "msg=ready") {
	}
	_ = r.Close()
	id := p.job("pipe", "0 0 1 1 *", "pipe.ibflowbin", "in", nil)
	for range 3 { // each of these is logged
		if answer := p.call("POST", "trigger_job", map[string]any{"job_id": id}); answer["status"] != "OK" {
			t.Fatal(answer)
		}
	}
	ended := func() bool {
		var page struct {
			Results []struct {
				Run struct {
					State string `json:"state"`
				} `json:"run"`
			} `json:"results"`
		}
		p.get("/api/v2/jobs/"+id+"/results", &page)
		return len(page.Results) == 3 && page.Results[0].Run.State == "ended"
	}
	p.eventually("the runs end", ended)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("spool ended with %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(p.dir, "out", "ignored")); err != nil || strings.Contains(string(text), "PIPE") {
		t.Errorf("the flow ignores: %s (%v)", text, err)
	}
}

// TestReaderGone: `spool schedule next … | head -1` is no fault.
func TestReaderGone(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	defer w.Close()
	var said strings.Builder
	cmd := exec.Command(binary, "schedule", "next", "* * * * *", "--count", "5")
	cmd.Stdout, cmd.Stderr = w, &said
	if err := cmd.Run(); err != nil || said.Len() > 0 {
		t.Errorf("%v, %q", err, said.String())
	}
}
