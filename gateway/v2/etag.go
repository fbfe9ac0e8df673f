package v2

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

// etag names a revision of a job.
func etag(rev events.JobRevision) string { return `"` + strconv.FormatUint(rev.Seq, 10) + `"` }

var (
	etagList = regexp.MustCompile(`^\s*(W/)?"[^"]*"(\s*,\s*(W/)?"[^"]*")*\s*$`)
	etagItem = regexp.MustCompile(`(W/)?"[^"]*"`)
)

// precondition reads If-Match. What it gives says why a revision of a job is not one
// that the caller wants to change.
func precondition(r *http.Request) (func(events.JobRevision) error, error) {
	return IfMatch(r.Header.Values("If-Match")...)
}

// IfMatch reads the lines of If-Match: the ETags of the revisions that a caller wants to
// change, and of no line any.
func IfMatch(lines ...string) (func(events.JobRevision) error, error) {
	anything := func(events.JobRevision) error { return nil }
	switch {
	case len(lines) == 0 || len(lines) == 1 && lines[0] == "*":
		return anything, nil
	case len(lines) > 1 || !etagList.MatchString(lines[0]):
		return nil, events.Faultf(events.Invalid, "If-Match", `must be * or ETags in quotes, like "17"`)
	default:
		tags := etagItem.FindAllString(lines[0], -1) // weak ones match nothing
		return func(rev events.JobRevision) error {
			if slices.Contains(tags, etag(rev)) {
				return nil
			}
			return wire.Refuse(http.StatusPreconditionFailed, events.Conflict, "If-Match",
				"the job has changed, its ETag is %s now: read it again", etag(rev))
		}, nil
	}
}
