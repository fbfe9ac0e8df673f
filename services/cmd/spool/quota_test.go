package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events"
)

// operator makes a token of an operator who may use every drive.
func (p *harness) operator(owner string) string {
	p.Helper()
	code, text := p.ask(http.MethodPost, "tokens", "", map[string]any{"owner": owner, "role": "operator", "paths": []string{"admin/"}})
	if code != http.StatusCreated {
		p.Fatalf("token: %d %s", code, text)
	}
	_, token, _ := strings.Cut(text, `"token":"`)
	return token[:strings.IndexByte(token, '"')]
}

func (p *harness) jobOf(token, name, in string, automatic bool) string {
	p.Helper()
	body := map[string]any{"name": name, "schedule": "@yearly", "flow_parameters": map[string]any{
		"auth_token": "any", "binary_path": testDrive + "/wait.ibflowbin", "input_dir": testDrive + "/" + in,
		"settings": map[string]any{"spooled_mode": automatic, "output_dir": testDrive + "/out/" + name},
	}}
	if automatic {
		delete(body, "schedule")
	}
	code, text := p.ask(http.MethodPost, "jobs", token, body)
	if code != http.StatusCreated {
		p.Fatalf("create %s: %d %s", name, code, text)
	}
	_, id, _ := strings.Cut(text, `"job_id":"`)
	return id[:36]
}

// An owner has no more runs under way than the quota says. What is over waits,
// and is shown; others go before it, and in the end all have run.
func TestQuotaOfRunning(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.flow("wait.ibflowbin", "#!/bin/sh\nuntil [ -e \"$1\"/go -o -e \"$1\"/../go ]; do sleep 0.05; done\n")
	p.serve("--durability", "interval", "--quota", "running=2", "--flows", "16", "--sandbox", "off")
	bus := p.bus()
	ann, bob := p.operator("ann"), p.operator("bob")
	byHand, byFile := p.jobOf(ann, "hand", "tick/in", false), p.jobOf(ann, "file", "in", true)
	other, root := p.jobOf(bob, "other", "tick/in", false), p.jobOf("", "root", "tick/in", false)
	accepted := func(jobs ...string) (n int) {
		for _, id := range jobs {
			n += len(read(p, bus.Runs(events.Accepted, id)))
		}
		return n
	}
	trigger := func(token, id string) {
		t.Helper()
		if code, text := p.ask(http.MethodPost, "jobs/"+id+"/trigger", token, nil); code != http.StatusAccepted {
			t.Fatalf("trigger: %d %s", code, text)
		}
	}
	for range 4 {
		trigger(ann, byHand)
	}
	p.eventually("two run", func() bool { return accepted(byHand) == 2 })
	for i := range 3 {
		if err := os.WriteFile(filepath.Join(p.dir, "in", fmt.Sprint("f", i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		trigger("", root)
	}
	trigger(bob, other)
	p.eventually("the others run", func() bool { return accepted(root) == 3 && accepted(other) == 1 })
	for _, id := range []string{byHand, byFile} {
		p.eventually("it is shown", func() bool {
			var j struct {
				Retrying events.RetryState `json:"retrying"`
			}
			p.get("/api/v2/jobs/"+id, &j)
			return strings.Contains(j.Retrying.LastError, "the quota of 2 runs of ann that have not ended is used up")
		})
	}
	if n := accepted(byHand, byFile); n != 2 {
		t.Errorf("%d runs were accepted, want 2", n)
	}
	direct := func() (int, string) {
		body := events.Encode(map[string]any{"binary_path": testDrive + "/wait.ibflowbin", "input_dir": testDrive + "/tick/in"})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.api+events.RunBinaryPath, strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+bob)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text)
	}
	for i := range 3 {
		code, text := direct()
		if full := strings.Contains(text, "the quota of 2 runs of bob that have not ended is used up"); full != (i == 2) || full && code != http.StatusServiceUnavailable {
			t.Errorf("direct call %d: %d %s", i, code, text)
		}
	}

	for _, name := range []string{"tick/in/go"} {
		if err := os.WriteFile(filepath.Join(p.dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stages, err := filepath.Glob(filepath.Join(p.dir, ".spool", byFile, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, stage := range stages {
		if err := os.WriteFile(filepath.Join(stage, "go"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p.eventually("all have run", func() bool {
		n := 0
		for _, id := range []string{byHand, byFile, other, root} {
			n += len(read(p, bus.Runs(events.Ended, id)))
		}
		return n == 4+3+1+3
	})
	p.eventually("direct calls are taken again", func() bool { code, _ := direct(); return code == http.StatusOK })
}
