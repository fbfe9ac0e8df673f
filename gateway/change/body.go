package change

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"spool.internal/events"
)

// Body reads the whole body of a request, whatever its Content-Type says:
// the documented clients name none.
func Body(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		return events.TrimBOM(body), nil
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, err
	}
	return nil, fmt.Errorf("%w: %w", events.Faultf(events.Invalid, "", "the body breaks off"), err)
}
