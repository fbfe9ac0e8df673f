package ui

import (
	"context"
	"sync"
	"time"

	"spool.internal/gateway/change"
)

// fresh is how long the counts in the bar are kept: the pages of a burst share them.
const fresh = time.Second

// mostCounts bounds the owners whose counts are kept.
const mostCounts = 1000

// counts are those of the bar, by owner.
type counts struct {
	mu   sync.Mutex
	kept map[string]standing
}

type standing struct {
	failing, dead int
	at            time.Time
}

// count gives what the bar says of the jobs of a caller. What cannot be read is not said:
// the page says so where it shows the same.
func (u *UI) count(ctx context.Context, who change.Caller) standing {
	u.counts.mu.Lock()
	s, ok := u.counts.kept[who.Owner]
	u.counts.mu.Unlock()
	if ok && time.Since(s.at) < fresh {
		return s
	}
	failing, dead, err := u.api.Standing(ctx, who)
	if err != nil {
		return s
	}
	s = standing{failing, dead, time.Now()}
	u.counts.mu.Lock()
	defer u.counts.mu.Unlock()
	if u.counts.kept == nil || len(u.counts.kept) >= mostCounts {
		u.counts.kept = map[string]standing{}
	}
	u.counts.kept[who.Owner] = s
	return s
}
