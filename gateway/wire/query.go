package wire

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/spelling"
)

// Bounds on the entries of a page.
const (
	DefaultLimit = 100
	MaxLimit     = 1000
)

// ParseQuery reads a query string.
func ParseQuery(raw string) (url.Values, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, events.Faultf(events.Invalid, "", "the query string is malformed")
	}
	return values, nil
}

// Values gives the query of a request, whose keys are all known.
func Values(r *http.Request, keys ...string) (url.Values, error) {
	values, err := ParseQuery(r.URL.RawQuery)
	if err == nil {
		err = known(values, keys)
	}
	if err != nil {
		return nil, err
	}
	return values, nil
}

// known refuses keys that mean nothing.
func known(values url.Values, keys []string) error {
	for key := range values {
		if !slices.Contains(keys, key) {
			return UnknownKey("", key, spelling.Nearest(key, keys))
		}
	}
	return nil
}

// Query takes typed values out of a query string and remembers the first fault. A key
// without a value is absent.
type Query struct {
	values url.Values
	err    error
}

// ReadQuery reads the query of a request, whose keys are all known and stand once.
func ReadQuery(r *http.Request, keys ...string) *Query {
	values, err := ParseQuery(r.URL.RawQuery)
	if err != nil {
		return &Query{err: err}
	}
	return ReadValues(values, keys...)
}

// ReadValues is [ReadQuery] for a query that was parsed before.
func ReadValues(values url.Values, keys ...string) *Query {
	q := &Query{values, known(values, keys)}
	if q.err != nil {
		return q
	}
	for key, values := range values {
		if len(values) > 1 {
			q.Fail(key, "stands twice: send it once")
		}
	}
	return q
}

// QueryOf reads values that came in another way.
func QueryOf(values url.Values) *Query { return &Query{values: values} }

// Err gives the first fault, or nil.
func (q *Query) Err() error { return q.err }

// Fail notes a fault of a key.
func (q *Query) Fail(key, message string) {
	q.FailWith(events.Faultf(events.Invalid, key, "%s", message))
}

// FailWith notes a fault.
func (q *Query) FailWith(err error) {
	if q.err == nil {
		q.err = err
	}
}

// Text gives the value of a key.
func (q *Query) Text(key string) string { return q.values.Get(key) }

// OneOf gives the value of a key, one of several.
func (q *Query) OneOf(key string, values ...string) string {
	s := q.Text(key)
	if s != "" && !slices.Contains(values, s) {
		q.Fail(key, strconv.Quote(s)+" is not one of "+strings.Join(values, ", "))
	}
	return s
}

// Limit reads how many entries a page may have; otherwise counts when the query does not say.
func (q *Query) Limit(otherwise int) int {
	s := q.Text("limit")
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > MaxLimit {
		q.Fail("limit", fmt.Sprintf("must be a whole number from 1 to %d", MaxLimit))
	}
	return n
}

// Time reads a time of RFC 3339.
func (q *Query) Time(key string, otherwise time.Time) time.Time {
	s := q.Text(key)
	if s == "" {
		return otherwise
	}
	t, err := ParseTime(s)
	if err != nil {
		q.Fail(key, err.Error())
	}
	return t
}

// After reads the page token; 0 is the beginning.
func (q *Query) After() (number uint64, id string) {
	n, id, ok := ParsePageToken(q.Text("page_token"))
	if !ok || n < 0 {
		q.Fail("page_token", "is not a next_page_token of this call: leave it out to begin with the first page")
	}
	return uint64(max(n, 0)), id
}

// ParseTime reads a time of RFC 3339. The error's text says how a time is written.
func ParseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, timeFault(s)
	}
	return t, nil
}

type timeFault string

func (f timeFault) Error() string {
	return strconv.Quote(string(f)) + " is not an RFC 3339 time like 2026-03-28T01:30:00Z"
}
