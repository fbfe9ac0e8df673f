package v1

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

func TestFail(t *testing.T) {
	wrapped := func(code events.Code) error {
		return fmt.Errorf("publish to JOBS at 10.0.0.1: %w", events.Faultf(code, "f", "m"))
	}
	for _, c := range []struct {
		name   string
		err    error
		code   int
		msg    string
		logged bool
	}{
		{"invalid", wrapped(events.Invalid), 200, "f: m", false},
		{"not found", wrapped(events.NotFound), 200, "f: m", false},
		{"conflict", wrapped(events.Conflict), 200, "f: m", false},
		{"forbidden", wrapped(events.Forbidden), 200, "f: m", false},
		{"unauthorized", wrapped(events.Unauthorized), 401, "f: m", false},
		{"full", wrapped(events.Full), 503, "f: m", true},
		{"unavailable", wrapped(events.Unavailable), 503, "f: m", true},
		{"internal", errors.New("10.0.0.1 is on fire"), 500, "internal error: the server's log has it under request id r7", true},
		{"given up", fmt.Errorf("read: %w", context.Canceled), 503, "the request was given up", false},
		{"too large", &http.MaxBytesError{}, 413, "the body is longer than 256 KiB", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			w := httptest.NewRecorder()
			w.Header().Set(wire.HeaderRequestID, "r7")
			Fail(w, slog.New(slog.NewTextHandler(&log, nil)), c.err)
			want := `{"status":"ERROR","msg":"` + c.msg + `"}` + "\n"
			if w.Code != c.code || w.Body.String() != want {
				t.Errorf("answer %d %s; want %d %s", w.Code, w.Body, c.code, want)
			}
			if logged := strings.Contains(log.String(), "request_id=r7"); logged != c.logged {
				t.Errorf("logged: %q", log.String())
			}
			if (w.Header().Get("Retry-After") != "") != (c.code == 503) || (w.Header().Get("WWW-Authenticate") != "") != (c.code == 401) {
				t.Errorf("header %v", w.Header())
			}
		})
	}
	if len(statusOf) != 7 {
		t.Errorf("the table has %d codes; the cases above know 7", len(statusOf))
	}
}
