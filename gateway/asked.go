package gateway

import (
	"context"
	"net/http"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

// askPatience is how long the request of a subscriber is worked on: as long as
// clients of NATS wait.
const askPatience = 5 * time.Second

// answerSubscribers triggers jobs for subscribers that may, until ctx has ended.
// Each has the rate of a token.
func (g *Gateway) answerSubscribers(ctx context.Context) error {
	bus := g.cfg.Subscribers
	if bus == nil {
		<-ctx.Done()
		return nil
	}
	return bus.AnswerTriggers(ctx, func(ctx context.Context, name string, body []byte) (int, []byte) {
		if why := g.waiting.Load(); why != nil {
			return wire.ProblemText(http.StatusServiceUnavailable, events.Faultf(events.Unavailable, "", "%s: try again", *why))
		}
		if d := g.limiter.delay("subscriber "+name, time.Now()); d > 0 {
			return wire.ProblemText(http.StatusTooManyRequests, events.Faultf(events.Unavailable, "", "too many requests of this subscriber: try again in %s", d.Round(time.Millisecond)))
		}
		ctx, cancel := context.WithTimeout(ctx, askPatience)
		defer cancel()
		status, answer := g.native.Asked(ctx, name, body)
		g.cfg.Log.Info("asked over NATS", "subscriber", name, "status", status)
		return status, answer
	})
}
