package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// declared writes a file of n jobs, disabled at first.
func declared(t *testing.T, n int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("apiVersion: spool/v1\nmanaged_by: cutover\njobs:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - {key: job-%03d, name: job %03d, initially: disabled, schedule: \"%d 3 * * *\", run: {command: \"true\"}}\n", i, i, i%60)
	}
	file := filepath.Join(t.TempDir(), "jobs.yaml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// An apply that is killed in the middle leaves whole jobs; applied again, they are the
// same, and the rest is made. Two at once make each job once.
func TestApplyIsKilled(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.serve()
	const jobs = 40
	file := declared(t, jobs)
	env := []string{"SPOOL_URL=http://" + p.api, "SPOOL_TOKEN_FILE=" + filepath.Join(p.data, "admin.token")}
	cmd := exec.Command(binary, "jobs", "apply", "-f", file)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	for lines := bufio.NewScanner(out); made < 5 && lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "+ ") {
			made++
		}
	}
	_ = cmd.Process.Kill() // SIGKILL; it may just have ended
	_ = cmd.Wait()         // killed
	if made < 5 {
		t.Fatalf("%d jobs were made before it ended", made)
	}
	var wg sync.WaitGroup
	said := make([]string, 2)
	for i := range said {
		wg.Go(func() {
			out, errs, code := spoolOut(t, env, "jobs", "apply", "-f", file)
			if said[i] = out; code != 0 {
				t.Errorf("apply ends with %d: %s", code, errs)
			}
		})
	}
	wg.Wait()
	for i, out := range said {
		same, created := strings.Count("\n"+out, "\n= "), strings.Count("\n"+out, "\n+ ")
		if same < made {
			t.Errorf("apply %d: %d are the same, %d were made before: %s", i, same, made, out)
		}
		t.Logf("apply %d: %d the same, %d made", i, same, created)
	}
	out2, errs, code := spoolOut(t, env, "jobs", "apply", "-f", file, "--dry-run")
	if n := strings.Count("\n"+out2, "\n= "); n != jobs || code != 0 {
		t.Errorf("in the end %d of %d are the same, status %d: %s%s", n, jobs, code, out2, errs)
	}
	if names, _, _ := spoolOut(t, env, "jobs", "list", "--managed-by", "cutover", "-o", "name"); strings.Count(names, "\n") != jobs {
		t.Errorf("there are %d jobs, want %d", strings.Count(names, "\n"), jobs)
	}
}

// TestLongCutover moves a line of a crontab: imported and shadowed, what it would have
// started is what crond logs; enabled, it runs.
func TestLongCutover(t *testing.T) {
	long(t)
	t.Parallel()
	p := newHarness(t)
	p.serve()
	env := []string{"SPOOL_URL=http://" + p.api, "SPOOL_TOKEN_FILE=" + filepath.Join(p.data, "admin.token"), "TZ=UTC"}
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	spool := func(want int, args ...string) string {
		t.Helper()
		out, errs, code := spoolOut(t, env, args...)
		if code != want {
			t.Fatalf("spool %s ends with %d, want %d: %s%s", strings.Join(args, " "), code, want, out, errs)
		}
		return out
	}
	manifest := filepath.Join(dir, "jobs.yaml")
	spool(0, "import", "crontab", file("crontab", "* * * * * echo moved%with input\n"), "--timezone", "UTC", "--managed-by", "cutover", "-o", manifest)
	spool(0, "jobs", "apply", "-f", manifest, "--shadow")
	key := strings.TrimSpace(spool(0, "jobs", "export", "--managed-by", "cutover", "-o", "name"))

	var first time.Time
	waitFor(t, "two slots are shadowed", func() bool {
		var slots []struct {
			From    time.Time
			Slots   int
			Verdict string
		}
		if err := json.Unmarshal([]byte(spool(0, "slots", key, "-o", "json")), &slots); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, s := range slots {
			if s.Verdict != "shadow" {
				continue
			}
			if n += s.Slots; first.IsZero() || s.From.Before(first) {
				first = s.From
			}
		}
		return n >= 2 && time.Since(first) > 150*time.Second // what is compared is over
	})
	var log strings.Builder
	for n := range 2 {
		fmt.Fprintf(&log, "%s host CRON[%d]: (root) CMD (echo moved)\n", first.Add(time.Duration(n)*time.Minute+time.Second).Format("Jan _2 15:04:05"), 800+n)
	}
	journal := file("journal", log.String())
	span := []string{"--from", first.Format(time.RFC3339), "--to", first.Add(2 * time.Minute).Format(time.RFC3339)}
	out := spool(0, append([]string{"shadow", "report", "--journal", journal}, span...)...)
	if n := strings.Count(out, "\tboth\t"); n != 2 {
		t.Errorf("%d starts are on both: %s", n, out)
	}
	quiet := file("quiet", strings.Split(log.String(), "\n")[1]+"\n")
	out = spool(1, append([]string{"shadow", "report", "--journal", quiet, "--differing"}, span...)...)
	if out != "" && !strings.Contains(out, "only Spool") {
		t.Errorf("crond was quiet: %s", out)
	}
	if out := spool(0, "runs", "list", "-o", "json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("shadowed, it ran: %s", out)
	}
	spool(0, "jobs", "enable", key)
	waitFor(t, "it runs", func() bool { return strings.Contains(spool(0, "runs", "list", "-o", "json"), `"ok"`) })
}

// waitFor waits for something that takes minutes.
func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Minute); !is(); time.Sleep(time.Second) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}
