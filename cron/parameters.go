package cron

import (
	"encoding/json"
	"errors"
	"fmt"
)

// jobParameters is what cron reads in the body that created a job. The gateway has
// validated that body; to do so again would take most of a start with many jobs.
//
// Keys are compared exactly: encoding/json gives a key of another case to the first
// field of that name, so before each field stands one for what clients keep there.
type jobParameters struct {
	NotSchedule json.RawMessage `json:"SCHEDULE"`
	Schedule    json.RawMessage `json:"schedule"` // anything when the job watches a folder
	NotFlow     json.RawMessage `json:"FLOW_PARAMETERS"`
	Flow        struct {
		NotSettings json.RawMessage `json:"SETTINGS"`
		Settings    struct {
			NotSpooled json.RawMessage `json:"SPOOLED_MODE"`
			Spooled    bool            `json:"spooled_mode"`
		} `json:"settings"`
	} `json:"flow_parameters"`
	NotOptions json.RawMessage `json:"SPOOL"`
	Options    struct {
		Timezone string `json:"timezone"`
		CatchUp  string `json:"catch_up"`
	} `json:"spool"` // the gateway lets no unknown key in here
}

func readParameters(body []byte) (spec, policy, error) {
	var p jobParameters
	if err := json.Unmarshal(body, &p); err != nil {
		return spec{}, 0, err
	}
	catchUp, known := policies[p.Options.CatchUp]
	switch {
	case !known:
		return spec{}, 0, fmt.Errorf("spool.catch_up: %q is not latest, none or all", p.Options.CatchUp)
	case p.Flow.Settings.Spooled:
		return spec{}, catchUp, nil
	}
	when := spec{zone: p.Options.Timezone}
	if json.Unmarshal(p.Schedule, &when.text) != nil || when.text == "" {
		return spec{}, 0, errors.New("schedule: must be a text such as 0 3 * * *")
	}
	return when, catchUp, nil
}
