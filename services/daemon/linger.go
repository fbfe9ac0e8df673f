package daemon

import (
	"context"
	"time"
)

// Linger returns a context that ends d after ctx, for work that is under way when the process is
// asked to stop. The caller calls the function that it returns.
func Linger(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return longer, func() {
		stop()
		cancel()
	}
}
