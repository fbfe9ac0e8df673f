package jet

import (
	"context"
	"fmt"
	"time"

	"spool.internal/events/wait"
)

// AwaitReplicas waits until each stream has a leader and all its replicas are current. It
// calls said with what it waits for, whenever that is another stream.
func (b *Bus) AwaitReplicas(ctx context.Context, said func(waitsFor string)) error {
	for last := ""; ; {
		states, faults := b.StreamStates(ctx)
		why := missing(states, faults)
		if why == "" {
			return nil
		}
		if why != last {
			said(why)
			last = why
		}
		if err := wait.Sleep(ctx, 250*time.Millisecond); err != nil {
			return fmt.Errorf("%s: %w", why, err)
		}
	}
}

// missing says what the first stream lacks that is not whole; empty = none.
func missing(states []StreamState, faults map[string]error) string {
	for stream, err := range faults {
		return fmt.Sprintf("stream %s does not answer: %s", stream, err)
	}
	for _, s := range states {
		switch {
		case s.Cluster != "" && s.Leader == "":
			return fmt.Sprintf("stream %s has no leader", s.Name)
		case s.Lost > 0:
			return fmt.Sprintf("stream %s has %d of %d replicas that are current", s.Name, s.Replicas-s.Lost, s.Replicas)
		}
	}
	return ""
}
