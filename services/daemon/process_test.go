package daemon

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
)

func process(t *testing.T) *Process {
	return New(slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})))
}

func TestStopsInReverseOrder(t *testing.T) {
	p := process(t)
	var mu sync.Mutex
	var order []string
	note := func(s string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, s)
	}
	p.OnStop("store", func(context.Context) error { note("store"); return nil })
	for _, name := range []string{"a", "b"} {
		p.Go(name, func(ctx context.Context) error {
			<-ctx.Done()
			note(name)
			return ctx.Err()
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Wait(ctx); err != nil {
		t.Errorf("Wait = %v", err)
	}
	if got := strings.Join(order, " "); got != "b a store" {
		t.Errorf("stopped in the order %q", got)
	}
	if err := p.Stop(); err != nil {
		t.Errorf("a second Stop = %v", err)
	}
}

func TestAPartThatFailsStopsTheRest(t *testing.T) {
	p := process(t)
	ended := make(chan struct{})
	p.Go("good", func(ctx context.Context) error {
		<-ctx.Done()
		close(ended)
		return nil
	})
	bad := errors.New("bad")
	p.Go("bad", func(context.Context) error { return bad })
	if err := p.Wait(t.Context()); !errors.Is(err, bad) || !strings.Contains(err.Error(), "bad: bad") {
		t.Errorf("Wait = %v", err)
	}
	<-ended
}

func TestHealthPages(t *testing.T) {
	p := process(t)
	sick := errors.New("the store is away")
	var mu sync.Mutex
	p.OnCheck("nats", func() error {
		mu.Lock()
		defer mu.Unlock()
		return sick
	})
	addr, err := p.Serve("http", Listener{Addr: "127.0.0.1:0"}, http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) (int, string) {
		t.Helper()
		resp, err := http.Get("http://" + addr + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	if code, text := get("/healthz"); code != 200 || text != "ok\n" {
		t.Errorf("/healthz %d %q", code, text)
	}
	if code, text := get("/readyz"); code != 503 || !strings.Contains(text, "the store is away") {
		t.Errorf("/readyz %d %q", code, text)
	}
	if _, text := get("/metrics"); !strings.Contains(text, "spool_ready 0") {
		t.Error("/metrics has no spool_ready 0")
	}
	mu.Lock()
	sick = nil
	mu.Unlock()
	if code, text := get("/readyz"); code != 200 || !strings.Contains(text, `"ready":true`) {
		t.Errorf("/readyz %d %q", code, text)
	}
	p.OnNote("sandbox", func() []string { return []string{"it has a hole"} })
	p.OnNote("nothing", func() []string { return nil })
	if code, text := get("/readyz"); code != 200 || !strings.Contains(text, `"notes":{"sandbox":["it has a hole"]}`) {
		t.Errorf("/readyz %d %q", code, text)
	}
	if code, _ := get("/other"); code != 404 {
		t.Errorf("the handler behind answers %d", code)
	}
	if _, err := p.Serve("again", Listener{Addr: addr}, nil); err == nil {
		t.Error("a port in use was taken")
	}
	if _, err := p.Serve("open", Listener{Addr: "0.0.0.0:0"}, nil); err == nil || !strings.Contains(err.Error(), "--insecure") {
		t.Errorf("an open address without TLS: %v", err)
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}
