package notify

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// asking stores a job that an administrator made, with this object spool, after the revision at seq.
func (h *harness) asking(id, spool, settings string, seq uint64) uint64 {
	h.Helper()
	if settings == "" {
		settings = "{}"
	}
	o, err := events.ParseObject([]byte(`{"name":"Nightly <b>*import*</b>","schedule":"*/10 * * * *","flow_parameters":{"auth_token":"t","binary_path":"a/b/fs/D/f",` +
		`"input_dir":"a/b/fs/D/in","settings":` + settings + `},"spool":` + spool + `}`))
	if err != nil {
		h.Fatal(err)
	}
	if _, err := events.ReadParameters(o); err != nil {
		h.Fatal(err)
	}
	job := events.Job{
		ID: id, Username: "ann", Name: "Nightly <b>*import*</b>", Status: events.Enabled, EffectiveFrom: time.Now().Add(-48 * time.Hour),
	}
	for _, pointer := range events.URLPointers {
		if _, url := events.URLAt(o, pointer); url != "" {
			job.SetURL(pointer, &events.JobWebhook{URL: events.PublicURL(url), Role: events.Admin})
		}
	}
	if job.Parameters, job.Secrets, err = events.Conceal(o, func(pointer, value string) (string, error) { return h.key.Public.Seal(value, id, pointer) }); err != nil {
		h.Fatal(err)
	}
	if strings.Contains(string(job.Parameters), "s3cret") {
		h.Errorf("stored as %s", job.Parameters)
	}
	change := events.JobUpdated
	if seq == 0 {
		change = events.JobCreated
	}
	if seq, err = h.bus.PutJob(h.Context(), events.JobEvent{Event: change, Job: job}, seq); err != nil {
		h.Fatal(err)
	}
	return seq
}

// neverLate is for tests that may meet a full minute, at which a slot that nothing ran would be late.
const neverLate = `,"late_after":"1w"`

func notifying(url, more string) string {
	return `{"notify":{"to":{"webhook":"` + url + `/s3cret?k=s3cret"}}` + more + `}`
}

// result stores how a call came out.
func (h *harness) result(job string, minute events.Minute, status events.Status, flow string) events.Result {
	h.Helper()
	h.runs++
	res := events.Result{
		TriggerID: fmt.Sprintf("manual:%s:%d", job, h.runs), JobID: job, Kind: events.KindManual, TriggeredAt: time.Now(), EndedNS: time.Now().UnixNano(),
		Status: status, FlowJobID: flow, HTTP: events.HTTPResult{Status: "200"},
	}
	if minute > 0 {
		res.TriggerID, res.Kind, res.Minute = events.CronTriggerID(job, minute), events.KindCron, minute
	}
	if status == events.ERROR {
		res.HTTP = events.HTTPResult{Status: "404", Response: "no such binary"}
	}
	if err := h.bus.PutResult(h.Context(), res); err != nil {
		h.Fatal(err)
	}
	return res
}

// observed waits until everything that happened has been looked at.
func (h *harness) observed() {
	h.Helper()
	ends := h.bus.Runs(events.Ended, "")
	for _, queue := range []jet.Queue{
		ends.Queue("notify-ended", 0), h.bus.Results("").Queue("notify-results", 0), h.bus.Verdicts("").Queue("notify-slots", 0),
		h.bus.AllNotifications().Queue("notify-states-webhook", 0), ends.Queue("notify-heartbeat", 0),
	} {
		eventstest.Eventually(h, queue.Name+" is empty", func() bool {
			out, queued, err := h.bus.Unsettled(h.Context(), queue)
			return err == nil && out == 0 && queued == 0
		})
	}
}

// posted returns what was posted: about and state.
func posted(t *testing.T, calls chan call) (all []string) {
	t.Helper()
	for len(calls) > 0 {
		c := <-calls
		v := c.payload(t)
		all = append(all, fmt.Sprint(v["about"], " ", v["state"]))
	}
	return all
}

// One notification for each change of state, whatever the number of runs.
func TestChangesOfState(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	url, calls := h.receiver(status(200))
	h.start()
	h.asking("j1", notifying(url, neverLate), `{"tags":["nightly","eu"]}`, 0)
	h.job("quiet", "n", `{}`, 0) // asks for nothing
	for range 2 {
		h.ended("j1", events.OK, "")
	}
	h.ended("quiet", events.ERROR, "x")
	bad := h.ended("j1", events.ERROR, "exit status 3: <no luck>")
	c := h.next(calls)
	h.verify(c)
	if c.URL.String() != "/s3cret?k=s3cret" || c.Header.Get("Content-Type") != "application/json" || c.Header.Get("Spool-Job-Id") != "j1" {
		t.Errorf("%s %v", c.URL, c.Header)
	}
	got := c.payload(t)
	at, _ := got["at"].(string)
	if _, err := time.Parse(time.RFC3339, at); err != nil {
		t.Errorf("at %q", at)
	}
	delete(got, "at")
	if diff := cmp.Diff(map[string]any{
		"state": "failed", "about": "run", "says": "failed", "message": "exit status 3: <no luck>", "trigger_id": bad.TriggerID, "flow_job_id": bad.FlowJobID,
		"output": "a/b/fs/D/out", "job": map[string]any{"id": "j1", "name": "Nightly <b>*import*</b>", "owner": "ann", "tags": []any{"nightly", "eu"}},
	}, got); diff != "" {
		t.Error(diff)
	}
	for range 3 {
		h.ended("j1", events.ERROR, "again")
	}
	h.observed()
	for range 2 {
		h.ended("j1", events.OK, "")
	}
	got = h.next(calls).payload(t)
	if got["state"] != "recovered" || got["before"] != "failed" || got["says"] != "is well again (before: failed)" {
		t.Errorf("recovered as %v", got)
	}
	h.observed()
	res := h.result("j1", 0, events.ERROR, "") // a call that was refused
	if got = h.next(calls).payload(t); got["state"] != "failed" || got["message"] != "HTTP status 404: no such binary" {
		t.Errorf("a refused call: %v", got)
	}
	trigger := events.Trigger{ID: res.TriggerID, JobID: "j1", Kind: events.KindManual}
	res.TriggeredAt = time.Now()
	if err := h.bus.PutDead(h.Context(), trigger, res); err != nil {
		t.Fatal(err)
	}
	if err := h.bus.PutResult(h.Context(), res); err != nil {
		t.Fatal(err)
	}
	if got = h.next(calls).payload(t); got["state"] != "dead" || got["before"] != "failed" {
		t.Errorf("a dead letter: %v", got)
	}
	h.observed()
	if more := posted(t, calls); len(more) > 0 {
		t.Errorf("more notifications: %v", more)
	}
}

// There are notifications only of what the job asks for; the rest changes the state all the same.
func TestOnlyWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	url, calls := h.receiver(status(200))
	h.start()
	h.asking("j1", `{"notify":{"on":["recovered"],"to":{"webhook":"`+url+`"}}}`, "", 0)
	h.ended("j1", events.ERROR, "x")
	h.observed()
	h.ended("j1", events.OK, "")
	if got := h.next(calls).payload(t); got["state"] != "recovered" {
		t.Errorf("notified of %v", got)
	}
	h.observed()
	if len(calls) > 0 {
		t.Error("more notifications")
	}
}

// If processes die between any two steps, there is one notification: the state is stored once, and the next process
// delivers it.
func TestOneNotificationAcrossDeaths(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	url, calls := h.receiver(status(200))
	n, err := New(h.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Subscribe(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.asking("j1", notifying(url, neverLate), "", 0)
	ev := h.ended("j1", events.ERROR, "x")
	m, _, err := h.bus.Runs(events.Ended, "j1").Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Dead after the state was stored, before the event was acked; and another that saw the same.
	for range 2 {
		if err := move(t.Context(), h.bus, endOfRun(ev, m.Time)); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 { // and three that come after it, side by side
		h.cfg.Metrics = nil
		h.start()
	}
	if got := h.next(calls).payload(t); got["state"] != "failed" {
		t.Errorf("notified of %v", got)
	}
	h.observed()
	if more := posted(t, calls); len(more) > 0 {
		t.Errorf("notified once more: %v", more)
	}
}

// What is older than what made the state what it is changes nothing.
func TestStep(t *testing.T) {
	at := time.Unix(1_000_000, 0)
	n := func(s events.Condition, at time.Time) events.Notification {
		return events.Notification{State: s, At: at}
	}
	for _, c := range []struct {
		name     string
		old, new events.Notification
		before   events.Condition
		changes  bool
	}{
		{"the first failure", events.Notification{}, n(events.Failed, at), "", true},
		{"the first success", events.Notification{}, n(events.Recovered, at), "", false},
		{"the second failure", n(events.Failed, at), n(events.Failed, at.Add(1)), "", false},
		{"a success", n(events.Failed, at), n(events.Recovered, at.Add(1)), events.Failed, true},
		{"an older success", n(events.Failed, at), n(events.Recovered, at.Add(-1)), "", false},
		{"the same event again", n(events.Failed, at), n(events.Failed, at), "", false},
		{"another trouble", n(events.Failed, at), n(events.Dead, at.Add(1)), events.Failed, true},
		{"an older failure", n(events.Recovered, at), n(events.Failed, at.Add(-1)), "", false},
		{"a failure after all", n(events.Recovered, at), n(events.Failed, at.Add(1)), "", true},
	} {
		got, changes := step(c.old, c.new)
		if changes != c.changes || changes && (got.Before != c.before || got.State != c.new.State) {
			t.Errorf("%s: %v %+v", c.name, changes, got)
		}
	}
}

// What is given up is recorded beside the state.
func TestStateIsUndeliverable(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.cfg.retries = retries{}
	url, calls := h.receiver(status(500))
	h.start()
	h.asking("j1", notifying(url, neverLate), "", 0)
	h.ended("j1", events.ERROR, "x")
	h.next(calls)
	var u events.Undeliverable
	eventstest.Eventually(h, "it is recorded", func() bool {
		m, found, err := h.bus.NotificationUndelivered("j1", "*", 1, "webhook").Last(t.Context())
		return err == nil && found && json.Unmarshal(m.Data, &u) == nil
	})
	if u.About != "run" || u.Of != 1 || !strings.Contains(u.Message, "status 500") || strings.Contains(u.Message, "s3cret") {
		t.Errorf("recorded %+v", u)
	}
	h.observed()
}

// An operator's URL stays outside, for a state and for a heartbeat.
func TestStatesOfOperatorsStayOutside(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.cfg.retries = retries{}
	url, calls := h.receiver(status(200))
	h.start()
	seq := h.asking("j1", notifying(url, neverLate+`,"heartbeat":"`+url+`/beat"`), "", 0)
	rev, err := h.bus.Job(t.Context(), "j1")
	if err != nil {
		t.Fatal(err)
	}
	job := rev.Event.Job
	for _, p := range events.URLPointers {
		if hook := job.URL(p); hook != nil {
			hook.Role = "operator"
		}
	}
	if _, err := h.bus.PutJob(t.Context(), events.JobEvent{Event: events.JobUpdated, Job: job}, seq); err != nil {
		t.Fatal(err)
	}
	ok := h.ended("j1", events.OK, "")
	if m := h.undelivered("heartbeat", ok); !strings.Contains(m, "may not be called") {
		t.Errorf("recorded %q", m)
	}
	h.ended("j1", events.ERROR, "x")
	h.observed()
	if len(calls) > 0 {
		t.Error("an operator's URL led inside")
	}
}

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	for _, foreign := range []bool{false, true} {
		t.Run(fmt.Sprintf("foreign %v", foreign), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			h.cfg.Foreign = foreign
			url, calls := h.receiver(status(500, 200))
			h.start()
			h.asking("j1", `{"heartbeat":"`+url+`/ping/s3cret"}`, "", 0)
			h.asking("j2", `{}`, "", 0)
			happens := func(job string, s events.Status) {
				if foreign {
					h.result(job, 0, s, "")
				} else {
					h.ended(job, s, "")
				}
			}
			happens("j1", events.ERROR)
			happens("j2", events.OK)
			happens("j1", events.OK)
			for range 2 { // the first is answered with 500
				if c := h.next(calls); c.Method != http.MethodGet || c.URL.Path != "/ping/s3cret" {
					t.Errorf("%s %s", c.Method, c.URL)
				}
			}
			queue := h.bus.Runs(events.Ended, "").Queue("notify-heartbeat", 0)
			if foreign {
				queue = h.bus.Results("").Queue("notify-heartbeat", 0)
			}
			eventstest.Eventually(h, "all is settled", func() bool {
				out, queued, err := h.bus.Unsettled(t.Context(), queue)
				return err == nil && out == 0 && queued == 0
			})
			if len(calls) > 0 {
				t.Errorf("%d more calls", len(calls))
			}
		})
	}
}

// A job that is deleted, or no longer asks, leaves nothing behind.
func TestStatesAreForgotten(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	url, calls := h.receiver(status(200))
	h.start()
	o := newObserver(h.cfg.withDefaults(), nil)
	h.follow(o)
	seqs := map[string]uint64{}
	for _, id := range []string{"gone", "silent", "stays"} {
		seqs[id] = h.asking(id, notifying(url, neverLate), "", 0)
		h.ended(id, events.ERROR, "x")
		h.next(calls)
	}
	h.observed()
	h.asking("silent", "{}", "", seqs["silent"])
	if _, err := h.bus.PutJob(t.Context(), events.JobEvent{Event: events.JobDeleted, Job: events.Job{ID: "gone"}}, seqs["gone"]); err != nil {
		t.Fatal(err)
	}
	eventstest.Eventually(h, "the index knows", func() bool { return len(o.jobs.list()) == 1 })
	if err := o.forgetStale(t.Context()); err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{}
	if err := h.bus.EverNotified("").Since(t.Context(), time.Time{}, func(m jet.Entry[struct{}]) bool {
		kept[m.JobID()] = true
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if got := slices.Collect(maps.Keys(kept)); !slices.Equal(got, []string{"stays"}) {
		t.Errorf("kept of %v", got)
	}
}

// follow keeps an observer's index of jobs up to date, and nothing else.
func (h *harness) follow(o *observer) {
	eventstest.Background(h, o.feed.Run)
}
