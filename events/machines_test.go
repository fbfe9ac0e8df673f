package events

import (
	"strings"
	"testing"
	"time"
)

func TestMachinesWaits(t *testing.T) {
	now := time.Date(2026, 11, 30, 3, 0, 0, 0, time.UTC)
	lease := func(place, pool string, age time.Duration, released bool) HeardLease {
		return HeardLease{PlaceLease{Place: place, Pool: pool, Released: released}, now.Add(-age)}
	}
	all := Machines{[]HeardLease{
		lease("m1", "default", 5*time.Second, false),
		lease("m2", "default", time.Hour, false), lease("m2", "gpu", 2*time.Minute, false),
		lease("m3", "default", time.Second, true),
		lease("m4", "default", time.Hour, false), lease("m4", "gpu", time.Second, false),
	}, now}
	for place, want := range map[string]string{
		"": "", "m1": "", "m4": "",
		"m2": "waits for machine m2, away since 2026-11-30T02:58:00Z",
		"m3": "waits for machine m3, stopped since 2026-11-30T02:59:59Z",
		"m9": "waits for machine m9, which has no runner yet",
	} {
		if got := all.Waits(place); got != want {
			t.Errorf("%q: %q, not %q", place, got, want)
		}
	}
	if got := (Machines{}).Waits("m2"); got != "" {
		t.Errorf("while nothing is known: %q", got)
	}
}

// Whatever people call their machines: a queue has one token, that of no pool and no other place.
func TestRunQueueOf(t *testing.T) {
	if got := RunQueueOf("default", ""); got != "default" {
		t.Errorf("without a place it is %q", got)
	}
	seen := map[string]string{}
	for _, place := range []string{"m1", "M1", "m.1", "m*", ">", "m1 ", "käse", "a@b", "~x", strings.Repeat("m", 300)} {
		q := RunQueueOf("default", place)
		if !IsToken(q) || strings.ContainsAny(q, `/\ `) || len(q) > 120 || !strings.HasPrefix(q, "default@") {
			t.Errorf("%q is in the queue %q", place, q)
		}
		if had, ok := seen[q]; ok {
			t.Errorf("%q and %q share a queue", place, had)
		}
		seen[q] = place
	}
}
