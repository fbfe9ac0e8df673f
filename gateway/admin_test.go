package gateway_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/gateway"
)

func TestAdminTokenIsWrittenOnce(t *testing.T) {
	s := newStation(t)
	file := filepath.Join(s.config.DataDir, "admin.token")
	fi, err := os.Stat(file)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("admin.token has mode %v, %v", fi.Mode(), err)
	}
	entries, err := os.ReadDir(s.config.DataDir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the data folder holds %v, %v", entries, err)
	}
	if text, _ := os.ReadFile(file); string(text) != s.admin+"\n" || !strings.HasPrefix(s.admin, "spool_") {
		t.Errorf("admin.token holds %d bytes", len(text))
	}
	s.post("delete_job", `{"delete_all":true}`)
	before := s.admin
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s.start()
	if s.admin != before {
		t.Error("a second start made another token")
	}
	s.post("delete_job", `{"delete_all":true}`)
}

// The broker's data is lost, the gateway's is not.
func TestAdminTokenIsRegisteredAgain(t *testing.T) {
	first := newStation(t)
	dir, token := first.config.DataDir, first.admin
	second := newStation(t, withConfig(func(c *gateway.Config) { c.DataDir = dir }))
	if second.admin != token {
		t.Error("the second start made another token")
	}
	second.post("delete_job", `{"delete_all":true}`)
}

func TestAdminTokenWithoutItsFile(t *testing.T) {
	s := newStation(t)
	before := s.admin
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(s.config.DataDir, "admin.token")); err != nil {
		t.Fatal(err)
	}
	s.start()
	if s.admin == before {
		t.Error("a removed token came back")
	}
	s.post("delete_job", `{"delete_all":true}`)
}

func TestAdminTokenUnreadable(t *testing.T) {
	b := eventstest.Bus(t)
	for name, prepare := range map[string]func(dir string) error{
		"no token":     func(dir string) error { return os.WriteFile(filepath.Join(dir, "admin.token"), []byte("\n"), 0o600) },
		"a folder":     func(dir string) error { return os.Mkdir(filepath.Join(dir, "admin.token"), 0o700) },
		"no such data": func(dir string) error { return os.Remove(dir) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := prepare(dir); err != nil {
				t.Fatal(err)
			}
			if name == "no such data" { // a file in the way: it cannot be made
				if err := os.WriteFile(dir, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			g, err := gateway.New(gateway.Config{Bus: b, Keys: jet.NewKeyring(b), DataDir: dir, Log: eventstest.Log(t)})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			if err := g.Run(ctx); err == nil || !strings.Contains(err.Error(), "start: ") {
				t.Errorf("Run gives %v; want a fault of the start", err)
			}
			if g.Check() == nil {
				t.Error("a gateway that has ended calls itself ready")
			}
		})
	}
}

func TestConfigNamesEveryFault(t *testing.T) {
	_, err := gateway.New(gateway.Config{Burst: -1})
	for _, field := range []string{"Bus", "Keys", "DataDir", "Burst", "Log"} {
		if err == nil || !strings.Contains(err.Error(), field+":") {
			t.Errorf("New says nothing of %s: %v", field, err)
		}
	}
}

func TestNotReadyBeforeRun(t *testing.T) {
	s := newStation(t)
	idle, err := gateway.New(s.config)
	if err != nil {
		t.Fatal(err)
	}
	ready := s.base
	s.serve(idle)
	for _, state := range []string{"the gateway is not started", "the gateway is stopped"} {
		if err := idle.Check(); err == nil || err.Error() != state {
			t.Errorf("Check says %v", err)
		}
		a := s.send(http.MethodGet, v1Path+"list_jobs", s.admin, "")
		if a.code != http.StatusServiceUnavailable || !strings.Contains(a.msg(), state) || a.header.Get("Retry-After") == "" {
			t.Errorf("answer %d %s", a.code, a.body)
		}
		done, cancel := context.WithCancel(t.Context())
		cancel()
		if err := idle.Run(done); err != nil {
			t.Error(err)
		}
	}
	s.base = ready
	s.list(s.admin, "")
}
