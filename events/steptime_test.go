package events

import (
	"strings"
	"testing"
	"time"
)

func TestStepTimeout(t *testing.T) {
	for _, c := range []struct {
		settings string
		limit    time.Duration
		named    bool
		fault    string
	}{
		{`{}`, 0, false, ""},
		{`{"step_timeout":null}`, 0, false, ""},
		{`{"disable_step_timeout":false}`, 0, false, ""},
		{`{"step_timeout":2.5}`, 2500 * time.Millisecond, true, ""},
		{`{"step_timeout":0}`, 0, true, ""},
		{`{"step_timeout":-1}`, 0, true, ""},
		{`{"step_timeout":60,"disable_step_timeout":true}`, 0, true, ""},
		{`{"disable_step_timeout":true}`, 0, true, ""},
		{`{"step_timeout":"60"}`, 0, false, "settings.step_timeout"},
		{`{"step_timeout":-2}`, 0, false, "settings.step_timeout"},
		{`{"step_timeout":1e300}`, 0, false, "settings.step_timeout"},
		{`{"disable_step_timeout":1}`, 0, false, "settings.disable_step_timeout"},
	} {
		o, err := ParseObject([]byte(c.settings))
		if err != nil {
			t.Fatal(err)
		}
		limit, named, err := StepTimeout(o)
		if limit != c.limit || named != c.named || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: %s, named %v, %v", c.settings, limit, named, err)
		}
	}
	for _, c := range []struct {
		role        Role
		given, want time.Duration
	}{
		{Admin, 0, 0},
		{"operator", 0, 24 * time.Hour},
		{"", 0, 0},
		{Admin, time.Minute, time.Minute},
		{"operator", time.Minute, time.Minute},
		{"operator", -1, 0},
	} {
		if got := StepTimeoutOf(c.role, c.given); got != c.want {
			t.Errorf("%q with %s: %s, want %s", c.role, c.given, got, c.want)
		}
	}
}
