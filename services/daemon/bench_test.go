package daemon

import (
	"io"
	"log/slog"
	"net/http"
	"testing"

	"spool.internal/events/admission"
)

// BenchmarkRequest is what a listener adds to an empty request with a token; its
// floor is net/http alone.
func BenchmarkRequest(b *testing.B) {
	b.Run("listener", func(b *testing.B) {
		p := New(slog.New(slog.DiscardHandler))
		addr, err := p.Serve("api", Listener{Addr: "127.0.0.1:0"}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			admission.Of(r.Context()).Admit(admission.Request, admission.ByToken("t", false), func() bool { return true })
			_, _ = io.Copy(io.Discard, r.Body)
		}))
		if err != nil {
			b.Fatal(err)
		}
		empty(b, addr)
		if err := p.Stop(); err != nil {
			b.Error(err)
		}
	})
	b.Run("floor", func(b *testing.B) {
		ln, err := Listen("127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		srv := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })}
		served := make(chan error, 1)
		go func() { served <- srv.Serve(ln) }()
		empty(b, ln.Addr().String())
		_ = srv.Close()
		<-served
	})
}

// empty makes requests one after the other on one connection.
func empty(b *testing.B, addr string) {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for b.Loop() {
		resp, err := client.Get("http://" + addr + "/")
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}
