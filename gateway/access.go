package gateway

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"spool.internal/gateway/wire"
)

// How much of what a caller chooses a log line repeats, in bytes.
const (
	maxLoggedPath   = 512
	maxLoggedMethod = 32
)

// logAccess logs every request when it is answered, without anything that
// could hold a secret. Of refusals, which cost their sender nothing, it logs some.
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
			fields := []any{
				"request_id", w.Header().Get(wire.HeaderRequestID), "method", clip(r.Method, maxLoggedMethod), "path", clip(r.URL.Path, maxLoggedPath),
				"status", rec.status, "bytes", rec.bytes, "duration", time.Since(began),
				"remote", r.RemoteAddr, "user", exchangeOf(r).token.Owner, "finished", finished,
			}
			if rec.status == http.StatusUnauthorized || rec.status == http.StatusTooManyRequests {
				logged, left := g.refusals.pick(began)
				if !logged {
					return
				}
				if left > 0 {
					fields = append(fields, "refusals_not_logged", left)
				}
			}
			g.cfg.Log.Log(r.Context(), level, "request", fields...)
		}()
		next.ServeHTTP(rec, r)
		finished = true
	})
}

// clip cuts a text that is too long, and says so.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-len("…")], "") + "…"
}

// sampler picks the refusals that are logged: all when there are few, then one a second.
type sampler struct {
	limit *rate.Limiter

	mu   sync.Mutex
	left int // refusals that were left out since the last one that was logged
}

func newSampler() *sampler { return &sampler{limit: rate.NewLimiter(1, 20)} }

// pick says whether to log a refusal, and how many were left out before it.
func (s *sampler) pick(now time.Time) (logged bool, left int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.limit.AllowN(now, 1) {
		s.left++
		return false, 0
	}
	left, s.left = s.left, 0
	return true, left
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
