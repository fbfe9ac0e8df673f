package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/services/broker/cluster"
)

// What a flag says reaches the service that it is for: each is given to a real
// process, and its effect looked at from outside.
func TestFlagsReachTheirServices(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	certificate, key := keyPair(t, p.nats)
	hooks := filepath.Join(t.TempDir(), "hooks")
	p.serve("--max-upload", "1KiB", "--step-timeout", "1s", "--webhook-secret-file", hooks, "--mail-domains", "example.com", "--instance-name", "lab-1",
		"--nats-tls-cert", certificate, "--nats-tls-key", key)

	if status, _ := p.exchange(http.MethodPut, "http://"+p.api+"/api/v2/files/"+testDrive+"/in/f", p.adminToken(), make([]byte, 2000)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("--max-upload 1KiB: 2000 bytes got %d", status)
	}
	if text, err := os.ReadFile(hooks); err != nil || !strings.HasPrefix(string(text), "whsec_") {
		t.Errorf("--webhook-secret-file: %q, %v", text, err)
	}
	var me struct{ Server struct{ Name string } }
	if p.get("/api/v2/me", &me); me.Server.Name != "lab-1" {
		t.Errorf("--instance-name lab-1: %+v", me)
	}
	for ca, works := range map[string]bool{certificate: true, "": false} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		bus, err := jet.Connect(ctx, jet.Options{URL: "tls://" + p.nats, CA: ca, CredsText: everything(p), Name: "test", Log: eventstest.Log(t)})
		if (err == nil) != works {
			t.Errorf("--nats-tls-cert, a client with the authority %q: %v", ca, err)
		}
		if err == nil {
			_ = bus.Close(ctx)
		}
		cancel()
	}
	status, answer := p.send("POST", "jobs", object{
		"name": "mails", "schedule": "@yearly", "run": object{"command": "true"}, "spool": object{"notify": object{"on": []string{"failed"}, "to": object{"mail": []string{"a@other.com"}}}},
	})
	if status != http.StatusBadRequest || !strings.Contains(string(events.Encode(answer)), "other.com") {
		t.Errorf("--mail-domains example.com: a job that mails to other.com: %d %v", status, answer)
	}
}

// Each line of the log is an object when so asked.
func TestLogJSON(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	pr := &process{p: p, args: []string{"serve", "--data", p.data, "--listen", p.api, "--log-json"}, log: &lockedBuffer{}}
	pr.launch()
	t.Cleanup(pr.kill)
	p.eventually("ready", func() bool { return strings.Contains(pr.log.String(), `"msg":"ready"`) })
	for line := range strings.Lines(pr.log.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

// A command that must end takes what --step-timeout says; a user has no more
// processes than --flow-max-processes.
func TestBoundsOfFlows(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give flows to another user")
	}
	p := newHarness(t)
	if err := os.Chmod(filepath.Dir(p.dir), 0o755); err != nil {
		t.Fatal(err)
	}
	p.serve("--step-timeout", "2s", "--flow-user", "65533", "--flow-max-processes", "20")
	bus := p.bus()
	long := p.short(object{"schedule": "@yearly", "run": object{"command": "sleep 60"}})
	if end, _ := p.runs(bus, long); end.Status != events.ERROR || !strings.Contains(end.Message, "2s") {
		t.Errorf("--step-timeout 2s: %+v", end)
	}
	many := p.short(object{"schedule": "@yearly", "run": object{"command": "for i in $(seq 40); do sleep 1 & done; wait"}})
	if end, log := p.runs(bus, many); end.Status != events.ERROR || !strings.Contains(log+end.Message, "ork") { // fork, Cannot fork
		t.Errorf("--flow-max-processes 20: %+v\n%s", end, log)
	}
}

// An endpoint that is not the built-in runner is asked how runs end only if so wanted.
func TestTrackRuns(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := any(events.RunAnswer{Status: events.OK, Data: &events.RunData{JobID: "theirs", OutputFolder: testDrive + "/out"}})
		if r.URL.Path == events.JobStatusPath {
			asked.Add(1)
			answer = map[string]string{"status": "OK", "state": "DONE"}
		}
		_, _ = w.Write(events.Encode(answer))
	}))
	defer endpoint.Close()
	p := newHarness(t)
	p.serve("--run-binary-url", endpoint.URL+"/api/v1/flow/run_binary_async", "--track-runs")
	job := p.job("theirs", "@yearly", "flow.ibflowbin", "in", nil)
	if end, _ := p.runs(p.bus(), job); end.Status != events.OK || asked.Load() == 0 {
		t.Errorf("ended %+v, asked %d times", end, asked.Load())
	}
}

// What would send secrets in clear is refused, and allowed by a flag of its own.
func TestInsecureMustBeSaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ flag, value, allow string }{
		{"--run-binary-url", "http://127.200.0.1.example.com/run", "--insecure-endpoint"},
		{"--nats-listen", "0.0.0.0:0", "--nats-insecure"},
		{"--listen", "0.0.0.0:0", "--insecure"},
	} {
		p := newHarness(t)
		args := []string{"serve", "--data", p.data, c.flag, c.value}
		if c.flag != "--listen" {
			args = append(args, "--listen", p.api)
		}
		if out, code := spool(t, args...); code == 0 || !strings.Contains(out, c.allow) || strings.Contains(out, "msg=ready") {
			t.Errorf("%s %s: status %d: %s", c.flag, c.value, code, out)
		}
		pr := p.start(append(args, c.allow)...)
		pr.kill()
	}
}

// keyPair writes a certificate for the host of an address, and its key.
func keyPair(t testing.TB, address string) (certificate, key string) {
	t.Helper()
	authority, err := cluster.NewAuthority("test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	public, private, err := authority.Sign(cluster.Machine{Name: "m1", Address: address}, time.Now())
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := errors.Join(err, os.WriteFile(certificate, public, 0o600), os.WriteFile(key, private, 0o600)); err != nil {
		t.Fatal(err)
	}
	return certificate, key
}
