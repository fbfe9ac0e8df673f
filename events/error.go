package events

import (
	"errors"
	"fmt"
)

// Code says what kind of fault an [Error] is. Each caller maps it once: the
// gateway to an HTTP status, a consumer to ack, nak or term.
type Code string

const (
	Invalid      Code = "invalid"      // the request is wrong; Field says where
	Unauthorized Code = "unauthorized" // no token, or a bad one
	Forbidden    Code = "forbidden"    // the caller may not do this
	NotFound     Code = "not_found"    // no such job, file, run
	Conflict     Code = "conflict"     // somebody else was first
	Full         Code = "full"         // a queue is full: back-pressure, try again
	Unavailable  Code = "unavailable"  // a dependency is away: try again
)

// Error is a fault that may be shown to the person who caused it. Any other
// error is internal and its text never leaves the process.
type Error struct {
	Code    Code
	Field   string // the request field at fault, as the request spells it; may be empty
	Message string // what is wrong and what would be right; lower case, no full stop
}

func (e *Error) Error() string {
	if e.Field == "" {
		return e.Message
	}
	return e.Field + ": " + e.Message
}

// Faultf makes an [Error].
func Faultf(code Code, field, format string, args ...any) *Error {
	return &Error{Code: code, Field: field, Message: fmt.Sprintf(format, args...)}
}

// CodeOf gives the code of the first [Error] in err's chain, or "".
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}
