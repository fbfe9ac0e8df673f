package v1

import (
	"net/http"
	"strconv"
	"strings"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

func readArguments(r *http.Request) (events.Object, error) {
	body, err := wire.Body(r)
	if err != nil {
		return nil, err
	}
	return events.ParseObject(body)
}

// readQuery reads the arguments of a GET: from the query string or, when there
// is none, from a JSON body if there is one.
func readQuery(r *http.Request, keys ...string) (events.Object, error) {
	if r.URL.RawQuery != "" {
		return parseQuery(r.URL.RawQuery, keys...)
	}
	body, err := wire.Body(r)
	if err != nil || len(strings.TrimSpace(string(body))) == 0 {
		return nil, err
	}
	return events.ParseObject(body)
}

// parseQuery gives those of the keys that stand in a query string the form of a
// body. A key without a value is absent: that is how clients leave one out.
func parseQuery(raw string, keys ...string) (events.Object, error) {
	values, err := wire.ParseQuery(raw)
	if err != nil {
		return nil, err
	}
	var o events.Object
	for _, key := range keys {
		switch list := values[key]; {
		case len(list) > 1:
			return nil, events.Faultf(events.Invalid, key, "stands twice: send it once")
		case len(list) == 1 && list[0] != "":
			o = o.Set(key, list[0])
		}
	}
	return o, nil
}

// textOf reads a string, "" when it is absent.
func textOf(o events.Object, key string) (string, error) {
	f := events.NewBriefFields(o, "")
	return f.Text(key), f.Err()
}

// jobIDOf reads the id of a job; capitals are what some tools make of a UUID.
func jobIDOf(o events.Object) (string, error) {
	id, err := textOf(o, "job_id")
	return strings.ToLower(id), err
}

func flagOf(o events.Object, key string) (bool, error) {
	f := events.NewBriefFields(o, "")
	return f.Flag(key), f.Err()
}

// countOf reads a number that a query string can only spell as text.
func countOf(o events.Object, key string, low, high int) (int, error) {
	raw, ok := o.Get(key)
	if !ok {
		return 0, nil
	}
	n, err := strconv.Atoi(strings.Trim(string(raw), `"`))
	if err != nil || n < low || n > high {
		return 0, events.Faultf(events.Invalid, key, "must be a whole number from %d to %d", low, high)
	}
	return n, nil
}
