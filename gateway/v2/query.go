package v2

import (
	"encoding/base64"
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
	defaultLimit = 100
	maxLimit     = 1000
)

// query takes typed values out of a query string and remembers the first
// fault. A key without a value is absent.
type query struct {
	values url.Values
	err    error
}

// readQuery reads a query string whose keys are all known.
func readQuery(r *http.Request, keys ...string) *query {
	q := &query{}
	if q.values, q.err = url.ParseQuery(r.URL.RawQuery); q.err != nil {
		q.err = events.Faultf(events.Invalid, "", "the query string is malformed")
	}
	for key, values := range q.values {
		if !slices.Contains(keys, key) {
			q.err = unknown("", key, spelling.Nearest(key, keys))
		} else if len(values) > 1 {
			q.fail(key, "stands twice: send it once")
		}
	}
	return q
}

func (q *query) fail(key, message string) {
	if q.err == nil {
		q.err = events.Faultf(events.Invalid, key, "%s", message)
	}
}

func (q *query) text(key string) string { return q.values.Get(key) }

func (q *query) oneOf(key string, values ...string) string {
	s := q.text(key)
	if s != "" && !slices.Contains(values, s) {
		q.fail(key, strconv.Quote(s)+" is not one of "+strings.Join(values, ", "))
	}
	return s
}

// limit reads how many entries a page may have.
func (q *query) limit(otherwise int) int {
	s := q.text("limit")
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxLimit {
		q.fail("limit", "must be a whole number from 1 to "+strconv.Itoa(maxLimit))
	}
	return n
}

func (q *query) time(key string, otherwise time.Time) time.Time {
	s := q.text(key)
	if s == "" {
		return otherwise
	}
	t, err := parseTime(s)
	if err != nil {
		q.fail(key, err.Error())
	}
	return t
}

// timeFault says how a time is written.
type timeFault string

func (f timeFault) Error() string {
	return strconv.Quote(string(f)) + " is not an RFC 3339 time like 2026-03-28T01:30:00Z"
}

func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, timeFault(s)
	}
	return t, nil
}

// A page token names the last entry that was shown: a number, and for jobs an
// id behind it. It stays good when that entry is deleted.
func pageToken(number uint64, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatUint(number, 10) + "." + id))
}

// after reads a page token; 0 is the beginning.
func (q *query) after() (number uint64, id string) {
	s := q.text("page_token")
	if s == "" {
		return 0, ""
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	text, id, _ := strings.Cut(string(raw), ".")
	if err == nil {
		number, err = strconv.ParseUint(text, 10, 64)
	}
	if err != nil {
		q.fail("page_token", "is not a next_page_token of this call")
	}
	return number, id
}
