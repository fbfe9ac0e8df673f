package client

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Error is an answer that is no success.
type Error struct {
	Status  int    `json:"status"`            // of HTTP
	Message string `json:"message"`           // what is wrong, and what would be right
	Detail  string `json:"detail,omitempty"`  // the message without the field
	Field   string `json:"field,omitempty"`   // the one at fault, as the request spells it
	Request string `json:"request,omitempty"` // the request's id, for the server's log

	RetryAfter time.Duration `json:"-"` // after which the server may be asked again; 0 = it does not say
	Body       []byte        `json:"-"` // the problem as it came
}

func (e *Error) Error() string { return e.Message }

// longestProblem is more than a problem ever has.
const longestProblem = 1 << 20

// refusal reads a problem. An answer of something else that stands in between, such as a
// proxy, has the words of its status.
func refusal(resp *http.Response) *Error {
	e := &Error{}
	e.Body, _ = io.ReadAll(io.LimitReader(resp.Body, longestProblem)) // what came of it may do
	if json.Unmarshal(e.Body, e) != nil || e.Message == "" {
		*e = Error{Body: e.Body, Message: "the server answered " + resp.Status}
	}
	e.Status = resp.StatusCode
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	return e
}
