package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"spool.internal/events/eventstest"
)

// ended waits until a process has ended by itself, and gives its exit status.
func (pr *process) ended() int {
	pr.p.Helper()
	done := make(chan struct{})
	go func() { _ = pr.cmd.Wait(); close(done) }()
	select {
	case <-done:
		return pr.cmd.ProcessState.ExitCode()
	case <-time.After(eventstest.Patience):
		_ = pr.cmd.Process.Kill()
		<-done
		pr.p.Fatalf("it did not end: %s", tail(pr.log.String(), 2000))
		return 0
	}
}

// A file of Spool's own that is empty, cut off or garbage is damaged: never taken for
// missing and made anew, and named with what to do.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	serve := p.serve()
	p.eventually("a secret for webhooks", func() bool {
		_, err := os.Stat(filepath.Join(p.data, "webhook.secret"))
		return err == nil
	})
	serve.stop(syscall.SIGTERM)
	for _, c := range []struct{ file, cut, remedy string }{
		{"nats/keys.json", "is damaged", "restore it from your backup"},
		{"cron.creds", "is damaged", "remove it, and the next start"},
		{"seal.key", "is damaged", "restore it from your backup"},
		{"admin.token", "", "spool token reset-admin"},
		{"webhook.secret", "line 1", "remove it, and the next start"},
	} {
		file := filepath.Join(p.data, c.file)
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for how, text := range map[string][]byte{"empty": nil, "garbage": []byte("\x00\xffgarbage\n"), "cut off": whole[:len(whole)/2]} {
			want := "is damaged"
			if how != "empty" {
				if testing.Short() || how == "cut off" && c.cut == "" {
					continue
				}
				if c.cut == "line 1" {
					want = c.cut
				}
			}
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			pr := p.launched()
			status, said := pr.ended(), pr.log.String()
			last := said[strings.LastIndex(strings.TrimSpace(said), "\n")+1:]
			if status == 0 || !strings.HasPrefix(last, "spool: ") || !strings.Contains(last, file) || !strings.Contains(last, want) ||
				want == "is damaged" && !strings.Contains(last, c.remedy) {
				t.Errorf("%s, %s: status %d, says: %s", c.file, how, status, last)
			}
			if now, _ := os.ReadFile(file); !bytes.Equal(now, text) {
				t.Errorf("%s, %s: the start has changed it", c.file, how)
			}
		}
		if err := os.WriteFile(file, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(p.data, "nats", "keys.json")); err != nil {
		t.Fatal(err)
	}
	pr := p.launched()
	if status, said := pr.ended(), pr.log.String(); status == 0 || !strings.Contains(said, "keys.json is missing") {
		t.Errorf("without its keys: status %d, says: %s", status, tail(said, 500))
	}
}

// launched starts serve, and waits for nothing.
func (p *harness) launched() *process {
	p.Helper()
	pr := &process{p: p, args: p.serveArgs(), log: &lockedBuffer{}}
	pr.launch()
	p.Cleanup(pr.kill)
	return pr
}
