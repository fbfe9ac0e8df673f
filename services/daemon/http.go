package daemon

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Listener says where and how HTTP is served.
type Listener struct {
	Addr     string // host:port; port 0 = any free one
	TLSCert  string // PEM file; empty = no TLS
	TLSKey   string // PEM file
	Insecure bool   // allow an address that is not loopback without TLS
}

// How many requests one listener works on at a time. Streams of events stay
// open and cost little: they have places of their own, so that those who listen
// never keep out those who ask.
const (
	maxRequests = 1000
	maxStreams  = 10_000
)

// Serve serves HTTP until the process stops, and gives the address it listens
// on. The health pages come first: they answer whatever the handler does.
func (p *Process) Serve(name string, l Listener, h http.Handler) (string, error) {
	ln, err := Listen(l.Addr)
	if err != nil {
		return "", fmt.Errorf("listen: %w", err)
	}
	if l.TLSCert != "" || l.TLSKey != "" {
		cert, err := tls.LoadX509KeyPair(l.TLSCert, l.TLSKey)
		if err != nil {
			return "", errors.Join(fmt.Errorf("tls-cert and tls-key: %w", err), ln.Close())
		}
		ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	} else if tcp, ok := ln.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() && !l.Insecure {
		return "", errors.Join(fmt.Errorf("listen: %s can be reached from other machines and tokens would travel in clear: "+
			"give --tls-cert and --tls-key, or --insecure behind a proxy that does TLS", l.Addr), ln.Close())
	}
	srv := &http.Server{
		Handler:           p.health(bound(h)),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(p.Log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	p.OnStop(name, func(limit context.Context) error {
		limit, cancel := context.WithTimeout(limit, time.Second)
		defer cancel()
		err := srv.Shutdown(limit)
		if err != nil { // requests that outlive the limit are cut
			err = srv.Close()
		}
		if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
			err = errors.Join(err, serveErr)
		}
		return err
	})
	p.Log.Info("listening", "part", name, "addr", ln.Addr().String())
	return ln.Addr().String(), nil
}

func bound(h http.Handler) http.Handler {
	requests, streams := make(chan struct{}, maxRequests), make(chan struct{}, maxStreams)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		places := requests
		if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
			places = streams
		}
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
			h.ServeHTTP(w, r)
		default:
			w.Header().Set("Retry-After", "1")
			http.Error(w, `{"status":"ERROR","msg":"too many requests at once: try again"}`, http.StatusServiceUnavailable)
		}
	})
}

func (p *Process) health(next http.Handler) http.Handler {
	metrics := promhttp.HandlerFor(p.Metrics, promhttp.HandlerOpts{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/healthz":
			w.Write([]byte("ok\n")) //nolint:errcheck // the client has gone
		case "/readyz":
			p.readyz(w)
		case "/metrics":
			metrics.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (p *Process) readyz(w http.ResponseWriter) {
	why := p.NotReady()
	w.Header().Set("Content-Type", "application/json")
	if len(why) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(w).Encode(map[string]any{"ready": len(why) == 0, "not_ready": why}) //nolint:errcheck // the client has gone
}
