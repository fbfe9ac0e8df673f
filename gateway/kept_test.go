package gateway

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/gateway/pack"
)

// A job comes out of the cache as it went in, but for its secrets.
func TestJobsAreKeptWhole(t *testing.T) {
	j := &jobs{samples: pack.New()}
	at := time.Date(2026, 3, 1, 2, 3, 4, 5_000_006, time.UTC)
	for _, job := range []events.Job{
		{ID: "a"},
		{ID: "b", Username: "x<y>&\u2028", Status: events.Enabled, Name: "nächtlich\n\"1\"", CreatedOnNS: 1 << 62, Role: events.Admin, EffectiveFrom: at},
		{
			ID: "c", Username: "admin", Status: events.Disabled, Key: "k", ManagedBy: "m", Request: "r",
			Parameters: json.RawMessage(`{ "spool":{"hold_after":3},"a":"<b>&\u2028 ` + "\n" + `"}`),
			Disabled:   &events.Disabling{By: "x", At: at, Reason: "why\n", Until: at},
			Webhook:    &events.JobWebhook{URL: "https://x", Shown: "s", Role: events.Admin}, URLs: map[string]*events.JobWebhook{"/a": {URL: "u"}},
		},
	} {
		want := job
		job.Secrets, job.Sums = map[string]string{"/a": "x"}, map[string]string{"/a": "y"}
		if got, ok := j.unpack(job.ID, j.keep(job)); !ok || cmp.Diff(want, got) != "" {
			t.Errorf("(-went in +came out):\n%s", cmp.Diff(want, got))
		}
	}
}
