package events

import (
	"encoding/json"
	"math"
	"time"
)

// othersStepTimeout is how long an attempt of a run may take when the job names
// no step_timeout and is no administrator's.
const othersStepTimeout = 24 * time.Hour

// StepTimeout reads how long an attempt of a run may take from the settings of
// its job; 0 is as long as it likes. named is false when they do not say.
func StepTimeout(settings Object) (limit time.Duration, named bool, err error) {
	var seconds float64
	var untimed bool
	for _, key := range []struct {
		name, want string
		into       any
	}{
		{"step_timeout", "a number of seconds, 0 or -1 for no limit", &seconds},
		{"disable_step_timeout", "true or false", &untimed},
	} {
		raw, ok := settings.Get(key.name)
		if !ok || string(raw) == "null" {
			continue
		}
		if json.Unmarshal(raw, key.into) != nil {
			return 0, false, Faultf(Invalid, "settings."+key.name, "must be %s", key.want)
		}
		named = named || key.name == "step_timeout" || untimed
	}
	if seconds < 0 && seconds != -1 || seconds > math.MaxInt64/1e9 {
		return 0, false, Faultf(Invalid, "settings.step_timeout", "must be a number of seconds, 0 or -1 for no limit")
	}
	if seconds > 0 && !untimed {
		limit = time.Duration(seconds * float64(time.Second))
	}
	return limit, named, nil
}

// StepTimeoutOf is how long an attempt may take of a job that names nothing: what
// the runner was given for all (negative: no limit), else, where that is 0, nothing
// for administrators and [othersStepTimeout] for others. role is that of
// [Job.Role]; a job from before roles were kept goes on without a limit.
func StepTimeoutOf(role Role, given time.Duration) time.Duration {
	switch {
	case given != 0:
		return max(0, given)
	case role == Admin, role == "":
		return 0
	}
	return othersStepTimeout
}
