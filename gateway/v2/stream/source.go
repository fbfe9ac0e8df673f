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
	feed   jet.Feed
	read   func(jet.FeedEntry) (*event, error)
}

var sources = [...]source{
	{"j", "job", jet.FeedJobs, readJob},
	{"r", "result", jet.FeedResults, readResult},
	{"u", "run", jet.FeedRuns, readRun},
}

// event is one event as all clients share it.
type event struct {
	source int
	seq    uint64
	jobID  string
	owner  string // empty: the owner of the job
	data   []byte // one line
}

func readJob(m jet.FeedEntry) (*event, error) {
	ev, err := m.JobEvent()
	if err != nil {
		return nil, err
	}
	// Also what a job that was stored long ago has in clear is not shown here.
	ev.Job.Parameters, ev.Job.Secrets, ev.Job.Webhook, ev.Job.URLs = ev.Job.Visible(nil), nil, nil, nil
	ev.Job.Request = ""
	return &event{jobID: ev.Job.ID, owner: ev.Job.Username, data: events.Encode(ev)}, nil
}

func readResult(m jet.FeedEntry) (*event, error) {
	data, err := oneLine(m.JSON())
	return &event{jobID: m.JobID(), data: data}, err
}

func readRun(m jet.FeedEntry) (*event, error) {
	jobID, owner, err := m.RunHead()
	if err != nil {
		return nil, err
	}
	data, err := oneLine(m.JSON())
	return &event{jobID: jobID, owner: owner, data: data}, err
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
func read(i int, m jet.FeedEntry) (*event, error) {
	e, err := sources[i].read(m)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m, err)
	}
	e.source, e.seq = i, m.Sequence
	return e, nil
}
