package events

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"spool.internal/events/spelling"
)

// unlimited in a [Quota] is no bound.
const unlimited = -1

// Quota is what one owner may have who is no administrator. 0 is the default.
type Quota struct {
	Jobs    int   // jobs
	Bytes   int64 // of JOBS that the owner's jobs take up, with their history
	Queued  int   // files that wait for their call, and as many manual triggers
	Running int   // runs that were called for and have not ended, and as many direct calls
}

// DefaultQuota is what nobody meets who means well. Bytes are a quarter of JOBS.
var DefaultQuota = Quota{Jobs: 10_000, Queued: 50_000, Running: 100}

// WithDefaults fills in what is 0, but for Bytes, which depend on the store.
func (q Quota) WithDefaults() Quota {
	if q.Jobs == 0 {
		q.Jobs = DefaultQuota.Jobs
	}
	if q.Queued == 0 {
		q.Queued = DefaultQuota.Queued
	}
	if q.Running == 0 {
		q.Running = DefaultQuota.Running
	}
	return q
}

var quotaKeys = []string{"jobs", "bytes", "queued", "running"}

// Set reads jobs=…,bytes=…,queued=…,running=… into q; what is not named stays.
// With String and Type it is what a flag needs.
func (q *Quota) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if !slices.Contains(quotaKeys, name) {
			return fmt.Errorf("%q is not one of %s: write jobs=100,bytes=64MiB", name, strings.Join(quotaKeys, ", "))
		}
		n, err := bound(value, name == "bytes")
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		switch name {
		case "jobs":
			q.Jobs = int(n)
		case "bytes":
			q.Bytes = n
		case "queued":
			q.Queued = int(n)
		case "running":
			q.Running = int(n)
		}
	}
	return nil
}

// bound reads a number above 0, or "none".
func bound(text string, bytes bool) (int64, error) {
	if text == "none" {
		return unlimited, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if bytes {
		n, err = spelling.Size(text)
	}
	switch {
	case err == nil && n > 0:
		return n, nil
	case bytes:
		return 0, fmt.Errorf("%q is not a size above 0, nor none: write bytes, or %s", text, spelling.SizeForm)
	default:
		return 0, fmt.Errorf("%q is not a whole number above 0, nor none: write one such as 100", text)
	}
}

func (q *Quota) String() string {
	var parts []string
	for _, p := range []struct {
		name string
		n    int64
	}{{"jobs", int64(q.Jobs)}, {"bytes", q.Bytes}, {"queued", int64(q.Queued)}, {"running", int64(q.Running)}} {
		switch {
		case p.n == unlimited:
			parts = append(parts, p.name+"=none")
		case p.n != 0:
			parts = append(parts, p.name+"="+strconv.FormatInt(p.n, 10))
		}
	}
	return strings.Join(parts, ",")
}

// Type names the form of the flag.
func (q *Quota) Type() string { return "quota" }
