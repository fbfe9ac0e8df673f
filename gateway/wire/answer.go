package wire

import (
	"net/http"
	"strconv"

	"spool.internal/events"
)

// HeaderRequestID names a request, in its answer and in the log.
const HeaderRequestID = "X-Request-Id"

// Write answers with JSON.
func Write(w http.ResponseWriter, status int, v any) {
	write(w, status, "application/json", append(events.Encode(v), '\n'))
}

func write(w http.ResponseWriter, status int, kind string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	switch {
	case status == http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case status == http.StatusServiceUnavailable && h.Get("Retry-After") == "":
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error means that the client has disconnected
}

// WriteError answers with the ERROR body of the v1 APIs.
func WriteError(w http.ResponseWriter, status int, msg string) {
	Write(w, status, struct {
		Status events.Status `json:"status"`
		Msg    string        `json:"msg"`
	}{events.ERROR, msg})
}
