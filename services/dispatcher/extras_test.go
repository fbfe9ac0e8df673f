package dispatcher

import (
	"testing"
	"time"

	"spool.internal/events"
)

// The pattern of an output is filled with the time that its execution is about, in
// the zone of the job, whenever the call is made.
func TestOutputTime(t *testing.T) {
	p, err := events.ParseParameters([]byte(`{"name": "n", "schedule": "* * * * *", "spool": {"output": "{yyyy}/{name}", "timezone": "Asia/Tokyo"},
		"flow_parameters": {"auth_token": "t", "binary_path": "a/b/fs/c/flow", "input_dir": "a/b/fs/c/in"}}`))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2025, 12, 31, 16, 0, 0, 0, time.UTC)
	for name, trigger := range map[string]events.Trigger{
		"slot":   {Kind: events.KindCron, Minute: events.MinuteOf(at), At: at.AddDate(0, 1, 0)},
		"file":   {Kind: events.KindFile, File: &events.File{Path: "a", ModifiedNS: at.UnixNano()}, At: at.AddDate(0, 1, 0)},
		"rerun":  {Kind: events.KindManual, File: &events.File{Path: "a", ModifiedNS: at.UnixNano()}, RerunOf: "x", At: at.AddDate(0, 1, 0)},
		"manual": {Kind: events.KindManual, At: at},
	} {
		w := &work{Trigger: trigger, job: &job{}, params: p}
		x, err := (&Dispatcher{cfg: Config{Secret: "s", Zone: time.UTC}}).extras(w)
		if err != nil || x.Output == nil || x.Output.At != "2026-01-01T01:00:00+09:00" || x.Output.Pattern != "{yyyy}/{name}" {
			t.Errorf("%s: %+v, %v", name, x, err)
		}
		if _, err := (&Dispatcher{}).extras(w); err == nil {
			t.Errorf("%s: another endpoint is called", name)
		}
	}
}
