package jet

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"spool.internal/events"
)

// What a message tells without its body being read.

// String names the message in errors and logs.
func (m Stored) String() string { return fmt.Sprintf("message %d on %s", m.Sequence, m.Subject) }

// parsed takes the subject apart; it is zero for a message of another version.
func (m Stored) parsed() subjectParts {
	sub, _ := parseSubject(m.Subject)
	return sub
}

// JobID names the job that the message is about; [events.NoJob] stands for none.
func (m Stored) JobID() string { return m.parsed().JobID }

// Phase is that of a run event.
func (m Stored) Phase() events.Phase { return events.Phase(m.parsed().Kind) }

// FlowJobID names the run of a run event.
func (m Stored) FlowJobID() string { return m.parsed().Rest }

// TriggerID names the trigger of a result.
func (m Stored) TriggerID() string { return m.header.Get("ce-id") }

// Trigger is the trace of what one trigger led to: see [events.TraceOf]. It is 0 where there is none.
func (m Stored) Trigger() uint64 {
	parts := strings.Split(m.header.Get("traceparent"), "-")
	if len(parts) < 2 || len(parts[1]) < 16 {
		return 0
	}
	n, err := strconv.ParseUint(parts[1][:16], 16, 64)
	if err != nil {
		return 0
	}
	return n
}

// Outcome is that of a result or a run event; empty when an older version stored it.
func (m Stored) Outcome() events.Outcome { return events.Outcome(m.header.Get(headerOutcome)) }

// Kind is that of the trigger of a result; empty when an older version stored it.
func (m Stored) Kind() events.Kind { return events.Kind(m.header.Get(headerKind)) }

// RunOf names the run that a result led to; empty too when an older version stored it.
func (m Stored) RunOf() string { return m.header.Get(headerRun) }

// Took is how long the last attempt of a run took that has ended; 0 where that is not known.
func (m Stored) Took() time.Duration {
	ms, err := strconv.ParseInt(m.header.Get(headerTook), 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}

// Status is that of a result.
func (m Stored) Status() events.Status { return events.Status(m.header.Get(headerStatus)) }

// Ended is when the last call of a result ended.
func (m Stored) Ended() (at time.Time, ok bool) {
	at, err := time.Parse(time.RFC3339Nano, m.header.Get("ce-time"))
	return at, err == nil
}
