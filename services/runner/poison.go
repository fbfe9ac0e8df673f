package runner

import (
	"fmt"

	"spool.internal/events"
	"spool.internal/services/runner/record"
)

// mostDeaths is how many times a runner may die while a run is under way. A run that was there
// each time may be the cause.
const mostDeaths = 3

// noteStop notes that an attempt did not end although its runner did not die.
func (a *attempt) noteStop() {
	if err := a.dir.NoteStop(a.number); err != nil {
		a.log.Warn("a clean stop could not be noted, and counts as a death of the runner", "error", err.Error())
	}
}

// poison says why a run is not started again: its runner died during too many of its attempts.
// An attempt counts when it started, did not fail and was not given up alive.
func poison(dataDir string, former events.RunEvent) (string, error) {
	if former.Attempt < mostDeaths {
		return "", nil
	}
	dir, err := record.Open(dataDir, former.FlowJobID)
	if err != nil {
		return "", err
	}
	defer dir.Close()
	stops, err := dir.Stops()
	if err != nil {
		return "", err
	}
	deaths := former.Attempt - stops - events.Failures(former.Attempts)
	if deaths < mostDeaths {
		return "", nil
	}
	return fmt.Sprintf("poison: Spool died %d times while this run was under way, and does not start it again: "+
		"find out what it does to the machine, then trigger it anew", deaths), nil
}
