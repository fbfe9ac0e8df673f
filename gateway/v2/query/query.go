// Package query checks the query strings of the native API.
package query

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"spool.internal/events"
	"spool.internal/events/spelling"
)

// Read gives the query of a request, whose keys are all known. Every fault is
// an [events.Error] of code Invalid.
func Read(r *http.Request, keys ...string) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, events.Faultf(events.Invalid, "", "the query string is malformed")
	}
	for key := range values {
		if slices.Contains(keys, key) {
			continue
		}
		text := "unknown key"
		if best := spelling.Nearest(key, keys); best != "" {
			text = fmt.Sprintf("unknown key, did you mean %q?", best)
		}
		return nil, events.Faultf(events.Invalid, key, "%s", text)
	}
	return values, nil
}
