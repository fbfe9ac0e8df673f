package events

import (
	"testing"
	"time"
)

// Every duration of a job is read as people write it.
func TestDurationsOfJobs(t *testing.T) {
	p, err := ParseParameters([]byte(`{"name":"n","schedule":"@daily","spool":{"retry_for":"2d","late_after":"1h 30m","too_long_after":"1w","notify":{"on":["late","too_long"],"to":{"webhook":"http://a.example"}},
		"run":{"command":"true","timeout":"2d12h","retries":{"times":1,"backoff":"5min"}}},"flow_parameters":{"auth_token":"t","binary_path":"a/b/fs/D/f","input_dir":"a/b/fs/D/in"}}`))
	if err != nil {
		t.Fatal(err)
	}
	o := p.Options
	for _, c := range []struct {
		name      string
		got, want time.Duration
	}{
		{"retry_for", o.RetryFor, 48 * time.Hour},
		{"late_after", o.Notifying.LateAfter, 90 * time.Minute},
		{"too_long_after", o.Notifying.TooLongAfter, 168 * time.Hour},
		{"timeout", o.Run.Timeout, 60 * time.Hour},
		{"backoff", o.Retries.Backoff, 5 * time.Minute},
	} {
		if c.got != c.want {
			t.Errorf("%s is %s, want %s", c.name, c.got, c.want)
		}
	}
	profiles, err := ParseProfiles("big: memory 2GB; owners ann")
	if err != nil || profiles[0].Memory != 2e9 {
		t.Errorf("memory 2GB: %+v, %v", profiles, err)
	}
}
