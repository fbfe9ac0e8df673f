package cron

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// memory is a store without a disk. It passes the suite of store_test.go.
type memory struct {
	// meddle, when set, is told the number of a commit that is about to be made
	// and says what becomes of it.
	meddle func(n int) fate

	mu      sync.Mutex
	clock   events.Clock
	at      uint64
	seq     uint64
	commits int
	fired   []events.Trigger
	passed  []events.Verdict
	later   map[string]events.Backlog
}

// fate is what becomes of a commit.
type fate int

const (
	stored      fate = iota
	refused          // not stored, and the caller knows
	unknown          // stored, and the caller does not know
	unknownGone      // not stored, and the caller does not know
)

var fates = map[fate]string{refused: "refused", unknown: "unknown and stored", unknownGone: "unknown and not stored"}

func (m *memory) Clock(context.Context) (events.Clock, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.clock, m.at, nil
}

func (m *memory) CommitPass(_ context.Context, c events.Clock, expect uint64, a events.Answers) (uint64, error) {
	return m.commit(a, func() bool { return expect == m.at }, func() { m.seq++; m.clock, m.at = c, m.seq })
}

func (m *memory) WorkOff(_ context.Context, a events.Answers) (uint64, error) {
	return m.commit(a, func() bool {
		return !slices.ContainsFunc(a.Later, func(b events.Backlog) bool { return b.Rest && m.later[b.JobID].Last != b.Last })
	}, func() {})
}

func (m *memory) commit(a events.Answers, claim func() bool, then func()) (uint64, error) {
	f := stored
	m.mu.Lock()
	m.commits++
	n, meddle := m.commits, m.meddle
	m.mu.Unlock()
	if meddle != nil {
		f = meddle(n)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case f == refused:
		return 0, &events.Error{Code: events.Full, Message: "full"}
	case f == unknownGone:
		return 0, jet.ErrUnknown
	case !claim():
		return 0, &events.Error{Code: events.Conflict, Message: "somebody else was first"}
	}
	m.seq += uint64(len(a.Fired) + len(a.Passed))
	m.fired = append(m.fired, a.Fired...)
	m.passed = append(m.passed, a.Passed...)
	if m.later == nil {
		m.later = map[string]events.Backlog{}
	}
	for _, l := range a.Later {
		m.seq++
		owed := slices.Clone(l.Owed)
		if !l.Rest {
			owed = append(slices.Clone(m.later[l.JobID].Owed), owed...)
		}
		m.later[l.JobID] = events.Backlog{JobID: l.JobID, Owed: owed, First: m.seq, Last: m.seq}
	}
	then()
	if f == unknown {
		return 0, jet.ErrUnknown
	}
	return m.seq, nil
}

func (m *memory) Backlogs(context.Context) (map[string]events.Backlog, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]events.Backlog{}
	for id, b := range m.later {
		b.Owed = slices.Clone(b.Owed)
		all[id] = b
	}
	return all, nil
}

// TrimBacklogs forgets what is settled; a backlog has one message here.
func (m *memory) TrimBacklogs(_ context.Context, before uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.later, func(_ string, b events.Backlog) bool { return b.Last < before })
	return nil
}

func (m *memory) all(testing.TB) ([]events.Trigger, []events.Verdict) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.fired), slices.Clone(m.passed)
}

// journal is a jobLog without a disk: what JOBS and its feeds are.
type journal struct {
	mu      sync.Mutex
	seq     uint64
	history map[string][]events.JobChange
	tables  map[*index]bool
}

func newJournal() *journal {
	return &journal{history: map[string][]events.JobChange{}, tables: map[*index]bool{}}
}

// put stores an event at a time.
func (j *journal) put(at time.Time, ev events.JobEvent) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seq++
	c := events.JobChange{JobRevision: events.JobRevision{Seq: j.seq, Event: ev}, Stored: at}
	j.history[ev.Job.ID] = append(j.history[ev.Job.ID], c)
	for t := range j.tables {
		t.apply(c.JobRevision)
	}
}

// attach fills an index with all jobs and keeps it up to date until detach.
func (j *journal) attach(t *index) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, all := range j.history {
		t.apply(all[len(all)-1].JobRevision)
	}
	j.tables[t] = true
}

func (j *journal) detach(t *index) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.tables, t)
}

func (j *journal) Barrier(context.Context) (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seq, nil
}

func (j *journal) History(_ context.Context, id string) ([]events.JobChange, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.history[id]), nil
}

// editor makes the events of jobs, as the gateway would.
type editor struct {
	put  func(at time.Time, ev events.JobEvent)
	jobs map[string]events.Job
}

func newEditor(put func(time.Time, events.JobEvent)) *editor {
	return &editor{put: put, jobs: map[string]events.Job{}}
}

// options is the object "spool" of a job's parameters, and "spooled_mode".
type options struct {
	Timezone string         `json:"timezone,omitempty"`
	CatchUp  events.CatchUp `json:"catch_up,omitempty"`
	Shadow   bool           `json:"shadow,omitempty"` // made disabled
	spooled  bool
	name     string
}

func parameters(schedule string, o options) json.RawMessage {
	return events.Encode(map[string]any{
		"name": "job " + o.name, "schedule": schedule, "spool": o,
		"flow_parameters": map[string]any{
			"auth_token": events.Mask, "binary_path": "admin/repo/fs/drive/flow", "input_dir": "admin/repo/fs/drive/in",
			"settings": map[string]any{"spooled_mode": o.spooled},
		},
	})
}

func (d *editor) create(at time.Time, id, schedule string, o options) {
	status := events.Enabled
	if o.Shadow {
		status = events.Disabled
	}
	d.jobs[id] = events.Job{
		ID: id, Status: status, CreatedOnNS: at.UnixNano(), EffectiveFrom: at, Parameters: parameters(schedule, o),
	}
	d.say(at, id, events.JobCreated)
}

func (d *editor) change(at time.Time, id string, what events.Change, f func(*events.Job)) {
	j := d.jobs[id]
	f(&j)
	d.jobs[id] = j
	d.say(at, id, what)
}

func (d *editor) edit(at time.Time, id, schedule string, o options) {
	d.change(at, id, events.JobUpdated, func(j *events.Job) {
		j.EffectiveFrom, j.Parameters = at, parameters(schedule, o)
	})
}

// rename is an edit that touches no slot.
func (d *editor) rename(at time.Time, id string) {
	d.change(at, id, events.JobUpdated, func(j *events.Job) { j.Name += "x" })
}

func (d *editor) enable(at time.Time, id string) {
	d.change(at, id, events.JobEnabled, func(j *events.Job) {
		j.Status, j.EffectiveFrom, j.Parameters = events.Enabled, at, events.Unshadowed(j.Parameters)
	})
}

func (d *editor) disable(at time.Time, id string) {
	d.change(at, id, events.JobDisabled, func(j *events.Job) { j.Status = events.Disabled })
}

func (d *editor) remove(at time.Time, id string) {
	delete(d.jobs, id)
	d.put(at, events.JobEvent{Event: events.JobDeleted, At: at, Job: events.Job{ID: id}})
}

func (d *editor) say(at time.Time, id string, what events.Change) {
	d.put(at, events.JobEvent{Event: what, At: at, Job: d.jobs[id]})
}

// replica makes an engine on a store and a jobLog, with small batches so that
// there are many places to die in.
func replica(t testing.TB, s store, r jobLog, jobs *index, now func() time.Time) *engine {
	watch := &watchdog{now: now, log: quiet(t)}
	return &engine{
		store: s, jobs: r, index: jobs, watch: watch, meter: newMeter(watch, nil), log: quiet(t), now: now, batch: 5,
	}
}

// newDrainer makes the drainer beside an engine.
func newDrainer(s backlogs, l *loop) *drainer {
	e := l.engine
	return &drainer{
		store: s, jobs: e.jobs, index: e.index, meter: e.meter, log: e.log, now: e.now,
		batch: jet.MaxBatch, rate: catchUpRate, wake: l.passed,
	}
}

// quiet is the test's log without its details.
func quiet(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// persist makes passes until one succeeds, as the loop does but without its pauses.
func persist(t testing.TB, e *engine) {
	t.Helper()
	for range 1000 {
		err := e.pass(t.Context())
		switch {
		case err == nil:
			return
		case jet.IsConflict(err), jet.IsUnknown(err), jet.IsFull(err):
		default:
			t.Fatal(err)
		}
	}
	t.Fatal("no pass succeeds")
}

// at gives a time on the day that synctest begins with.
func at(hour, minute int, rest ...time.Duration) time.Time {
	d := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute
	for _, r := range rest {
		d += r
	}
	return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(d)
}

// show writes triggers and verdicts as lines, times as hours and minutes since that day began.
func show(fired []events.Trigger, passed []events.Verdict) []string {
	clock := func(minute events.Minute) string {
		m := minute - events.MinuteOf(at(0, 0))
		return fmt.Sprintf("%02d:%02d", m/60, m%60)
	}
	var lines []string
	for _, f := range fired {
		lines = append(lines, fmt.Sprintf("%s %s fired", f.JobID, clock(f.Minute)))
	}
	for _, p := range passed {
		line := fmt.Sprintf("%s %s-%s %s", p.JobID, clock(p.From), clock(p.To), p.Verdict)
		if p.Reason != "" {
			line += " (" + p.Reason + ")"
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}
