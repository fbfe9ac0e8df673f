package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// listsIn runs spool jobs list in a folder, without a flag.
func listsIn(t *testing.T, dir string, env ...string) (output string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, "jobs", "list", "-o", "name")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), append(env, "HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())...)
	out, err := cmd.CombinedOutput()
	return string(out), exitStatus(err)
}

// The server beside which a person stands is found without a flag, while it lives, and its
// token goes nowhere afterwards.
func TestFoundWithoutAFlag(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	dir := t.TempDir()
	p.data = filepath.Join(dir, "spool-data")
	if out, code := listsIn(t, dir); code != 1 || !strings.Contains(out, "there is no server in spool-data") {
		t.Errorf("without a server: status %d, %s", code, out)
	}
	pr := p.serve()
	p.short(object{"name": "mine", "schedule": "@yearly", "run": object{"command": "true"}})
	if out, code := listsIn(t, dir); code != 0 || out != "mine\n" {
		t.Errorf("beside it: status %d, %s", code, out)
	}
	if code := pr.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("stopped with status %d", code)
	}
	if out, code := listsIn(t, dir); code != 1 || !strings.Contains(out, "the server of spool-data does not run: start it") {
		t.Errorf("after its stop: status %d, %s", code, out)
	}
	pr.start()
	pr.kill()
	if out, code := listsIn(t, dir); code != 1 || !strings.Contains(out, "has ended without a goodbye") {
		t.Errorf("after kill -9: status %d, %s", code, out)
	}
	pr.start() // over the stale one
	if out, code := listsIn(t, dir); code != 0 || out != "mine\n" {
		t.Errorf("started again: status %d, %s", code, out)
	}
	if err := os.Chmod(p.data, 0o777); err != nil {
		t.Fatal(err)
	}
	if out, code := listsIn(t, dir); code != 5 || !strings.Contains(out, "chmod go-w") {
		t.Errorf("in a folder that others may write: status %d, %s", code, out)
	}
}

// Beside a server with TLS it is the same, for who trusts its certificate.
func TestFoundWithTLS(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	dir := t.TempDir()
	p.data = filepath.Join(dir, "spool-data")
	certificate, key := keyPair(t, p.api)
	p.serve("--tls-cert", certificate, "--tls-key", key)
	if out, code := listsIn(t, dir, "SSL_CERT_FILE="+certificate); code != 0 || out != "" {
		t.Errorf("status %d, %s", code, out)
	}
	if out, code := listsIn(t, dir); code != 1 || !strings.Contains(out, "certificate") {
		t.Errorf("who does not trust it: status %d, %s", code, out)
	}
}

// What a flow is told by its environment is no flag of a command that it runs.
func TestVariablesOfFlowsAreNoFlags(t *testing.T) {
	t.Parallel()
	env := []string{"SPOOL_OUTPUT_DIR=/out", "SPOOL_INPUT_DIR=/in", "SPOOL_NAME=x", "SPOOL_FILE=x", "SPOOL_TAGS=[]", "SPOOL_RESULT=r", "SPOOL_RUN_ID=1", "SPOOL_ATTEMPT=1", "HOME=" + t.TempDir()}
	for _, name := range setForFlows {
		env = append(env, name+"=none of this program's")
	}
	out, said, code := spoolOut(t, env, "context", "list", "-o", "json")
	if code != 0 || said != "" || out != "[]\n" {
		t.Errorf("status %d, %q, %q", code, out, said)
	}
}

// A wrong flag is a problem, too, for programs that have asked for JSON in any of its ways.
func TestUsageErrorsAsJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env  string
		args string
		json bool
	}{
		{"", "jobs list -o json --nope", true},
		{"", "jobs list --nope -o=json", true},
		{"", "jobs list -ojson --nope", true},
		{"", "jobs list --output json extra", true},
		{"", "jobs get --output=json", true},
		{"SPOOL_OUTPUT=json", "jobs list --nope", true},
		{"SPOOL_OUTPUT=json", "jobs list -o table --nope", false},
		{"", "jobs list --nope", false},
		{"", "jobs create --nope -- -o json", false},
		{"", "version -o json x y z", true},
		{"", "licenses -o json x y z", false},
	} {
		_, said, code := spoolOut(t, []string{c.env, "HOME=" + t.TempDir()}, strings.Fields(c.args)...)
		var problem struct {
			Exit    int    `json:"exit_code"`
			Message string `json:"message"`
		}
		err := json.Unmarshal([]byte(said), &problem)
		if code != 2 || (err == nil) != c.json || c.json && (problem.Exit != 2 || problem.Message == "") {
			t.Errorf("%s spool %s: status %d, %s", c.env, c.args, code, said)
		}
	}
}
