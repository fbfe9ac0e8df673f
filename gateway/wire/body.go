package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"spool.internal/events"
	"spool.internal/events/spelling"
)

// MaxBody is the longest request body, and the longest parameters of a job, in bytes.
const MaxBody = 256 << 10

// LongerThan is the end of the sentence that refuses what is too long.
func LongerThan(limit int) string { return fmt.Sprintf("longer than %d KiB", limit>>10) }

// IsTooLong reports whether a body was cut off by [http.MaxBytesReader].
func IsTooLong(err error) bool {
	_, long := errors.AsType[*http.MaxBytesError](err)
	return long
}

// Body reads the whole body of a request, whatever its Content-Type says: the
// documented clients name none.
func Body(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		return events.TrimBOM(body), nil
	}
	if IsTooLong(err) {
		return nil, err
	}
	return nil, fmt.Errorf("%w: %w", events.Faultf(events.Invalid, "", "the body breaks off"), err)
}

// ReadFields reads a body that is one JSON object whose keys are all known.
func ReadFields(r *http.Request, keys ...string) (*events.Fields, error) {
	body, err := Body(r)
	if err != nil {
		return nil, err
	}
	return FieldsOf(body, keys...)
}

// FieldsOf is [ReadFields] for a body that came in another way.
func FieldsOf(body []byte, keys ...string) (*events.Fields, error) {
	o, err := events.ParseObject(body)
	if err != nil {
		return nil, err
	}
	for _, m := range o {
		if !slices.Contains(keys, m.Key) {
			return nil, UnknownKey("", m.Key, spelling.Nearest(m.Key, keys))
		}
	}
	return events.NewFields(o), nil
}

// ReadNothing refuses a body that says something where there is nothing to say.
func ReadNothing(r *http.Request) error {
	body, err := Body(r)
	if err != nil || len(bytes.TrimSpace(body)) == 0 {
		return err
	}
	_, err = FieldsOf(body)
	return err
}
