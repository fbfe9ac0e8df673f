package stream

import (
	"bytes"
	"encoding/json"
	"fmt"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// source is a stream of the broker that events come from.
type source struct {
	letter string // in the id of an event
	name   string // of its events
	stream string
	filter string
	read   func(jet.Stored) (*event, error)
}

var sources = [...]source{
	{"j", "job", events.StreamJobs, events.AllJobs, readJob},
	{"r", "result", events.StreamResults, events.AllResults, readResult},
	{"u", "run", events.StreamRunEvents, events.AllRuns, readRun},
}

// event is one event as all clients share it.
type event struct {
	source int
	seq    uint64
	jobID  string
	owner  string // empty: the owner of the job, or nobody
	data   []byte // one line
}

func readJob(m jet.Stored) (*event, error) {
	var ev events.JobEvent
	if err := json.Unmarshal(m.Data, &ev); err != nil {
		return nil, err
	}
	// Also what a job that was stored long ago has in clear is not shown here.
	ev.Job.Parameters, ev.Job.Secrets, ev.Job.Webhook, ev.Job.URLs = ev.Job.Visible(nil), nil, nil, nil
	return &event{jobID: ev.Job.ID, owner: ev.Job.Username, data: events.Encode(ev)}, nil
}

func readResult(m jet.Stored) (*event, error) {
	sub, err := events.ParseSubject(m.Subject)
	if err != nil {
		return nil, err
	}
	data, err := oneLine(m.Data)
	return &event{jobID: sub.JobID, data: data}, err
}

func readRun(m jet.Stored) (*event, error) {
	var head struct {
		JobID string `json:"job_id"`
		Owner string `json:"owner"`
	}
	if err := json.Unmarshal(m.Data, &head); err != nil {
		return nil, err
	}
	data, err := oneLine(m.Data)
	return &event{jobID: head.JobID, owner: head.Owner, data: data}, err
}

// oneLine gives JSON without line breaks, which would end the event early.
func oneLine(data []byte) ([]byte, error) {
	if !bytes.ContainsAny(data, "\r\n") {
		return data, nil
	}
	var b bytes.Buffer
	err := json.Compact(&b, data)
	return b.Bytes(), err
}

// read takes a message in.
func read(i int, m jet.Stored) (*event, error) {
	e, err := sources[i].read(m)
	if err != nil {
		return nil, fmt.Errorf("message %d on %s: %w", m.Sequence, m.Subject, err)
	}
	e.source, e.seq = i, m.Sequence
	return e, nil
}
