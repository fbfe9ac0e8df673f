package runner

import (
	"context"
	"time"
)

// diskEvery is how often it is checked whether the disk of an output has room.
const diskEvery = time.Second

// untilLow ends the life of a flow whose output lies on the disk of the store, when less than half of
// the reserve is free there. stop ends the watch.
func (r *Runner) untilLow(life context.Context, a *attempt) (until context.Context, stop func()) {
	if a.output == nil || r.cfg.Reserve.Bytes() == 0 {
		return life, func() {}
	}
	until, end := context.WithCancelCause(life)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(diskEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-until.Done():
				return
			}
			if err := r.cfg.Reserve.Low(a.output.Stat(".")); err != nil {
				end(halt("disk: stopped, because " + err.Error()))
				return
			}
		}
	}()
	return until, func() {
		end(nil)
		<-done
	}
}
