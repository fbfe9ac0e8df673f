package change

import (
	"time"

	"spool.internal/events"
	"spool.internal/events/location"
)

// lookFor is how long a look at folders may take: a mount that hangs holds up
// no request. What is not found out then the watcher finds.
const lookFor = 2 * time.Second

// looks bounds how many looks can hang at once.
var looks = make(chan struct{}, 16)

// leadsBack refuses an output folder that really is the watched folder, or lies
// in it: by a link, by another name of its drive, or by a mount.
func (j *Jobs) leadsBack(p *events.Parameters) error {
	if !p.Spooled || j.Folders == nil {
		return nil
	}
	in, out := j.Folders.HostPath(p.InputDir), j.Folders.HostPath(p.OutputDir())
	back, _ := Look(func() bool {
		to, err := location.Of(in)
		from, oerr := location.Of(out)
		return err == nil && oerr == nil && from.Within(to)
	})
	if back {
		return events.Faultf(events.Invalid, "flow_parameters.settings.output_dir",
			"%s really is the watched folder, or lies in it (by a link, a mount or another name of the drive): results would be run again; choose a folder outside %s", p.OutputDir(), p.InputDir)
	}
	return nil
}

// Look gives what f finds out of a file system, or in is false when that takes too
// long; then f goes on, and what it finds is lost.
func Look[T any](f func() T) (found T, in bool) {
	late := time.NewTimer(lookFor)
	defer late.Stop()
	select {
	case looks <- struct{}{}:
	case <-late.C:
		return found, false
	}
	done := make(chan T, 1)
	go func() { // ends when the file system answers
		defer func() { <-looks }()
		done <- f()
	}()
	select {
	case found = <-done:
		return found, true
	case <-late.C:
		return found, false
	}
}
