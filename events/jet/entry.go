package jet

import (
	"fmt"

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

// Status is that of a result.
func (m Stored) Status() events.Status { return events.Status(m.header.Get(headerStatus)) }
