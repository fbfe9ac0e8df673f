package main

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a probe is told: no token, the reasons of a process that is not ready, and of TLS the
// very certificate that the process was given, whatever its name.
func TestReadyQuestion(t *testing.T) {
	t.Parallel()
	status, body := http.StatusOK, `{"ready":true}`
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			return
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
	plain, secure, other := httptest.NewServer(answer), httptest.NewTLSServer(answer), httptest.NewTLSServer(answer)
	for _, s := range []*httptest.Server{plain, secure, other} {
		t.Cleanup(s.Close)
	}
	cert := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(args ...string) string {
		cmd := readyCommand()
		cmd.SetArgs(args)
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		if err := cmd.ExecuteContext(t.Context()); err != nil {
			return err.Error()
		}
		return ""
	}
	for _, c := range []struct {
		name, want string
		args       []string
	}{
		{"ready", "", []string{"--url", plain.URL}},
		{"TLS of a name that the system does not know", "certificate signed by unknown authority", []string{"--url", secure.URL}},
		{"TLS with the certificate", "", []string{"--url", secure.URL, "--tls-cert", cert}},
		{"no certificate", "holds no certificate", []string{"--url", secure.URL, "--tls-cert", os.Args[0]}},
		{"nobody there", "does not answer", []string{"--url", "http://127.0.0.1:1"}},
	} {
		if got := ask(c.args...); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	status, body = http.StatusServiceUnavailable, `{"ready":false,"not_ready":{"nats":"TRIGGERS has no leader","api":"starts"}}`
	if got := ask("--url", plain.URL); !strings.HasSuffix(got, "is not ready: api: starts; nats: TRIGGERS has no leader") {
		t.Errorf("not ready: %q", got)
	}
	if got := ask("--url", plain.URL, "--alive"); got != "" {
		t.Errorf("alive: %q", got)
	}
}
