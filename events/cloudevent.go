package events

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// CloudEvent gives the headers of a public event: CloudEvents 1.0 in binary
// mode, and a traceparent whose trace is that of the trigger (or of the event
// itself), so that everything one trigger led to is one trace.
func CloudEvent(typ, id, source, trace string, at time.Time) map[string]string {
	return map[string]string{
		"ce-specversion":     "1.0",
		"ce-type":            typ,
		"ce-id":              id,
		"ce-source":          "spool/" + source,
		"ce-time":            at.UTC().Format(time.RFC3339Nano),
		"ce-datacontenttype": "application/json",
		"traceparent":        TraceParent(trace, id),
	}
}

// TraceOf is the first half of the trace id that [CloudEvent] derives from the name of a
// trigger, as a number: what very many messages are joined by.
func TraceOf(trigger string) uint64 {
	t := sha256.Sum256([]byte(trigger))
	return binary.BigEndian.Uint64(t[:8])
}

// TraceParent derives a W3C trace context: the trace id from trace, the span id from span.
func TraceParent(trace, span string) string {
	t, s := sha256.Sum256([]byte(trace)), sha256.Sum256([]byte(span))
	return "00-" + hex.EncodeToString(t[:16]) + "-" + hex.EncodeToString(s[:8]) + "-01"
}
