package runner

import (
	"time"

	"spool.internal/events"
)

// maxVariable is the longest setting that the flow gets in its environment, in bytes. Linux
// refuses a variable of 128 KiB.
const maxVariable = 120 << 10

// settings is what the runner reads in the settings of a call.
type settings struct {
	outputDir     string        // logical; empty = beside the input folder
	hasRunID      bool          // the run has a folder of its own below the output folder
	deleteOutDir  bool          // the output folder is emptied before the run
	tags          string        // JSON list
	runtimeConfig string        // JSON object
	stepTimeout   time.Duration // how long an attempt may take; 0 = no limit
	timed         bool          // the job says how long
}

// readSettings checks what is there; every fault names its key.
func readSettings(o events.Object) (settings, error) {
	in := events.NewBriefFields(o, "settings.")
	s := settings{outputDir: in.Text("output_dir"), hasRunID: in.Flag("output_has_run_id"), deleteOutDir: in.Flag("delete_out_dir")}
	in.Strings("tags")
	in.Object("runtime_config")
	s.tags, s.runtimeConfig = variable(in, o, "tags", "[]"), variable(in, o, "runtime_config", "{}")
	if in.Err() != nil {
		return s, in.Err()
	}
	var err error
	s.stepTimeout, s.timed, err = events.StepTimeout(o)
	return s, err
}

// variable gives a setting as it was written, for the environment of the flow.
func variable(in *events.Fields, o events.Object, key, otherwise string) string {
	raw, ok := o.Get(key)
	if !ok {
		return otherwise
	}
	if len(raw) > maxVariable {
		in.Fail(key, "is %d bytes long; a flow can be given %d", len(raw), maxVariable)
	}
	return string(raw)
}

// storedSettings reads the settings of an accepted run.
func storedSettings(run events.Run) (settings, error) {
	if len(run.Settings) == 0 {
		return readSettings(nil)
	}
	o, err := events.ParseObject(run.Settings)
	if err != nil {
		return settings{}, err
	}
	return readSettings(o)
}
