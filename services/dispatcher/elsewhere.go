package dispatcher

import (
	"context"
	"os"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// elsewhere knows whether another dispatcher has an endpoint that takes connections, as the
// dispatchers say themselves. What waits here for an endpoint is then handed back for it.
type elsewhere struct {
	bus  *jet.Bus
	host string
	pid  int

	mu     sync.Mutex
	looked time.Time
	is     bool
}

// elsewhereFor is how long what was read counts.
const elsewhereFor = 2 * time.Second

// handBack is how long a trigger that is handed back stays away, so that another dispatcher has
// asked for it by then.
const handBack = 500 * time.Millisecond

func newElsewhere(bus *jet.Bus) *elsewhere {
	host, _ := os.Hostname()
	return &elsewhere{bus: bus, host: host, pid: os.Getpid()}
}

// open reports whether there is one. What cannot be read is none.
func (e *elsewhere) open(ctx context.Context) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if time.Since(e.looked) < elsewhereFor {
		return e.is
	}
	e.looked, e.is = time.Now(), false
	heard, _ := e.bus.HeardRoles(ctx)
	for _, s := range heard {
		own := s.Host == e.host && s.PID == e.pid
		if s.Role != "dispatcher" || own || s.Stopped || !s.Ready || s.Endpoint == nil {
			continue
		}
		if s.Endpoint.Refuses.IsZero() && time.Since(s.Clock) < events.RoleAwayAfter {
			e.is = true
		}
	}
	return e.is
}
