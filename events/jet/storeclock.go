package jet

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"spool.internal/events"
)

// Ahead is how far a clock is ahead of that of the server that leads STATE.
type Ahead struct {
	By     time.Duration // below 0: behind
	Within time.Duration // how wrong By can be: the answer took twice that
	At     time.Time     // by the server's clock
	Leader string        // the server's name; empty when it is alone
}

// Ahead compares a clock with the store's.
func (b *Bus) Ahead(ctx context.Context, now func() time.Time) (Ahead, error) {
	ctx, cancel := b.onWire(ctx, 3*time.Second)
	defer cancel()
	begun, read := time.Now(), now()
	answer, err := b.api(ctx, streamInfo, streamState, struct{}{})
	if err != nil {
		return Ahead{}, fmt.Errorf("read the store's clock: %w", b.transportError(streamState, err))
	}
	half := time.Since(begun) / 2 // by the monotonic clock
	var r struct {
		Error   *apiFault `json:"error"`
		Time    time.Time `json:"ts"`
		Cluster struct {
			Leader string `json:"leader"`
		} `json:"cluster"`
	}
	if err := json.Unmarshal(answer.Data, &r); err != nil {
		return Ahead{}, fmt.Errorf("read the store's clock: %w", err)
	}
	if r.Error != nil {
		return Ahead{}, fmt.Errorf("read the store's clock: %w", b.apiError(streamState, *r.Error))
	}
	if r.Time.IsZero() {
		return Ahead{}, &events.Error{Code: events.Unavailable, Message: "the store does not say what time it is"}
	}
	return Ahead{By: read.Round(0).Add(half).Sub(r.Time.Round(0)), Within: half, At: r.Time, Leader: r.Cluster.Leader}, nil
}

// ClocksSince gives how far the clock of each machine was ahead of that of the server that
// leads STATE, when it last said so after a time of that server's; a machine is a place, or
// a host where no place is named.
func (b *Bus) ClocksSince(ctx context.Context, t time.Time) (map[string]time.Duration, error) {
	all, at := map[string]time.Duration{}, map[string]time.Time{}
	heard, err := b.HeardRoles(ctx)
	for _, s := range heard {
		if s.Clock.IsZero() || s.At.Before(t) { // of another version, or old
			continue
		}
		machine := s.Place
		if machine == "" {
			machine = s.Host
		}
		if !s.At.Before(at[machine]) {
			all[machine], at[machine] = s.Clock.Sub(s.At), s.At
		}
	}
	return all, err
}
