package cli

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
)

// Exit statuses of every command that talks to a server.
const (
	Done         = 0 // it was done
	Failed       = 1 // it could not be done; of diff: there is a difference
	Misused      = 2 // wrong flags or arguments, or a name that several have; nothing was done
	NotFound     = 3 // there is no such thing
	Refused      = 4 // the server refuses it: invalid, or in conflict with what is there
	Unauthorized = 5 // the token is not valid, or may not do this
	RunFailed    = 6 // --wait: the run ended, and not well
	TimedOut     = 7 // --wait: the time was over before the run
	Partly       = 8 // of many things some were done
)

// Error ends a command with an exit status of its own.
type Error struct {
	Exit    int
	Problem json.RawMessage // what the server answered; nil where it is an error of this program
	Facts   map[string]any  // further keys of the problem under -o json
	Silent  bool            // what is to be said is on stdout already
	Cmd     *cobra.Command  // of wrong usage, whose flags are named
	error
}

func (e *Error) Unwrap() error { return e.error }

// failure makes an error with an exit status.
func failure(exit int, format string, args ...any) error {
	return &Error{Exit: exit, error: fmt.Errorf(format, args...)}
}

// misused is an error in the arguments or flags; "flag: why" names a flag.
func misused(format string, args ...any) error { return failure(Misused, format, args...) }

// statusOf returns the exit status of an HTTP status.
func statusOf(code int) int {
	switch {
	case code == http.StatusNotFound || code == http.StatusGone:
		return NotFound
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return Unauthorized
	case code == http.StatusTooManyRequests || code == http.StatusRequestTimeout:
		return Failed
	case code >= 400 && code < 500:
		return Refused
	default:
		return Failed
	}
}
