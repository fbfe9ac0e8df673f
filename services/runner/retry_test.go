//go:build linux || darwin

package runner

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// tries is a flow that fails with the statuses in its input folder, one each time,
// and then succeeds. It leaves a file, and notes those that it finds.
const tries = `
n=$SPOOL_ATTEMPT; echo "$n:$(ls | tr '\n' ' ')" >> "$1/found"; : > "made.$n"
status=$(sed -n "${n}p" "$1/statuses"); echo "attempt $n says ${status:-0}"
[ "$status" = hang ] && { : > "$1/hangs"; sleep 600; }
exit ${status:-0}`

// keepJob stores the job of the runs.
func (h *harness) keepJob(change events.Change, status events.JobStatus) {
	h.t.Helper()
	m, _, err := h.bus.JobEvents("job-1").Last(h.t.Context())
	if err == nil {
		ev := events.JobEvent{Event: change, At: time.Now(), Job: events.Job{ID: "job-1", Username: "Jürgen M", Status: status}}
		_, err = h.bus.PutJob(h.t.Context(), ev, m.Sequence)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// retried accepts a run of the flow tries that is retried.
func (h *harness) retried(url, key string, o events.Retries, statuses ...string) string {
	h.t.Helper()
	h.flow("flow", tries)
	h.write("in/statuses", strings.Join(statuses, "\n")+"\n", 0o644)
	a := h.ask(url, key, body("flow", `{"output_has_run_id":true}`), map[string]string{events.HeaderRetries: string(events.Encode(o))})
	if a.status != http.StatusOK || a.Status != events.OK {
		h.t.Fatalf("not accepted: %+v", a)
	}
	return a.Data.JobID
}

func TestRetries(t *testing.T) {
	t.Parallel()
	const some = 10 * time.Millisecond
	for name, c := range map[string]struct {
		retries  events.Retries
		statuses []string
		attempts int
		ends     events.Status
		says     string
	}{
		"none asked for":              {events.Retries{}, []string{"75"}, 1, events.ERROR, "exit status 75"},
		"succeeds at the third":       {events.Retries{Times: 3, Backoff: some}, []string{"75", "1"}, 3, events.OK, ""},
		"fails at the last":           {events.Retries{Times: 2, Backoff: some}, []string{"1", "2", "3", "4"}, 3, events.ERROR, "exit status 3: attempt 3 says 3"},
		"another status than asked":   {events.Retries{Times: 3, OnExit: []int{75}, Backoff: some}, []string{"75", "1"}, 2, events.ERROR, "exit status 1"},
		"no backoff":                  {events.Retries{Times: 1}, []string{"75"}, 2, events.OK, ""},
		"nothing to retry":            {events.Retries{Times: 3}, nil, 1, events.OK, ""},
		"more than deaths are poison": {events.Retries{Times: 5}, []string{"1", "1", "1", "1"}, 5, events.OK, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, eventstest.Options{})
			h.keepJob(events.JobCreated, events.Enabled)
			r := h.runner(nil)
			h.background(r.Run)
			id := h.retried(h.serve(r).URL, "k", c.retries, c.statuses...)
			ended := h.until(events.Ended, id)
			h.drained()
			if ended.Status != c.ends || !strings.HasPrefix(ended.Message, c.says) || ended.Attempt != c.attempts {
				t.Errorf("ended %+v", ended)
			}
			var phases []events.Phase
			for _, ev := range h.history(id) {
				phases = append(phases, ev.Phase)
			}
			want := []events.Phase{events.Accepted, events.Started}
			for range c.attempts - 1 {
				want = append(want, events.Retrying, events.Started)
			}
			if diff := cmp.Diff(append(want, events.Ended), phases); diff != "" {
				t.Error(diff)
			}
			if c.attempts == 1 {
				if len(ended.Attempts) > 0 {
					t.Errorf("the attempts of a run that had one: %+v", ended.Attempts)
				}
				return
			}
			for i, a := range ended.Attempts {
				if a.Number != i+1 || a.StartedAt.IsZero() || a.EndedAt.Before(a.StartedAt) || a.ExitStatus == nil {
					t.Errorf("attempt %d: %+v", i+1, a)
				}
			}
			if len(ended.Attempts) != c.attempts {
				t.Errorf("attempts %+v", ended.Attempts)
			}
			for line := range strings.SplitSeq(strings.TrimSpace(h.read("in/found")), "\n") { // each begins with an empty folder
				if !strings.HasSuffix(line, ":") {
					t.Errorf("an attempt found what another left: %s", line)
				}
			}
		})
	}
}

// retrying waits until a run waits for its next attempt.
func (h *harness) retrying(id string, attempt int) (ev events.RunEvent) {
	h.t.Helper()
	h.eventually("the run waits for another attempt", func() bool {
		_, ev = h.phase(events.Retrying, id)
		return ev.Attempt == attempt
	})
	return ev
}

// While a run waits for its next attempt it is no running one, and is not forgotten:
// it is shown, and ends at once when somebody asks for that.
func TestCancelBetweenAttempts(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.keepJob(events.JobCreated, events.Enabled)
	r := h.runner(nil)
	h.background(r.Run)
	url := h.serve(r).URL
	id := h.retried(url, "k", events.Retries{Times: 3, Backoff: time.Hour}, "75")
	waits := h.retrying(id, 1)
	if left := time.Until(waits.Next); left < 50*time.Minute || left > time.Hour || waits.Status != events.ERROR || *waits.ExitStatus != 75 {
		t.Errorf("waits %+v", waits)
	}
	status := h.api(http.MethodGet, url+"/api/v1/jobs/status?job_id="+id, "", nil)
	if msg, _ := status["msg"].(string); status["state"] != "PENDING" || !strings.HasPrefix(msg, "attempt 1 failed (exit status 75: attempt 1 says 75); the next starts at 20") {
		t.Errorf("status %v", status)
	}
	answer := h.cancel(url, id, nil)
	ended := h.until(events.Ended, id)
	if answer["state"] != "DONE" || ended.Message != "cancelled by admin" || len(ended.Attempts) != 1 || !ended.Cancelled() {
		t.Errorf("answered %v, ended %+v", answer, ended)
	}
}

// What somebody wants ended is not tried again, though its attempt has failed.
func TestCancelledIsNotRetried(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.keepJob(events.JobCreated, events.Enabled)
	r := h.runner(nil)
	h.background(r.Run)
	url := h.serve(r).URL
	id := h.retried(url, "k", events.Retries{Times: 3}, "hang")
	h.eventually("the flow hangs", func() bool { return h.exists("in/hangs") })
	h.cancel(url, id, nil)
	if ended := h.until(events.Ended, id); !strings.HasPrefix(ended.Message, "cancelled by admin") || ended.Attempt != 1 {
		t.Errorf("ended %+v", ended)
	}
	h.drained()
	if n, _ := h.phase(events.Retrying, id); n > 0 {
		t.Error("it was to be tried again")
	}
}

// No attempt begins once the job is deleted.
func TestRetryOfDeletedJob(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.keepJob(events.JobCreated, events.Enabled)
	r := h.runner(nil)
	h.background(r.Run)
	id := h.retried(h.serve(r).URL, "k", events.Retries{Times: 3, Backoff: 2 * time.Second}, "75")
	h.retrying(id, 1)
	h.keepJob(events.JobDeleted, events.Disabled)
	ended := h.until(events.Ended, id)
	h.drained()
	if ended.Message != "exit status 75: attempt 1 says 75; not tried again: its job is deleted" || ended.Status != events.ERROR || *ended.ExitStatus != 75 {
		t.Errorf("ended %+v", ended)
	}
	if n, _ := h.phase(events.Started, id); n != 1 {
		t.Errorf("%d attempts", n)
	}
}

// Deaths of the runner are attempts, too, but no failures: they use up no retry,
// and failures make no poison.
func TestDeathsAreNoFailures(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.keepJob(events.JobCreated, events.Enabled)
	r := h.runner(nil)
	id := h.retried(h.serve(r).URL, "k", events.Retries{Times: 2}, "", "", "1", "1", "0")
	h.died(r, id)
	h.died(r, id)
	h.background(r.Run)
	ended := h.until(events.Ended, id)
	if ended.Status != events.OK || ended.Attempt != 5 {
		t.Errorf("ended %+v", ended)
	}
}

// A runner that is killed with -9 while a run waits keeps its schedule: the next
// attempt is neither lost nor made sooner.
func TestKillInBackoff(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.keepJob(events.JobCreated, events.Enabled)
	relay := h.relay()
	kill := h.killable(relay.url)
	acceptor := h.runner(nil) // takes the call; it works on nothing yet
	id := h.retried(h.serve(acceptor).URL, "k", events.Retries{Times: 3, Backoff: 3 * time.Second}, "75")
	waits := h.retrying(id, 1)
	kill()
	h.background(acceptor.Run)
	ended := h.until(events.Ended, id)
	h.drained()
	if ended.Status != events.OK || ended.Attempt != 2 || ended.StartedAt.Before(waits.Next) {
		t.Errorf("waited until %s, ended %+v", waits.Next, ended)
	}
	if n, _ := h.phase(events.Started, id); n != 2 {
		t.Errorf("%d attempts", n)
	}
}
