package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/events/seal"
	"spool.internal/gateway"
)

// The server that every test here and the example ask, and the file of its admin token.
var serverURL, tokenFile string

// TestMain runs the tests beside one gateway, since an example has no testing.T to start one with.
func TestMain(m *testing.M) {
	p := &program{}
	serverURL, tokenFile = serve(p)
	status := m.Run()
	p.end()
	os.Exit(status)
}

func serve(t testing.TB) (url, tokenFile string) {
	bus := eventstest.Bus(t)
	key, err := seal.Load(filepath.Join(t.TempDir(), "seal.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := bus.PutSealKey(t.Context(), key.Public); err != nil {
		t.Fatal(err)
	}
	if err := bus.PutRunner(t.Context(), "runner", events.RunnerState{Host: "here", Sandbox: "auto"}); err != nil {
		t.Fatal(err)
	}
	drives, err := drive.New(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	keys, data := jet.NewKeyring(bus), t.TempDir()
	eventstest.Background(t, keys.Run)
	g, err := gateway.New(gateway.Config{Bus: bus, Keys: keys, DataDir: data, Log: eventstest.Quiet(), Drives: drives})
	if err != nil {
		t.Fatal(err)
	}
	eventstest.Background(t, g.Run)
	eventstest.Eventually(t, "ready", func() bool { return g.Check() == nil })
	server := httptest.NewServer(g.Handler())
	t.Cleanup(server.Close)
	return server.URL, filepath.Join(data, "admin.token")
}

// program is what a helper of tests needs of one, outside of them.
type program struct {
	testing.TB
	cleanups []func()
}

func (p *program) end() {
	for _, f := range slices.Backward(p.cleanups) {
		f()
	}
}

func (p *program) Helper()                  {}
func (p *program) Context() context.Context { return context.Background() }
func (p *program) Output() io.Writer        { return io.Discard }
func (p *program) Cleanup(f func())         { p.cleanups = append(p.cleanups, f) }

func (p *program) TempDir() string {
	dir, err := os.MkdirTemp("", "client")
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (p *program) Error(args ...any) { fmt.Fprintln(os.Stderr, args...) }

func (p *program) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, args...)
	os.Exit(1)
}
