package main

import (
	"context"
	"strings"
	"sync"
	"time"

	"spool.internal/events/jet"
	"spool.internal/events/wait"
)

// lastMachine is what a machine of a cluster does that is stopped after the others, or at the same time:
// without a majority nothing can be stored any more, and every part would wait for that until its time is
// over. So the connections to the store are cut, as the end of the process would; what was not stored is
// done again when the machines are back, as after a power cut.
type lastMachine struct {
	buses []*jet.Bus
	stop  context.CancelFunc
	wg    sync.WaitGroup
}

// minorityFor is how long a stop goes on without a majority before nothing is waited for any more: another
// machine may be on its way back.
const (
	minorityFor  = 500 * time.Millisecond
	minorityLook = 100 * time.Millisecond
)

// begin looks after the others from now until end.
func (l *lastMachine) begin(in *instance) func(context.Context) error {
	return func(context.Context) error {
		ctx, cancel := context.WithCancel(context.Background())
		l.stop = cancel
		l.wg.Go(func() { l.look(ctx, in) })
		return nil
	}
}

func (l *lastMachine) look(ctx context.Context, in *instance) {
	since := time.Now() // of what is seen now
	for {
		away := in.broker.Minority()
		if len(away) == 0 {
			since = time.Now()
		} else if time.Since(since) >= minorityFor {
			in.Log.Warn("this machine stops without a majority of the machines: nothing more can be stored, and what is unfinished is done again when they are back",
				"away", strings.Join(away, ", "))
			for _, bus := range l.buses {
				bus.Abandon()
			}
			return
		}
		if wait.Sleep(ctx, minorityLook) != nil {
			return
		}
	}
}

func (l *lastMachine) end(context.Context) error {
	if l.stop != nil {
		l.stop()
	}
	l.wg.Wait()
	return nil
}
