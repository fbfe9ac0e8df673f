package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
)

// A flow that fails although its call was answered with 200 shows as failing in the list, in the
// overview and as an event. How long after its end that is, is printed; it fails only when it does not show.
func TestAFlowThatFailsShows(t *testing.T) {
	p := newHarness(t)
	p.serve("--sandbox", "off")
	p.flow("fails", "#!/bin/sh\necho table locked >&2\nexit 3\n")
	job := p.job("invoices nightly", "30 2 * * *", "fails", "in", nil)
	var row struct {
		Jobs []struct {
			ID         string `json:"job_id"`
			Outcome    string
			LastResult *struct{ Status, Outcome string } `json:"last_result"`
		}
	}
	if p.get("/api/v2/jobs?state=never_ran", &row); len(row.Jobs) != 1 || row.Jobs[0].Outcome != "never_ran" {
		t.Errorf("before it ran it is %+v", row.Jobs)
	}
	event := p.endOf(job)
	p.native(http.MethodPost, "/api/v2/jobs/"+job+"/trigger", "{}", http.StatusAccepted)
	var shown [2]time.Duration // since the run was triggered
	began := time.Now()
	var wg sync.WaitGroup
	wg.Go(func() {
		p.eventually("the job is failing in the list", func() bool {
			p.get("/api/v2/jobs?state=failing", &row)
			return len(row.Jobs) == 1
		})
		shown[0] = time.Since(began)
	})
	var overview struct {
		Failing []struct {
			ID   string `json:"job_id"`
			Why  string
			Name string
		}
	}
	wg.Go(func() {
		p.eventually("the job is failing in the overview", func() bool {
			p.get("/api/v2/overview", &overview)
			return len(overview.Failing) == 1
		})
		shown[1] = time.Since(began)
	})
	ended := <-event
	wg.Wait()
	if t.Failed() {
		return
	}
	after := ended.At.Sub(began)
	t.Logf("after the end of the run: event %s, list %s, overview %s", ended.heard.Sub(ended.At), shown[0]-after, shown[1]-after)
	if ended.Outcome != events.OutcomeFailed {
		t.Errorf("the event says %s", ended.Outcome)
	}
	j := row.Jobs[0]
	if j.ID != job || j.Outcome != "failed" || j.LastResult == nil || j.LastResult.Status != "OK" || j.LastResult.Outcome != "failed" {
		t.Errorf("the list shows %+v", j)
	}
	if f := overview.Failing[0]; f.ID != job || !strings.Contains(f.Why, "fails failed after") || !strings.Contains(f.Why, "exit") {
		t.Errorf("the overview shows %+v", f)
	}
}

// heardEnd is the end of a run, and when it was heard of.
type heardEnd struct {
	events.RunEvent
	heard time.Time
}

// endOf gives the end of the next run of a job, from the stream of events, which it follows when it returns.
func (p *harness) endOf(job string) <-chan heardEnd {
	p.Helper()
	req, err := http.NewRequestWithContext(p.Context(), http.MethodGet, "http://"+p.api+"/api/v2/events", nil)
	if err != nil {
		p.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.adminToken())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = resp.Body.Close() })
	ends := make(chan heardEnd, 1)
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	go func() { // until the body is closed
		defer close(ends)
		for lines.Scan() {
			text, ok := strings.CutPrefix(lines.Text(), "data:")
			var ev events.RunEvent
			if ok && json.Unmarshal([]byte(text), &ev) == nil && ev.JobID == job && ev.Phase == events.Ended {
				ends <- heardEnd{ev, time.Now()}
				return
			}
		}
	}()
	return ends
}
