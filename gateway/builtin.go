package gateway

import (
	"context"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// runners gives what the built-in runners say of themselves.
func (g *Gateway) runners(ctx context.Context) (all []events.RunnerState, err error) {
	err = g.cfg.Bus.Runners().LastEach(ctx, func(m jet.Entry[events.RunnerState]) {
		if r, err := m.Value(); err == nil { // else it is of another version, and old within the hour
			all = append(all, r)
		}
	})
	return all, err
}

// builtIn reports whether a built-in runner says that the runs of jobs come to it.
func (g *Gateway) builtIn(ctx context.Context) (here bool, err error) {
	err = g.cfg.Bus.Runners().LastEach(ctx, func(m jet.Entry[events.RunnerState]) {
		if r, err := m.Value(); err == nil && !r.Direct { // else it is of another version, and old within the hour
			here = true
		}
	})
	return here, err
}
