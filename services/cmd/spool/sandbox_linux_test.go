package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"spool.internal/events/eventstest"
)

// withoutSpaces starts spool as root without namespaces, in a user namespace of
// the test's own, where the sandbox is not complete.
func (p *harness) withoutSpaces(args ...string) *process {
	p.Helper()
	whole := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 65536}}
	pr := &process{p: p, args: args, log: &lockedBuffer{}}
	pr.cmd = exec.Command("/bin/sh", append([]string{"-c", `for f in /proc/sys/user/max_*_namespaces; do echo 0 > $f; done; exec "$0" "$@"`, binary}, args...)...)
	pr.cmd.Stderr, pr.cmd.Stdout = pr.log, pr.log
	pr.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: whole, GidMappings: whole, GidMappingsEnableSetgroups: true}
	if err := pr.cmd.Start(); err != nil {
		p.Skipf("this machine lets root make no user namespace: %v", err)
	}
	p.Cleanup(pr.kill)
	return pr
}

// ready gives what a process says of its health.
func (p *harness) ready(addr string) (code int, text string) {
	resp, err := http.Get("http://" + addr + "/readyz")
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		p.Error(err)
	}
	return resp.StatusCode, string(b)
}

// mint asks for a token, and gives its id or why there is none.
func (p *harness) mint(role string) (id, refusal string, code int) {
	p.Helper()
	code, text := p.exchange(http.MethodPost, "http://"+p.api+"/api/v2/tokens", p.adminToken(), []byte(`{"owner":"ann","role":"`+role+`"}`))
	var a struct{ ID, Detail string }
	if err := json.Unmarshal(text, &a); err != nil {
		p.Fatal(err)
	}
	return a.ID, a.Detail, code
}

const lacking = "privileges: flows are root, whom the files of the host belong to"

// Where the sandbox is not complete, only administrators get a token, in one process…
func TestTokensNeedTheSandbox(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("root without namespaces is root")
	}
	p := newHarness(t)
	for _, c := range []struct {
		more   []string
		admits bool
	}{{nil, false}, {[]string{"--sandbox", "best-effort"}, true}, {[]string{"--flow-user", "65534"}, true}} {
		pr := p.withoutSpaces(append([]string{"serve", "--data", p.data, "--listen", p.api, "--drive", testDrive + "=" + p.dir}, c.more...)...)
		p.eventually("ready", func() bool { code, _ := p.ready(p.api); return code == http.StatusOK })
		_, text := p.ready(p.api)
		if whole := c.admits && c.more[0] == "--flow-user"; strings.Contains(text, lacking) == whole {
			t.Errorf("%v: /readyz says %s", c.more, text)
		}
		for _, role := range []string{"admin", "viewer", "operator"} {
			_, refusal, code := p.mint(role)
			if want := role != "operator" || c.admits; (code == http.StatusCreated) != want || !want && (code != http.StatusConflict || !strings.Contains(refusal, lacking)) {
				t.Errorf("%v, %s: %d %s", c.more, role, code, refusal)
			}
		}
		pr.kill()
	}
}

// …and in several: a runner that comes later starts no flow while there is one.
func TestRunnersNeedTheSandbox(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("root without namespaces is root")
	}
	p := newHarness(t)
	p.start("broker", "--data", p.data, "--nats-listen", p.nats)
	role := func(name string, more ...string) []string {
		return append([]string{name, "--data", p.data, "--nats-url", "nats://" + p.nats, "--nats-creds", filepath.Join(p.data, name+".creds"), "--drive", testDrive + "=" + p.dir}, more...)
	}
	p.start(role("gateway", "--listen", p.api)...)
	if _, refusal, code := p.mint("operator"); code != http.StatusCreated {
		t.Fatalf("without a runner: %d %s", code, refusal)
	}
	addr := eventstest.FreeAddress(t)
	p.withoutSpaces(role("runner", "--listen", addr)...)
	p.eventually("the runner says why it starts no flow", func() bool {
		code, text := p.ready(addr)
		return code == http.StatusServiceUnavailable && strings.Contains(text, "somebody who is no administrator") && strings.Contains(text, lacking)
	})
	if _, refusal, code := p.mint("operator"); code != http.StatusConflict || !strings.Contains(refusal, lacking) {
		t.Errorf("with the runner: %d %s", code, refusal)
	}
}
