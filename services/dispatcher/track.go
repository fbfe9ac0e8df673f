package dispatcher

import (
	"container/heap"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// A run is asked about when it is a tenth older than at the last time, at least
// every minute, at most every second, and no more than asksPerSecond of all runs;
// after trackFor it counts as ended with ERROR.
const (
	askFirst      = time.Second
	askLast       = time.Minute
	asksPerSecond = 20
	askers        = 8
	trackFor      = 7 * 24 * time.Hour
)

// tracker asks an endpoint that is not ours how its runs end, and publishes it as
// the built-in runner would. Which runs are open it reads from RUN_EVENTS, so that
// it forgets nothing when it restarts.
type tracker struct {
	d   *Dispatcher
	url string // of the Job API

	mu   sync.Mutex
	open map[string]*tracked // by job and flow job id
	due  schedule
}

// tracked is one open run.
type tracked struct {
	jobID, flowJobID string
	accepted         time.Time
	next             time.Time // when to ask
	started          bool      // that it runs is published
	gone             bool      // it has ended, or its job is deleted
}

// schedule is a heap by next.
type schedule []*tracked

func (s schedule) Len() int           { return len(s) }
func (s schedule) Less(a, b int) bool { return s[a].next.Before(s[b].next) }
func (s schedule) Swap(a, b int)      { s[a], s[b] = s[b], s[a] }
func (s *schedule) Push(x any)        { *s = append(*s, x.(*tracked)) }
func (s *schedule) Pop() any {
	last := len(*s) - 1
	t := (*s)[last]
	*s = (*s)[:last]
	return t
}

// statusURL derives the address of the Job API from that of the Run Binary API.
func statusURL(runBinary string) (string, error) {
	base, ok := strings.CutSuffix(runBinary, events.RunBinaryPath)
	if !ok {
		return "", events.Faultf(events.Invalid, "track-runs", "needs a run-binary-url that ends with %s, to know where the Job API is", events.RunBinaryPath)
	}
	return base + events.JobStatusPath, nil
}

func (t *tracker) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for ctx.Err() == nil {
			// Cut off for long, what ended meanwhile shows itself as ended.
			_ = t.d.bus.Follow(ctx, jet.Follow{
				Stream: events.StreamRunEvents, From: jet.Beginning, Headers: true,
				Filters: []string{events.RunsOf(events.Accepted, ""), events.RunsOf(events.Ended, "")},
			}, t.take)
		}
	})
	busy := make(chan struct{}, askers)
	tick := time.NewTicker(time.Second / asksPerSecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			r := t.first(now)
			if r == nil || !send(ctx, busy) {
				continue
			}
			wg.Go(func() {
				defer func() { <-busy }()
				over := t.d.ask(ctx, t.url, r)
				t.back(r, over, time.Now())
			})
		}
	}
}

// take takes in what was accepted at this endpoint, and what has ended.
func (t *tracker) take(m jet.Stored) {
	sub, err := events.ParseSubject(m.Subject)
	if err != nil {
		return // not below the filter
	}
	key := sub.JobID + "." + sub.Rest
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.open[key]
	switch {
	case sub.Kind == string(events.Ended) && r != nil:
		r.gone = true
		delete(t.open, key)
	case sub.Kind == string(events.Accepted) && r == nil && m.IsTracked():
		r = &tracked{jobID: sub.JobID, flowJobID: sub.Rest, accepted: m.Time, next: time.Now().Add(askFirst)}
		t.open[key] = r
		heap.Push(&t.due, r)
	}
}

// first takes the run off the schedule that is to be asked about, if one is due.
func (t *tracker) first(now time.Time) *tracked {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.due) > 0 {
		if r := t.due[0]; !r.gone && r.next.After(now) {
			return nil
		}
		if r := heap.Pop(&t.due).(*tracked); !r.gone {
			return r
		}
	}
	return nil
}

func (t *tracker) back(r *tracked, over bool, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if over || r.gone {
		r.gone = true
		delete(t.open, r.jobID+"."+r.flowJobID)
		return
	}
	r.next = now.Add(min(max(now.Sub(r.accepted)/10, askFirst), askLast))
	heap.Push(&t.due, r)
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

// publish publishes a phase of a run, once; of all who track it one does.
func (d *Dispatcher) publish(ctx context.Context, ev events.RunEvent) error {
	err := d.bus.PutTrackedEvent(ctx, ev, 0)
	if jet.IsConflict(err) {
		return nil
	}
	return err
}

// ask asks about a run, and publishes what is new. over says that there is
// nothing more to ask.
func (d *Dispatcher) ask(ctx context.Context, address string, r *tracked) (over bool) {
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
		log.Debug("the endpoint does not tell how a run goes", "error", err.Error())
		return false
	case !s.running || r.started:
		return false
	}
	if err := d.tell(ctx, r, s); err != nil {
		log.Warn("how a run goes cannot be published yet", "error", err.Error())
		return false
	}
	if s.ended {
		log.Info("run ended", "status", string(s.status), "message", s.message)
	}
	return s.ended
}

// tell publishes that a run runs, and how it ended if it has.
func (d *Dispatcher) tell(ctx context.Context, r *tracked, s runStatus) error {
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
