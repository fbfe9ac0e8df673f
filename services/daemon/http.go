package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"spool.internal/events/admission"
)

// Listener says where and how HTTP is served.
type Listener struct {
	Addr     string // host:port; port 0 = any free one
	TLSCert  string // PEM file; empty = no TLS
	TLSKey   string // PEM file
	Insecure bool   // allow an address that is not loopback without TLS

	MaxConnections int      // 0 = as many as the limit of open files allows, at most 10,000
	TrustedProxies []string // addresses and networks whose X-Forwarded-For is believed
	Inside         bool     // only this process calls: MaxConnections is what it needs

	minRate admission.MinRate // of bodies and answers; zero = 1 KiB/s, averaged over 30 s
}

// Serve serves HTTP until the process stops, and gives the address it listens
// on. The health pages come first: they answer whatever the handler does.
func (p *Process) Serve(name string, l Listener, h http.Handler) (string, error) {
	ln, err := Listen(l.Addr)
	if err != nil {
		return "", fmt.Errorf("listen: %w", err)
	}
	if err := l.exposed(ln); err != nil {
		return "", errors.Join(err, ln.Close())
	}
	counted, err := l.count(ln, p.refused.MustCurryWith(prometheus.Labels{"listener": name}))
	if err == nil {
		ln = counted
		if l.TLSCert != "" || l.TLSKey != "" {
			ln, err = secured(counted, l.TLSCert, l.TLSKey)
		}
	}
	if err != nil {
		return "", errors.Join(err, counted.Close())
	}
	p.countConnections(name, counted)
	srv := &http.Server{
		Handler:           counted.receive(p.health(h)),
		ReadHeaderTimeout: 10 * time.Second, // the handshake of TLS, too; a body has the minimum rate
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ConnContext:       connContext,
		ConnState:         connState,
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
	p.Go(name+" tokens", counted.checkTokens)
	p.Log.Info("listening", "part", name, "addr", ln.Addr().String(), "connections", counted.size)
	return ln.Addr().String(), nil
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
			who := admission.ByAddress(admission.AddressOf(r.RemoteAddr))
			if admission.Of(r.Context()).Admit(admission.Page, who, nil) != "" {
				w.Header().Set("Retry-After", "1")
				http.Error(w, "too many requests for this page at once: try again", http.StatusServiceUnavailable)
				return
			}
			metrics.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (p *Process) readyz(w http.ResponseWriter) {
	why := p.notReady()
	w.Header().Set("Content-Type", "application/json")
	if len(why) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(w).Encode(map[string]any{"ready": len(why) == 0, "not_ready": why, "notes": p.Notes()}) //nolint:errcheck // the client has gone
}
