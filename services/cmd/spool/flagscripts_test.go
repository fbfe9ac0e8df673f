package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// TestFlagScripts plays the scripts of testdata/flags: one per group of flags. The README
// there explains the commands.
func TestFlagScripts(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(hangs.Close)
	t.Cleanup(func() { close(release) })
	all := map[string]func(*flagScript, *testscript.TestScript, bool, []string){
		"serve": (*flagScript).serve, "stop": (*flagScript).stop, "certificate": (*flagScript).certificate,
		"secure": (*flagScript).secure, "logged": (*flagScript).logged, "ask": (*flagScript).ask, "job": (*flagScript).job,
		"runs": (*flagScript).runs, "begins": (*flagScript).begins, "made": (*flagScript).made, "fails": (*flagScript).fails,
	}
	commands := map[string]func(*testscript.TestScript, bool, []string){}
	for name, command := range all {
		commands[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			command(ts.Value(flagScriptKey{}).(*flagScript), ts, neg, args)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/flags", Cmds: commands,
		Setup: func(env *testscript.Env) error {
			p := newHarness(env.T().(testing.TB))
			env.Values[flagScriptKey{}] = &flagScript{harness: p, jobs: map[string]string{}}
			env.Setenv("DATA", p.data)
			env.Setenv("HANGS", hangs.URL+events.RunBinaryPath)
			return os.Chmod(env.WorkDir, 0o755)
		},
	})
}

type flagScriptKey struct{}

// flagScript is what one script has: a spool, and jobs by name.
type flagScript struct {
	*harness
	server *process
	bus    *jet.Bus
	jobs   map[string]string
}

func (s *flagScript) serve(_ *testscript.TestScript, _ bool, args []string) {
	s.server = s.harness.serve(args...)
}

func (s *flagScript) stop(ts *testscript.TestScript, _ bool, _ []string) {
	if code := s.server.stop(syscall.SIGTERM); code != 0 {
		ts.Fatalf("stopped with status %d", code)
	}
}

func (s *flagScript) certificate(ts *testscript.TestScript, _ bool, args []string) {
	certificate, key := keyPair(s.TB, s.api)
	for from, to := range map[string]string{certificate: args[0], key: args[1]} {
		text, err := os.ReadFile(from)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(to), text, 0o600))
	}
}

func (s *flagScript) secure(ts *testscript.TestScript, _ bool, args []string) {
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM([]byte(ts.ReadFile(args[0])))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}}}
	defer client.CloseIdleConnections()
	s.eventually("an answer over HTTPS", func() bool {
		resp, err := client.Get("https://" + s.api + args[1])
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
}

func (s *flagScript) logged(ts *testscript.TestScript, neg bool, args []string) {
	pattern := regexp.MustCompile("(?m)" + args[0])
	if neg {
		if pattern.MatchString(s.server.log.String()) {
			ts.Fatalf("the log has %s", args[0])
		}
		return
	}
	s.eventually("logged "+args[0], func() bool { return pattern.MatchString(s.server.log.String()) })
}

func (s *flagScript) ask(ts *testscript.TestScript, _ bool, args []string) {
	var body []byte
	if len(args) > 3 {
		size, err := strconv.Atoi(args[3])
		ts.Check(err)
		body = make([]byte, size)
	}
	status, answer := s.exchange(args[1], "http://"+s.api+"/api/v2/"+args[2], s.adminToken(), body)
	if strconv.Itoa(status) != args[0] {
		ts.Fatalf("%d %s", status, answer)
	}
}

func (s *flagScript) job(_ *testscript.TestScript, _ bool, args []string) {
	s.jobs[args[0]] = s.short(object{"name": args[0], "schedule": "@yearly", "run": object{"command": args[1], "shell": "bash"}})
}

func (s *flagScript) runs(ts *testscript.TestScript, _ bool, args []string) {
	if s.bus == nil {
		s.bus = s.harness.bus()
	}
	end, log := s.harness.runs(s.bus, s.jobs[args[0]])
	if string(end.Status) != args[1] || !regexp.MustCompile("(?m)"+args[2]).MatchString(log+end.Message) {
		ts.Fatalf("the run has ended %s, %s; it printed %q", end.Status, end.Message, log)
	}
}

// output is where the run of a job puts a file.
func (s *flagScript) output(job, file string) string {
	return filepath.Join(s.data, "drives/admin/spool/fs/output", s.jobs[job], file)
}

func (s *flagScript) begins(ts *testscript.TestScript, _ bool, args []string) {
	if status, answer := s.send(http.MethodPost, "jobs/"+s.jobs[args[0]]+"/trigger", nil); status/100 != 2 {
		ts.Fatalf("trigger: %d %v", status, answer)
	}
	s.eventually("the run has begun", func() bool { _, err := os.Stat(s.output(args[0], args[1])); return err == nil })
}

func (s *flagScript) made(ts *testscript.TestScript, neg bool, args []string) {
	if _, err := os.Stat(s.output(args[0], args[1])); (err != nil) != neg {
		ts.Fatalf("%s of %s: %v", args[1], args[0], err)
	}
}

func (s *flagScript) fails(ts *testscript.TestScript, _ bool, args []string) {
	id := s.harness.job(args[0], "@yearly", "flow.ibflowbin", "in", map[string]any{"retry_for": "0s"})
	if status, _, response := s.outcome(id, 0); status != "ERROR" || !regexp.MustCompile(args[1]).MatchString(response) {
		ts.Fatalf("the result is %s: %s", status, response)
	}
}

// TestEveryFlagIsGiven: some test or script gives each flag to the program.
func TestEveryFlagIsGiven(t *testing.T) {
	t.Parallel()
	var given strings.Builder
	for _, pattern := range []string{"*_test.go", "testdata/flags/*.txtar", "testdata/cli/*.txtar", "testdata/cluster/*.txtar", "testdata/runbooks/*.txtar", "../../../deploy/cases/*.sh"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			given.Write(text)
		}
	}
	text := given.String()
	walk(command(), func(c *cobra.Command) {
		c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
			short := f.Shorthand != "" && strings.Contains(text, `"-`+f.Shorthand+`"`)
			if long := regexp.MustCompile(`--` + f.Name + `(["=\s:]|$)`); f.Name != "help" && !short && !long.MatchString(text) {
				t.Errorf("no test gives --%s to spool %s", f.Name, strings.TrimPrefix(c.CommandPath(), "spool "))
			}
		})
	})
}
