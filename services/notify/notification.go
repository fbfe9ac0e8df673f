package notify

import (
	"strconv"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// notification is one thing that happened, on its way to one channel.
type notification struct {
	id    string // the same at every delivery, by any process
	at    time.Time
	age   time.Duration // at this delivery
	seq   uint64        // in its stream
	jobID string

	run    *events.RunEvent     // one of these: a run ended,
	dead   *events.DeadLetter   // a trigger was given up,
	result *events.Result       // a call was answered, where the end of its run is not known,
	state  *events.Notification // the state of a job changed

	again *events.NoticeAgain // somebody has the end of a run sent again
}

func readRun(m *jet.Delivery) (notification, error) {
	ev, err := m.RunEvent()
	return notification{id: "ended_" + ev.FlowJobID, at: m.Time, seq: m.Sequence, jobID: ev.JobID, run: &ev}, err
}

func readDead(m *jet.Delivery) (notification, error) {
	d, err := m.DeadLetter()
	// With the time: the trigger may be retried and given up once more.
	id := "dead_" + events.Hash(d.Trigger.ID+d.Result.TriggeredAt.UTC().Format(time.RFC3339Nano))
	return notification{id: id, at: m.Time, seq: m.Sequence, jobID: d.Trigger.JobID, dead: &d}, err
}

func readResult(m *jet.Delivery) (notification, error) {
	r, err := m.Result()
	return notification{id: "result_" + events.Hash(r.TriggerID), at: m.Time, seq: m.Sequence, jobID: r.JobID, result: &r}, err
}

func readState(m *jet.Delivery) (notification, error) {
	n, err := m.Notification()
	// With the time: a new store counts its sequences from 1.
	id := "state_" + events.Hash(n.JobID+" "+n.About+" "+strconv.FormatUint(m.Sequence, 10)+" "+m.Time.Format(time.RFC3339Nano))
	return notification{id: id, at: m.Time, seq: m.Sequence, jobID: n.JobID, state: &n}, err
}

// readAgain reads a request; the run that it is about is read by [channel.complete].
func readAgain(m *jet.Delivery) (notification, error) {
	a, err := m.NoticeAgain()
	return notification{id: "ended_" + a.FlowJobID, at: m.Time, jobID: a.JobID, again: &a}, err
}

// status is OK or ERROR: everything but a success is an ERROR.
func (n notification) status() events.Status {
	switch {
	case n.run != nil:
		return n.run.Status
	case n.result != nil:
		return n.result.Status
	}
	return events.ERROR
}

// logged returns the attributes of a log line about the notification.
func (n notification) logged() []any {
	switch {
	case n.run != nil:
		return []any{"job_id", n.jobID, "trigger_id", n.run.TriggerID, "flow_job_id", n.run.FlowJobID}
	case n.result != nil:
		return []any{"job_id", n.jobID, "trigger_id", n.result.TriggerID}
	case n.again != nil:
		return []any{"job_id", n.jobID, "flow_job_id", n.again.FlowJobID, "by", n.again.By}
	case n.state != nil:
		return []any{"job_id", n.jobID, "about", n.state.About, "state", string(n.state.State)}
	}
	return []any{"job_id", n.jobID, "trigger_id", n.dead.Trigger.ID}
}
