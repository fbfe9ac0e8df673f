package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// spool runs a command to its end.
func spool(t testing.TB, args ...string) (output string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

func TestScheduleNext(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
		code int
	}{
		{
			"across a spring gap",
			[]string{"30 2 * * *", "--timezone", "Europe/Paris", "--from", "2026-03-28T00:00:00Z", "--count", "3"},
			"2026-03-28T01:30:00Z\n2026-03-29T01:00:00Z\n2026-03-30T00:30:00Z\n", 0,
		},
		{"from is exclusive", []string{"0 12 * * *", "--from", "2026-01-01T12:00:00Z", "--count", "1"}, "2026-01-02T12:00:00Z\n", 0},
		{"a bad expression", []string{"75 * * * *"}, "spool: schedule: minute \"75\" is outside 0-59\n", 2},
		{"a bad zone", []string{"@daily", "--timezone", "Nowhere"}, "spool: --timezone: ", 2},
		{"a bad time", []string{"@daily", "--from", "tomorrow"}, "spool: --from: \"tomorrow\" is not a time: write now-2h, 2026-11-23T14:00 (in your zone) or RFC 3339\n", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, code := spool(t, append([]string{"schedule", "next"}, c.args...)...)
			if !strings.HasPrefix(got, c.want) || code != c.code {
				t.Errorf("status %d\n got %q\nwant %q", code, got, c.want)
			}
		})
	}
}

func TestFlagsFromTheEnvironment(t *testing.T) {
	t.Setenv("SPOOL_COUNT", "2")
	if got, _ := spool(t, "schedule", "next", "@yearly", "--from", "2026-06-01T00:00:00Z"); strings.Count(got, "\n") != 2 {
		t.Errorf("SPOOL_COUNT=2 gave %q", got)
	}
	t.Setenv("SPOOL_COUNT", "many")
	if got, code := spool(t, "schedule", "next", "@yearly"); code != 2 || got != "spool: SPOOL_COUNT: \"many\" is not a whole number: write one such as 10\n" {
		t.Errorf("SPOOL_COUNT=many: status %d, %q", code, got)
	}
}

// The first thing a stranger sees: twice, on the same data.
func TestDemo(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	for start := range 2 {
		pr := &process{p: p, args: []string{"demo", "--data", p.data, "--listen", p.api}, log: &lockedBuffer{}}
		pr.cmd = exec.Command(binary, pr.args...)
		pr.cmd.Stderr, pr.cmd.Stdout = pr.log, pr.log
		if err := pr.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pr.kill)
		p.eventually("the instructions", func() bool { return strings.Contains(pr.log.String(), "Stop with Ctrl-C.") })
		said := pr.log.String()
		created := strings.Count(said, "created")
		if want := len(demoJobs) - len(demoJobs)*start; created != want {
			t.Errorf("start %d created %d jobs, want %d", start+1, created, want)
		}
		for _, part := range []string{"file sample.txt accepted", "run started", "run ended OK", "demo/in", "admin.token", "jobs list --data " + p.data} {
			if !strings.Contains(said, part) {
				t.Errorf("start %d does not say %q:\n%s", start+1, part, said)
			}
		}
		if jobs, _ := p.call("GET", "list_jobs", nil)["jobs"].([]any); len(jobs) != len(demoJobs) {
			t.Errorf("start %d: %d jobs", start+1, len(jobs))
		}
		if err := os.WriteFile(filepath.Join(p.data, "demo/in/mine.txt"), []byte{byte('a' + start), '\n'}, 0o644); err != nil {
			t.Fatal(err)
		}
		p.eventually("my own file", func() bool { return strings.Contains(pr.log.String(), "file mine.txt accepted") })
		if code := pr.stop(syscall.SIGINT); code != 0 {
			t.Errorf("start %d ended with status %d:\n%s", start+1, code, pr.log.String())
		}
	}
}
