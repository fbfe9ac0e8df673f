package runner

import (
	"context"

	"spool.internal/services/runner/process"
)

// processFor gives the process of an attempt. Warm processes serve attempts whose profiles
// grant no more than files; others get one that is started in a room of their own.
func (r *Runner) processFor(ctx context.Context, a *attempt) (*process.Flow, error) {
	room, own, err := r.roomOf(a)
	if err != nil {
		return nil, err
	}
	if own == nil {
		f, err := r.takeWarm(ctx)
		if err != nil {
			return nil, errStopped
		}
		return f, nil
	}
	f, err := r.pool.Start(*own, room)
	if err != nil {
		return nil, err
	}
	if a.reach != nil {
		if err := a.reach.hold(f); err != nil {
			f.Discard()
			return nil, err
		}
	}
	return f, nil
}

// keepMounts keeps warm processes up to date with the mounts of the host, until ctx ends.
func (r *Runner) keepMounts(ctx context.Context) {
	if r.room.Form.Spaces {
		r.pool.WatchMounts(ctx)
	}
}
