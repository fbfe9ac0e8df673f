package runner

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"spool.internal/events"
)

// mostDeaths is how many deaths of its runner a run may be under way at. One that
// was there each time may be what kills it.
const mostDeaths = 3

// stopsFile lies beside the log of a run and has a line for each attempt that
// its runner gave up alive. It is a file and not an event because a runner that
// stops may have lost the broker already.
const stopsFile = "stops"

// noteStop remembers that an attempt did not end, and its runner did not die.
func (a *attempt) noteStop() {
	file, err := a.dir.root.OpenFile(stopsFile, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(file, a.number)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		a.log.Warn("a clean stop could not be noted, and counts as a death of the runner", "error", err.Error())
	}
}

// poison says why a run is not started again: at how many of its attempts the
// runner died. Each that started, did not fail and was not given up alive was one.
func poison(dataDir string, former events.RunEvent) (string, error) {
	if former.Attempt < mostDeaths {
		return "", nil
	}
	dir, err := openRunFolder(dataDir, former.FlowJobID)
	if err != nil {
		return "", err
	}
	defer dir.close()
	text, err := dir.root.ReadFile(stopsFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	stops := map[string]bool{}
	for line := range bytes.Lines(text) {
		stops[string(line)] = true
	}
	deaths := former.Attempt - len(stops) - events.Failures(former.Attempts)
	if deaths < mostDeaths {
		return "", nil
	}
	return fmt.Sprintf("poison: Spool died %d times while this run was under way, and does not start it again: "+
		"find out what it does to the machine, then trigger it anew", deaths), nil
}
