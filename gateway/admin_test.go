package gateway_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/gateway"
)

func TestAdminTokenIsWrittenOnce(t *testing.T) {
	s := newHarness(t)
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
	first := newHarness(t)
	dir, token := first.config.DataDir, first.admin
	second := newHarness(t, withConfig(func(c *gateway.Config) { c.DataDir = dir }))
	if second.admin != token {
		t.Error("the second start made another token")
	}
	second.post("delete_job", `{"delete_all":true}`)
}

func TestAdminTokenWithoutItsFile(t *testing.T) {
	s := newHarness(t)
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

// An id that was revoked never comes back, by no start and no way of storing a token.
func TestRevokedAdminToken(t *testing.T) {
	s := newHarness(t)
	other := s.newToken(`{"owner":"eve","role":"admin"}`).Token
	first := s.admin
	id := strings.Split(first, "_")[1]
	wantCode(t, s.native(http.MethodDelete, "tokens/"+id, other, ""), http.StatusNoContent)
	restart := func() {
		t.Helper()
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
		s.start()
	}
	for range 2 {
		restart()
		wantFault(t, s.native(http.MethodGet, "jobs", first, ""), http.StatusUnauthorized, "not valid")
		wantCode(t, s.native(http.MethodGet, "jobs", other, ""), http.StatusOK)
	}
	if !strings.Contains(s.log.String(), "spool token reset-admin") {
		t.Error("the log names no remedy")
	}
	stored := events.TokenOf(first, "admin", events.Admin, time.Now())
	if err := s.bus.PutToken(t.Context(), stored); !jet.IsConflict(err) {
		t.Errorf("PutToken: %v", err)
	}
	if err := s.keys.Enter(t.Context(), stored); !jet.IsConflict(err) {
		t.Errorf("Enter: %v", err)
	}
	if file, err := gateway.ResetAdmin(s.config.DataDir); err != nil || filepath.Base(file) != "admin.token" {
		t.Fatalf("%s, %v", file, err)
	}
	restart()
	if s.admin == first {
		t.Error("the reset has made no new token")
	}
	wantCode(t, s.native(http.MethodGet, "tokens", s.admin, ""), http.StatusOK)
	wantFault(t, s.native(http.MethodGet, "jobs", first, ""), http.StatusUnauthorized, "not valid")
}

// A reset ends the token that was there, and those of resets before.
func TestResetAdminEndsTheFormer(t *testing.T) {
	s := newHarness(t)
	ended := []string{s.admin}
	reset := func() {
		t.Helper()
		if _, err := gateway.ResetAdmin(s.config.DataDir); err != nil {
			t.Fatal(err)
		}
	}
	for resets := range 3 {
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
		for range resets {
			reset()
		}
		s.start()
		if resets > 0 {
			for _, text := range ended {
				wantFault(t, s.native(http.MethodGet, "jobs", text, ""), http.StatusUnauthorized, "not valid")
			}
		}
		wantCode(t, s.native(http.MethodGet, "tokens", s.admin, ""), http.StatusOK)
		if !slices.Contains(ended, s.admin) {
			ended = append(ended, s.admin)
		}
		if got := left(t, s.config.DataDir); got != "admin.token" {
			t.Errorf("the data folder holds %s", got)
		}
	}
	// One that was cut off before its new token has replaced nothing.
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	former := filepath.Join(s.config.DataDir, "admin.token.former")
	if err := os.WriteFile(former, []byte(strings.Split(s.admin, "_")[1]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	wantCode(t, s.native(http.MethodGet, "tokens", s.admin, ""), http.StatusOK)
}

// What stands in the admin's file is not taken for the admin's when it is
// another token, or has ended.
func TestAdminFileWithAnotherToken(t *testing.T) {
	s := newHarness(t)
	viewer := s.newToken(`{"owner":"vera","role":"viewer"}`).Token
	ended, endedText := events.NewToken("admin", events.Admin, time.Now().Add(-time.Hour))
	ended.Expires = time.Now().Add(-time.Minute)
	if err := s.bus.PutToken(t.Context(), ended); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"a viewer's": viewer, "ended": endedText, "another with the id": "spool_" + strings.Split(viewer, "_")[1] + "_x"} {
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.config.DataDir, "admin.token"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s.start()
		if a := s.native(http.MethodGet, "tokens", text, ""); a.code != http.StatusUnauthorized && a.code != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, a.code, a.body)
		}
		wantCode(t, s.native(http.MethodGet, "jobs", viewer, ""), http.StatusOK)
	}
}

func TestAdminTokenUnreadable(t *testing.T) {
	b := eventstest.Bus(t)
	for name, prepare := range map[string]func(dir string) error{
		"no id": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "admin.token"), []byte("spool_a.>_x"), 0o600)
		},
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
	for _, field := range []string{"Bus", "Keys", "DataDir", "burst", "Log"} {
		if err == nil || !strings.Contains(err.Error(), field+":") {
			t.Errorf("New says nothing of %s: %v", field, err)
		}
	}
}

func TestNotReadyBeforeRun(t *testing.T) {
	s := newHarness(t)
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
