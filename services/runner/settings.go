package runner

import (
	"encoding/json"
	"time"

	"spool.internal/events"
)

// maxVariable is how long a setting may be that the flow gets in its
// environment, in bytes; Linux refuses a variable of 128 KiB.
const maxVariable = 120 << 10

// settings is what the runner reads in the settings of a call.
type settings struct {
	outputDir     string        // logical; empty = beside the input folder
	hasRunID      bool          // the run has a folder of its own below the output folder
	deleteOutDir  bool          // the output folder is emptied before the run
	tags          string        // JSON list
	runtimeConfig string        // JSON object
	stepTimeout   time.Duration // how long an attempt may take; 0 = as long as it likes
	timed         bool          // the job says how long
}

// readSettings checks what is there; every fault names its key.
func readSettings(o events.Object) (settings, error) {
	s := settings{tags: "[]", runtimeConfig: "{}"}
	var list []string
	for _, key := range []struct {
		name, want string
		into       any
		keep       *string
	}{
		{"output_dir", "a string", &s.outputDir, nil},
		{"output_has_run_id", "true or false", &s.hasRunID, nil},
		{"delete_out_dir", "true or false", &s.deleteOutDir, nil},
		{"tags", "a list of strings", &list, &s.tags},
		{"runtime_config", "an object", &map[string]json.RawMessage{}, &s.runtimeConfig},
	} {
		raw, ok := o.Get(key.name)
		if !ok {
			continue
		}
		if json.Unmarshal(raw, key.into) != nil {
			return s, events.Faultf(events.Invalid, "settings."+key.name, "must be %s", key.want)
		}
		if key.keep != nil {
			*key.keep = string(raw)
		}
		if key.keep != nil && len(raw) > maxVariable {
			return s, events.Faultf(events.Invalid, "settings."+key.name, "is %d bytes long; a flow can be given %d", len(raw), maxVariable)
		}
	}
	var err error
	s.stepTimeout, s.timed, err = events.StepTimeout(o)
	return s, err
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
