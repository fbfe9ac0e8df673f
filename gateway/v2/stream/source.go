package stream

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/system"
)

// source is a stream of the broker that events come from.
type source struct {
	letter string // in the id of an event
	feed   jet.Feed
	read   func(jet.FeedEntry) (*event, error) // nil: it is no event
}

var sources = [...]source{
	{"j", jet.FeedJobs, readJob},
	{"r", jet.FeedResults, readResult},
	{"u", jet.FeedRuns, readRun},
	{"s", jet.FeedSlots, readSlot},
	{"d", jet.FeedDead, readDead},
	{"t", jet.FeedStates, readState},
}

// kind is what an event is called.
type kind int

const (
	kindJob kind = iota
	kindResult
	kindRun
	kindSlot
	kindDead
	kindWatch
	kindFile
	kindRetry
	kindSystem
)

// kinds are their names, and the source that each comes from.
var kinds = [...]struct {
	name   string
	source int
}{
	kindJob: {"job", 0}, kindResult: {"result", 1}, kindRun: {"run", 2}, kindSlot: {"slot", 3}, kindDead: {"dead", 4},
	kindWatch: {"watch", 5}, kindFile: {"file", 5}, kindRetry: {"retry", 5}, kindSystem: {"system", 5},
}

// event is one event as all clients share it.
type event struct {
	kind   kind
	source int
	seq    uint64
	at     time.Time // when it was stored
	jobID  string
	owner  string // empty: the owner of the job
	data   []byte // one line

	everybody bool      // it is about no job, and for all
	public    []byte    // with everybody: what others than administrators get
	instance  string    // of a system event: which process it is about
	state     string    // how that is
	turned    time.Time // and since when
}

// dataFor is what somebody gets of an event.
func (e *event) dataFor(t events.Token) []byte {
	if e.everybody && t.MayAdminister() != nil {
		return e.public
	}
	return e.data
}

func readJob(m jet.FeedEntry) (*event, error) {
	ev, err := m.JobEvent()
	if err != nil {
		return nil, err
	}
	// Also what a job that was stored long ago has in clear is not shown here.
	ev.Job.Parameters, ev.Job.Secrets, ev.Job.Sums, ev.Job.Webhook, ev.Job.URLs = ev.Job.Visible(nil), nil, nil, nil, nil
	ev.Job.Request = ""
	return &event{kind: kindJob, jobID: ev.Job.ID, owner: ev.Job.Username, data: events.Encode(ev)}, nil
}

func readResult(m jet.FeedEntry) (*event, error) { return plain(kindResult, m) }

func readSlot(m jet.FeedEntry) (*event, error) { return plain(kindSlot, m) }

// plain reads what is shown as it is stored, and belongs to the owner of its job.
func plain(k kind, m jet.FeedEntry) (*event, error) {
	data, err := line(m)
	return &event{kind: k, jobID: m.JobID(), data: data}, err
}

func readRun(m jet.FeedEntry) (*event, error) {
	jobID, owner, err := m.RunHead()
	if err != nil {
		return nil, err
	}
	data, err := line(m)
	return &event{kind: kindRun, jobID: jobID, owner: owner, data: data}, err
}

// deadEvent is a dead letter as GET /api/v2/dead-letters names it, with its last call.
type deadEvent struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
	events.Result
}

func readDead(m jet.FeedEntry) (*event, error) {
	d, err := m.Dead()
	if err != nil {
		return nil, err
	}
	return &event{kind: kindDead, jobID: m.JobID(), data: events.Encode(deadEvent{strconv.FormatUint(d.Seq, 10), d.At.UTC(), d.Result})}, nil
}

func readState(m jet.FeedEntry) (*event, error) {
	switch m.StateKind() {
	case jet.StateWatch:
		if s, ok := m.WatchState(); ok && s.State == "" {
			return nil, nil // the watcher of a place has let go of the folder
		}
		return plain(kindWatch, m)
	case jet.StateFiles:
		return plain(kindFile, m)
	case jet.StateRetry:
		return plain(kindRetry, m)
	case jet.StateRole:
		return readRole(m)
	}
	return nil, nil
}

// readRole reads what a role says of itself, as a line of GET /api/v2/system.
func readRole(m jet.FeedEntry) (*event, error) {
	s, err := m.Role()
	if err != nil {
		return nil, err
	}
	line := system.Role(system.Heard{RoleState: s, At: m.Time}, m.Time)
	return &event{
		kind: kindSystem, everybody: true, data: events.Encode(line), public: events.Encode(line.Shown(false)),
		instance: s.Role + " " + s.Instance, state: fmt.Sprint(s.Ready, s.Stopped, s.Why, s.Version), turned: line.Since,
	}, nil
}

// line gives the body without line breaks, which would end the event early.
func line(m jet.FeedEntry) ([]byte, error) {
	data, err := m.JSON()
	if err != nil || !bytes.ContainsAny(data, "\r\n") {
		return data, err
	}
	var b bytes.Buffer
	err = json.Compact(&b, data)
	return b.Bytes(), err
}

// read takes a message in; nil is one that is no event.
func read(i int, m jet.FeedEntry) (*event, error) {
	e, err := sources[i].read(m)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m, err)
	}
	if e != nil {
		e.source, e.seq, e.at = i, m.Sequence, m.Time
	}
	return e, nil
}

// kindNames lists what events are called.
func kindNames() (names []string) {
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// chosen reads which kinds are wanted; none is all of them.
func chosen(wanted []string) (of [len(kinds)]bool, err error) {
	for i, k := range kinds {
		of[i] = len(wanted) == 0 || slices.Contains(wanted, k.name)
	}
	for i, name := range wanted {
		if !slices.Contains(kindNames(), name) || slices.Contains(wanted[:i], name) {
			return of, events.Faultf(events.Invalid, "type", "%q is none of job, result, run, slot, dead, watch, file, retry, system", name)
		}
	}
	return of, nil
}
