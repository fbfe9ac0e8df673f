package gateway

import (
	"log/slog"
	"net/http"
	"time"

	"spool.internal/gateway/v1"
)

// logAccess logs every request when it is answered, without anything that
// could hold a secret.
func (g *Gateway) logAccess(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w}
		began := time.Now()
		finished := false
		defer func() {
			level := slog.LevelInfo
			if !finished {
				level = slog.LevelWarn
			}
			g.cfg.Log.Log(r.Context(), level, "request",
				"request_id", w.Header().Get(v1.HeaderRequestID), "method", r.Method, "path", r.URL.Path,
				"status", rec.status, "bytes", rec.bytes, "duration", time.Since(began),
				"remote", r.RemoteAddr, "user", exchangeOf(r).token.Owner, "finished", finished)
		}()
		next.ServeHTTP(rec, r)
		finished = true
	})
}

// recorder remembers what an answer was.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets [http.ResponseController] reach the server's own writer.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
