package dispatcher

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/heap"
	"spool.internal/events/jet"
)

// A run is polled each time it is a tenth older than at the last poll, at most every second and at least every minute,
// and all runs together at most pollsPerSecond. After trackFor a run counts as ended with ERROR.
const (
	pollFirst      = time.Second
	pollLast       = time.Minute
	pollsPerSecond = 20
	pollers        = 8
	trackFor       = 7 * 24 * time.Hour
)

// tracker polls an endpoint that is not the built-in runner for how its runs end, and publishes what the built-in
// runner would. It reads the open runs from RUN_EVENTS, so a restart forgets none.
type tracker struct {
	d   *Dispatcher
	url string // of the Job API

	mu   sync.Mutex
	open map[string]*tracked // by job and flow job id
	due  *heap.Heap[*tracked]
}

// tracked is one open run.
type tracked struct {
	jobID, flowJobID string
	accepted         time.Time
	next             time.Time // when to poll
	started          bool      // its start is published
	gone             bool      // it has ended, or its job is deleted
}

func newTracker(d *Dispatcher, url string) *tracker {
	return &tracker{
		d: d, url: url, open: map[string]*tracked{},
		due: heap.New(func(a, b *tracked) bool { return a.next.Before(b.next) }),
	}
}

// statusURL derives the address of the Job API from that of the Run Binary API.
func statusURL(runBinary string) (string, error) {
	base, ok := strings.CutSuffix(runBinary, events.RunBinaryPath)
	if !ok {
		return "", events.Faultf(events.Invalid, "track-runs", "needs a run-binary-url that ends with %s, to know where the Job API is", events.RunBinaryPath)
	}
	return base + events.JobStatusPath, nil
}

// run tracks runs until ctx ends.
func (t *tracker) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for ctx.Err() == nil {
			// After a long break of the connection, polling finds what ended meanwhile.
			_ = t.d.bus.Runs(events.Accepted, "").And(t.d.bus.Runs(events.Ended, "")).FollowHeads(ctx, jet.Beginning, t.note)
		}
	})
	busy := make(chan struct{}, pollers)
	tick := time.NewTicker(time.Second / pollsPerSecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			r := t.popDue(now)
			if r == nil || !send(ctx, busy) {
				continue
			}
			wg.Go(func() {
				defer func() { <-busy }()
				over := t.d.poll(ctx, t.url, r)
				t.reschedule(r, over, time.Now())
			})
		}
	}
}

// note adds a run that this endpoint accepted, and removes one that has ended.
func (t *tracker) note(m jet.Entry[events.RunEvent]) {
	jobID, flowJobID, phase := m.JobID(), m.FlowJobID(), m.Phase()
	key := jobID + "." + flowJobID
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.open[key]
	switch {
	case phase == events.Ended && r != nil:
		r.gone = true
		delete(t.open, key)
	case phase == events.Accepted && r == nil && m.IsTracked():
		r = &tracked{jobID: jobID, flowJobID: flowJobID, accepted: m.Time, next: time.Now().Add(pollFirst)}
		t.open[key] = r
		t.due.Push(r)
	}
}

// popDue returns the run that is to be polled now, or nil.
func (t *tracker) popDue(now time.Time) *tracked {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		r, ok := t.due.First()
		if !ok || !r.gone && r.next.After(now) {
			return nil
		}
		if t.due.Pop(); !r.gone {
			return r
		}
	}
}

// reschedule sets when to poll a run again, unless that is over.
func (t *tracker) reschedule(r *tracked, over bool, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if over || r.gone {
		r.gone = true
		delete(t.open, r.jobID+"."+r.flowJobID)
		return
	}
	r.next = now.Add(min(max(now.Sub(r.accepted)/10, pollFirst), pollLast))
	t.due.Push(r)
}

// accept publishes that an endpoint accepted a run, so that it is tracked.
func (d *Dispatcher) accept(ctx context.Context, w *work, r events.Result) error {
	ev := events.RunEvent{
		Phase: events.Accepted, At: time.Unix(0, r.EndedNS).UTC(), FlowJobID: r.FlowJobID, TriggerID: w.ID, JobID: w.JobID,
		Owner: w.job.Username, BinaryPath: w.params.BinaryText, InputDir: w.params.InputText, OutputFolder: r.OutputFolder,
		Cause: w.cause(),
	}
	if w.File != nil {
		ev.InputDir, ev.Chain = w.File.InputDir, w.File.Chain
	}
	return d.publish(ctx, ev)
}

// publish publishes a phase of a run, once: of all dispatchers that track it one succeeds.
func (d *Dispatcher) publish(ctx context.Context, ev events.RunEvent) error {
	err := d.bus.PutTrackedEvent(ctx, ev, 0)
	if jet.IsConflict(err) {
		return nil
	}
	return err
}

// poll asks the endpoint about a run, and publishes what is new. over = there is nothing more to ask.
func (d *Dispatcher) poll(ctx context.Context, address string, r *tracked) (over bool) {
	log := d.log.With("job_id", r.jobID, "flow_job_id", r.flowJobID)
	j, ok := d.jobs.get(r.jobID)
	if !ok {
		return true // deleted
	}
	s, err := d.status(ctx, address, j, r.flowJobID)
	if ctx.Err() != nil {
		return false
	}
	tooOld := time.Since(r.accepted) > d.cfg.TrackFor
	switch {
	case s.ended:
	case tooOld:
		s = runStatus{ended: true, status: events.ERROR, message: "the endpoint was asked for " + d.cfg.TrackFor.String() + " and did not say that the run has ended"}
		if err != nil {
			s.message += ": " + err.Error()
		}
	case err != nil:
		log.Debug("the status of a run cannot be read from the endpoint", "error", err.Error())
		return false
	case !s.running || r.started:
		return false
	}
	if err := d.publishProgress(ctx, r, s); err != nil {
		log.Warn("the status of a run cannot be published yet", "error", err.Error())
		return false
	}
	if s.ended {
		log.Info("run ended", "status", string(s.status), "message", s.message)
	}
	return s.ended
}

// publishProgress publishes that a run has started and, if it has ended, how.
func (d *Dispatcher) publishProgress(ctx context.Context, r *tracked, s runStatus) error {
	accepted, seq, err := d.bus.RunEvent(ctx, events.Accepted, r.jobID, r.flowJobID)
	if err != nil || seq == 0 {
		return errors.Join(err, ctx.Err())
	}
	now := time.Now().UTC()
	started := accepted
	started.Phase, started.Attempt, started.At = events.Started, 1, now
	if s.ended {
		started.At = accepted.At // it was never seen running
	}
	if !r.started {
		if err := d.publish(ctx, started); err != nil {
			return err
		}
		r.started = true
	}
	if !s.ended {
		return nil
	}
	if first, seq, err := d.bus.RunEvent(ctx, events.Started, r.jobID, r.flowJobID); err != nil {
		return err
	} else if seq > 0 {
		started = first
	}
	ended := accepted
	ended.Phase, ended.Attempt, ended.At, ended.StartedAt = events.Ended, 1, now, started.At
	if s.at.After(started.At) && s.at.Before(now) {
		ended.At = s.at.UTC()
	}
	if s.output != "" {
		ended.OutputFolder = s.output
	}
	ended.Status, ended.Message = s.status, s.message
	return d.publish(ctx, ended)
}

// status makes one call of the Job API, with the job's own token.
func (d *Dispatcher) status(ctx context.Context, address string, j *job, flowJobID string) (runStatus, error) {
	params, err := d.jobs.parameters(j)
	if err != nil {
		return runStatus{}, err
	}
	query := url.Values{"job_id": {flowJobID}, "type": {"flow"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"?"+query.Encode(), nil)
	if err != nil {
		return runStatus{}, err
	}
	req.Header.Set("Authorization", "Bearer "+params.AuthToken)
	resp, err := d.client(params).Do(req)
	if err != nil {
		return runStatus{}, errors.New(j.secrets.Text(text(err)))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return runStatus{}, errors.New(j.secrets.Text(text(err)))
	}
	return readStatus(resp.StatusCode, body, j.secrets)
}
