package main

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"spool.internal/events"
)

// TestCLI plays the scripts of testdata/cli against one server: one script for each noun.
// Each is a user of its own, so none sees the jobs of another. The README there explains
// the commands.
func TestCLI(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.serve()
	admin := filepath.Join(p.data, "admin.token")
	testscript.Run(t, testscript.Params{
		Dir: "testdata/cli", RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"spool": spoolRuns, "exits": exits, "until": until, "token": tokenFor,
		},
		Setup: func(env *testscript.Env) error {
			p := &harness{TB: env.T().(testing.TB), data: p.data, dir: p.dir, nats: p.nats, api: p.api}
			env.Values[harnessKey{}] = p
			name := "cli-" + strings.TrimSuffix(filepath.Base(env.WorkDir), ".txtar")
			name = strings.TrimPrefix(name, "cli-script-")
			drive := filepath.Join(p.data, "drives", name, "repo/fs/d")
			if err := os.MkdirAll(filepath.Join(drive, "in"), 0o755); err != nil {
				return err
			}
			file := filepath.Join(env.WorkDir, ".token")
			if err := os.WriteFile(file, []byte(p.newToken(name, "operator")), 0o600); err != nil {
				return err
			}
			for key, value := range map[string]string{
				"SPOOL_URL": "http://" + p.api, "SPOOL_TOKEN_FILE": file, "HOME": env.WorkDir, "XDG_CONFIG_HOME": filepath.Join(env.WorkDir, ".config"),
				"TZ": "UTC", "PATH": filepath.Dir(binary) + string(os.PathListSeparator) + env.Getenv("PATH"),
				"URL": "http://" + p.api, "DATA": p.data, "ADMIN": admin, "OWNER": name, "DRIVE": drive,
			} {
				env.Setenv(key, value)
			}
			return nil
		},
	})
}

// harnessKey is where a script has its harness.
type harnessKey struct{}

func harnessOf(ts *testscript.TestScript) *harness { return ts.Value(harnessKey{}).(*harness) }

// newToken makes a token of a user.
func (p *harness) newToken(owner, role string, paths ...string) string {
	p.Helper()
	body := object{"owner": owner, "role": role}
	if len(paths) > 0 {
		body["paths"] = paths
	}
	status, answer := p.exchange(http.MethodPost, "http://"+p.api+"/api/v2/tokens", p.adminToken(), events.Encode(body))
	if status != http.StatusCreated {
		p.Fatalf("a token for %s: %d %s", owner, status, answer)
	}
	return between(string(answer), `"token":"`, `"`)
}

// spoolRuns: spool ARG… runs the program, which has to succeed (or, with !, to fail).
func spoolRuns(ts *testscript.TestScript, neg bool, args []string) {
	if err := ts.Exec(binary, args...); (err != nil) != neg {
		ts.Fatalf("spool %s: %v", strings.Join(args, " "), err)
	}
}

// exits STATUS spool ARG… runs a command that ends with this status.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	if got := exitStatus(ts.Exec(args[1], args[2:]...)); strconv.Itoa(got) != args[0] {
		ts.Fatalf("%s: exit status %d, not %s", strings.Join(args[1:], " "), got, args[0])
	}
}

func exitStatus(err error) int {
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return failed.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

// until PATTERN spool ARG… runs a command again and again, until what it prints matches.
func until(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile("(?m)" + args[0])
	harnessOf(ts).eventually(args[0]+" in the output of "+strings.Join(args[1:], " "), func() bool {
		_ = ts.Exec(args[1], args[2:]...) // the output decides
		return pattern.MatchString(ts.ReadFile("stdout"))
	})
}

// tokenFor: token FILE OWNER ROLE [PATH…] writes a new token into a file.
func tokenFor(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(harnessOf(ts).newToken(args[1], args[2], args[3:]...)), 0o600))
}

// spoolOut runs the program in an environment, and gives its output, what it said on
// stderr, and its exit status.
func spoolOut(t testing.TB, env []string, args ...string) (out, said string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	return stdout.String(), stderr.String(), exitStatus(err)
}
