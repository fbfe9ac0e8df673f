package gateway

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/gateway/index"
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

// Whatever is made and deleted while lists are read, they are in the order in which jobs were made.
func TestJobsStayInOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	j := newJobs(func(string) {}, newOwners(nil, events.Quota{}), index.New(nil, time.UTC, nil))
	there := map[string]int64{}
	for n := range 2000 {
		id := fmt.Sprintf("07a3e5c1-1b4f-4852-9cd6-%012d", random.IntN(1000))
		ev := events.JobEvent{Event: events.JobUpdated, Job: events.Job{ID: id, Username: "ann", CreatedOnNS: there[id]}}
		switch _, known := there[id]; {
		case known && random.IntN(2) == 0:
			ev.Event = events.JobDeleted
			delete(there, id)
		case !known:
			there[id] = int64(n - random.IntN(2)*random.IntN(30)) // now and then by a clock that is behind
			ev.Event, ev.Job.CreatedOnNS = events.JobCreated, there[id]
		}
		j.apply(events.JobRevision{Seq: uint64(n + 1), Event: ev})
		if n%5 != 0 {
			continue
		}
		var got []place
		for job := range j.Oldest("ann", -100, "") {
			got = append(got, place{createdNS: job.CreatedOnNS, id: job.ID})
		}
		if len(got) != len(there) || !slices.IsSortedFunc(got, place.compare) {
			t.Fatalf("after %d changes: %d of %d jobs, in order %v", n, len(got), len(there), slices.IsSortedFunc(got, place.compare))
		}
	}
}
