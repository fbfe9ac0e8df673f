//go:build linux

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/events/jet"
)

// sends makes a request that a fault strikes, so that it has no answer.
func (p *harness) sends(token, method, path string, body object) {
	p.Helper()
	var text []byte
	if body != nil {
		text = events.Encode(body)
	}
	r, err := http.NewRequestWithContext(p.Context(), method, "http://"+p.api+"/api/v2/"+path, bytes.NewReader(text))
	if err != nil {
		p.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if resp, err := http.DefaultClient.Do(r); err == nil {
		p.Errorf("%s %s is answered %s", method, path, resp.Status)
		resp.Body.Close()
	}
}

// answers waits until the API answers.
func (p *harness) answers() {
	p.Helper()
	p.eventually("the API answers", func() bool {
		resp, err := http.Get("http://" + p.api + "/readyz")
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
}

// strikes has a gateway killed by what f asks of it, and its broker with it.
func (p *harness) strikes(fault string, f func()) {
	p.Helper()
	broker := p.start("broker", "--data", p.data, "--nats-listen", p.nats)
	gateway := p.startToFail(fault, append([]string{"gateway", "--listen", p.api}, p.roleFlags("gateway")...)...)
	p.answers()
	f()
	gateway.struck()
	broker.kill()
}

// Spool is killed while a job and the claim on its key are on their way to the store:
// afterwards both are as they were, and the same can be done again.
func TestLongKillWhileAKeyIsClaimed(t *testing.T) {
	long(t)
	t.Parallel()
	short := func(key string) object {
		return object{"name": "n", "schedule": "@yearly", "run": object{"command": "true"}, "spool": object{"key": key}}
	}
	for _, step := range []struct {
		name, method string
		body         object
		before, then string // the key of the job; "" = there is no job
	}{
		{"create", "POST", short("new"), "", "new"},
		{"patch", "PATCH", object{"spool": object{"key": "new"}}, "old", "new"},
		{"delete", "DELETE", nil, "old", ""},
	} {
		t.Run(step.name, func(t *testing.T) {
			t.Parallel()
			p := newHarness(t)
			pr := p.serve()
			token, path, want := p.adminToken(), "jobs", http.StatusCreated
			if step.before != "" {
				id := p.short(short(step.before))
				path, want = "jobs/"+id, map[string]int{"PATCH": http.StatusOK, "DELETE": http.StatusNoContent}[step.method]
			}
			pr.kill()
			p.strikes(faultpoint.JobKeyed+"=kill", func() { p.sends(token, step.method, path, step.body) })
			pr.start()
			bus := p.bus()
			p.keyIs(bus, step.before, "old", "new")
			var body any
			if step.body != nil {
				body = step.body
			}
			if status, answer := p.ask(step.method, path, token, body); status != want {
				t.Fatalf("done again it is answered %d %s", status, answer)
			}
			p.keyIs(bus, step.then, "old", "new")
		})
	}
}

// keyIs wants one job with a key, or none for "", and the claims to say the same.
func (p *harness) keyIs(bus *jet.Bus, want string, keys ...string) {
	p.Helper()
	var jobs []events.Job
	if err := bus.EachJob(p.Context(), func(j events.Job) { jobs = append(jobs, j) }); err != nil {
		p.Fatal(err)
	}
	if (want == "") != (len(jobs) == 0) || len(jobs) > 0 && jobs[0].Key != want {
		p.Errorf("the jobs are %+v; want one with the key %q", jobs, want)
	}
	for _, key := range keys {
		holder, err := bus.JobOfKey(p.Context(), "admin", key)
		if err != nil || (holder != "") != (key == want) || holder != "" && holder != jobs[0].ID {
			p.Errorf("the key %s is that of %q, %v", key, holder, err)
		}
	}
}

// Spool is killed in the middle of an action on many jobs, and started again: the action
// goes on, and each job is met once.
func TestLongKillWhileManyAreActedOn(t *testing.T) {
	long(t)
	t.Parallel()
	for _, action := range []string{"disable", "delete", "run"} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			p := newHarness(t)
			pr := p.serve()
			const n = 60
			var ids []string
			for i := range n {
				ids = append(ids, p.short(object{"name": fmt.Sprint("job ", i), "schedule": "@yearly", "run": object{"command": "true"}}))
			}
			pr.kill()
			var b map[string]any
			p.strikes(faultpoint.BulkDone+"=kill@25", func() {
				var status int
				if status, b = p.send("POST", "jobs/bulk", object{"select": object{"filter": object{}}, "action": action, "expect": n}); status != http.StatusAccepted {
					t.Fatalf("%d %v", status, b)
				}
			})
			pr.start()
			var now map[string]any
			p.eventually("the action ends", func() bool {
				_, now = p.send("GET", "bulk/"+b["bulk_id"].(string), nil)
				return now["state"] != "running"
			})
			if now["state"] != "done" || now["done"] != float64(n) || now["failed_count"] != float64(0) {
				t.Errorf("ended as %v", now)
			}
			bus := p.bus()
			for _, id := range ids {
				p.metOnce(bus, id, action, b["bulk_id"].(string))
			}
		})
	}
}

// metOnce wants an action to be done with a job once.
func (p *harness) metOnce(bus *jet.Bus, id, action, bulk string) {
	p.Helper()
	if action == "run" {
		p.eventually("it has run", func() bool { return len(read(p, bus.Results(id))) > 0 })
		if n := len(read(p, bus.Runs(events.Accepted, id))); n != 1 {
			p.Errorf("%s has run %d times", id, n)
		}
		return
	}
	times := 0
	for _, ev := range read(p, bus.JobEvents(id)) {
		if ev.Bulk == bulk {
			times++
		}
	}
	if times != 1 {
		p.Errorf("%s was met %d times", id, times)
	}
}

// Spool is killed while a job is disabled until a time: it is enabled when that has come.
func TestLongKillWhileDisabledUntil(t *testing.T) {
	long(t)
	t.Parallel()
	p := newHarness(t)
	pr := p.serve()
	due := p.short(object{"name": "due", "schedule": "@yearly", "run": object{"command": "true"}})
	later := p.short(object{"name": "later", "schedule": "@yearly", "run": object{"command": "true"}})
	until := time.Now().Add(2 * time.Second)
	for id, at := range map[string]time.Time{due: until, later: until.Add(time.Hour)} {
		if status, answer := p.send("POST", "jobs/"+id+"/disable", object{"reason": "move", "until": at.Format(time.RFC3339Nano)}); status != http.StatusOK {
			t.Fatalf("%d %v", status, answer)
		}
	}
	pr.kill()
	time.Sleep(time.Until(until))
	pr.start()
	bus := p.bus()
	p.eventually("it is enabled", func() bool {
		rev, err := bus.Job(t.Context(), due)
		return err == nil && rev.Event.Job.Status == events.Enabled && rev.Event.By == events.ByUntil
	})
	if n := len(read(p, bus.JobEvents(due))); n != 3 {
		t.Errorf("it has %d events", n)
	}
	if rev, err := bus.Job(t.Context(), later); err != nil || rev.Event.Job.Status != events.Disabled {
		t.Errorf("the other is %+v, %v", rev.Event, err)
	}
}
