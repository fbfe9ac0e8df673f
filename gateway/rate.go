package gateway

import (
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"spool.internal/events/admission"
)

// maxBuckets bounds the memory of a limiter.
const maxBuckets = 10_000

// limiter gives every caller a bucket of its own.
type limiter struct {
	rate  rate.Limit
	burst int

	mu      sync.Mutex
	buckets map[string]*rate.Limiter // by token id, or address
}

// newLimiter makes a limiter; a rate below 0 is no limit.
func newLimiter(perSecond float64, burst int) *limiter {
	l := &limiter{rate: rate.Limit(perSecond), burst: burst, buckets: map[string]*rate.Limiter{}}
	if perSecond < 0 {
		l.rate = rate.Inf
	}
	return l
}

// delay says how long a caller must wait for its next request; 0 lets it through.
func (l *limiter) delay(id string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, ok := l.buckets[id]
	if !ok {
		l.makeRoom(now)
		bucket = rate.NewLimiter(l.rate, l.burst)
		l.buckets[id] = bucket
	}
	wish := bucket.ReserveN(now, 1)
	delay := wish.DelayFrom(now)
	if delay > 0 {
		wish.CancelAt(now)
	}
	return delay
}

// makeRoom drops the buckets that are full, which are as good as new, and any
// others until half are gone, so that it has not to be done for every token.
func (l *limiter) makeRoom(now time.Time) {
	if len(l.buckets) < maxBuckets {
		return
	}
	for id, bucket := range l.buckets {
		if bucket.TokensAt(now) >= float64(l.burst) {
			delete(l.buckets, id)
		}
	}
	for id := range l.buckets {
		if len(l.buckets) <= maxBuckets/2 {
			return
		}
		delete(l.buckets, id)
	}
}

// limitRate answers 429 to a token that asks too often.
func (g *Gateway) limitRate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id := tokenOf(r).ID; id != "" {
			if d := g.limiter.delay(id, time.Now()); d > 0 {
				conn := admission.Of(r.Context())
				conn.Refused("token_rate")
				conn.Demote() // its body is not waited for when the listener is full
				refuseUntil(w, r, d, "too many requests with this token: slow down")
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
