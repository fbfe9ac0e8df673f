package notify

import (
	"encoding/json"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// notice is one thing to be told: how a run ended, or that an execution was given up.
type notice struct {
	id    string // the same for ever, whoever tells it how often
	at    time.Time
	seq   uint64 // in its stream
	jobID string

	run  *events.RunEvent // either this …
	dead *jet.DeadLetter  // … or that
}

func readRun(m *jet.Delivery) (notice, error) {
	var ev events.RunEvent
	err := json.Unmarshal(m.Data, &ev)
	return notice{id: "ended_" + ev.FlowJobID, at: m.Time, seq: m.Sequence, jobID: ev.JobID, run: &ev}, err
}

func readDead(m *jet.Delivery) (notice, error) {
	d, err := jet.ReadDead(m.Stored)
	// Of this letter: the trigger may be given up again after a retry.
	id := "dead_" + events.Hash(d.Trigger.ID+d.Result.TriggeredAt.UTC().Format(time.RFC3339Nano))
	return notice{id: id, at: m.Time, seq: m.Sequence, jobID: d.Trigger.JobID, dead: &d}, err
}

func (n notice) status() events.Status {
	if n.run != nil {
		return n.run.Status
	}
	return events.ERROR
}

// logged are the attributes of a log line about the notice.
func (n notice) logged() []any {
	if n.run != nil {
		return []any{"job_id", n.jobID, "trigger_id", n.run.TriggerID, "flow_job_id", n.run.FlowJobID}
	}
	return []any{"job_id", n.jobID, "trigger_id", n.dead.Trigger.ID}
}
