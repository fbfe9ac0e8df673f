package main

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// Every role as a process with its own credentials, and everything that the API and
// the folders lead to: nothing of it is denied.
func TestLongRightsSuffice(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	t.Parallel()
	p := newHarness(t)
	secret := filepath.Join(t.TempDir(), "runner.secret")
	if err := os.WriteFile(secret, []byte(rand.Text()), 0o600); err != nil {
		t.Fatal(err)
	}
	calls := eventstest.FreeAddress(t)
	broker := p.start("broker", "--data", p.data, "--nats-listen", p.nats)
	all := map[string]*process{}
	role := func(name string, more ...string) {
		all[name] = p.start(append([]string{
			name, "--data", p.data, "--nats-url", "nats://" + p.nats, "--nats-creds", filepath.Join(p.data, name+".creds"),
		}, more...)...)
	}
	place := []string{"--drive", testDrive + "=" + p.dir}
	role("runner", append(place, "--listen", calls, "--runner-secret-file", secret)...)
	role("dispatcher", "--run-binary-url", "http://"+calls+events.RunBinaryPath, "--runner-secret-file", secret, "--retry-waits", "1s")
	role("gateway", append(place, "--listen", p.api)...)
	role("cron")
	role("watcher", place...)

	useEverything(t, p, all)
	nothingDenied(t, all)
	for line := range strings.Lines(broker.log.String()) {
		if strings.Contains(line, "Violation") {
			t.Errorf("broker: %s", line)
		}
	}
}

func nothingDenied(t *testing.T, all map[string]*process) {
	t.Helper()
	for name, pr := range all {
		for line := range strings.Lines(pr.log.String()) {
			if strings.Contains(strings.ToLower(line), "permissions violation") || strings.Contains(line, "not allowed") || strings.Contains(line, "JetStream not enabled") {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}

// useEverything has every role do everything that it knows.
func useEverything(t *testing.T, p *harness, all map[string]*process) {
	t.Helper()
	hook, calls := receiver(t, 1)
	p.flow("fail.ibflowbin", "#!/bin/sh\nexit 3\n")
	p.flow("slow.ibflowbin", "#!/bin/sh\nsleep 60\n")
	files := p.job("files", "", "flow.ibflowbin", "in", map[string]any{"overlap": "queue"})
	ticks := p.job("ticks", "* * * * *", "flow.ibflowbin", "tick/in", nil)
	slow := p.job("slow", "@yearly", "slow.ibflowbin", "tick/in", map[string]any{"overlap": "skip"})
	dead := p.job("dead", "@yearly", "flow.ibflowbin", "in", map[string]any{"retry_for": "0s"})
	hooked := p.hooked(hook, "Bearer abc")
	native := func(method, path, body string, want int) string {
		t.Helper()
		return p.native(method, "/api/v2/"+path, body, want)
	}

	if err := os.WriteFile(filepath.Join(p.dir, "in", "one"), []byte("1"), 0o644); err != nil {
		t.Fatal(err)
	}
	native("PUT", "files/"+testDrive+"/in/two", "2", http.StatusNoContent)
	for range 3 {
		native("POST", "jobs/"+slow+"/trigger", "", http.StatusAccepted)
	}
	native("POST", "jobs/"+hooked+"/trigger", "", http.StatusAccepted)
	p.received(calls)
	p.received(calls) // the first was refused
	bus := p.bus()
	var ended []events.RunEvent
	p.eventually("both files have run", func() bool {
		ended = read(p, bus.Runs(events.Ended, files))
		return len(ended) == 2
	})
	native("GET", "jobs/"+files+"/files?path=one", "", http.StatusOK)
	native("POST", "jobs/"+files+"/files/reprocess", `{"path":"one"}`, http.StatusAccepted)
	native("POST", "results/"+ended[0].TriggerID+"/rerun", "", http.StatusAccepted)
	p.eventually("they have run again", func() bool {
		return len(read(p, bus.Runs(events.Ended, files))) == 4
	})

	scans := t.TempDir() // a folder of the host, a secret and a command
	short := p.short(object{"input": scans, "run": object{"command": `test "$A" = s3cret && cp "$SPOOL_FILE" "$SPOOL_OUTPUT_DIR"`, "secrets": object{"A": "s3cret"}}})
	if err := os.WriteFile(filepath.Join(scans, "one.pdf"), []byte("1"), 0o644); err != nil {
		t.Fatal(err)
	}
	if end, log := p.nextEnd(bus, short, 0); end.Status != events.OK {
		t.Errorf("%s %s, printed %q", end.Status, end.Message, log)
	}
	native("GET", "drives", "", http.StatusOK)

	p.cancelOne("http://"+runnerAt(all), slow)
	p.retryOne(all["runner"], dead)
	p.failAgain()
	p.administer()
	if p.foreign == "" { // subscribers are Spool's own NATS's
		p.asksFor(hooked)
	}
	for _, path := range []string{"", "/history", "/results", "/slots?limit=10"} {
		native("GET", "jobs/"+files+path, "", http.StatusOK)
		native("GET", "jobs/"+ticks+path, "", http.StatusOK)
	}
	native("PATCH", "jobs/"+files, `{"name":"other","spool":{"key":"one"}}`, http.StatusOK)
	native("PATCH", "jobs/"+files, `{"spool":{"key":"two"}}`, http.StatusOK)
	p.actsOnMany(ticks)
	p.pausesAll(bus, files, ticks)
	p.call("GET", "list_jobs", nil)
	p.eventually("the minute has ticked", func() bool {
		return len(read(p, bus.Runs(events.Ended, ticks))) > 0
	})
	for _, job := range []string{files, ticks, slow, dead, hooked} {
		native("DELETE", "jobs/"+job, "", http.StatusNoContent)
	}
	p.eventually("the ledger of the deleted job is empty", func() bool {
		held, err := bus.Seen(files).Count(t.Context())
		return err == nil && held == 0
	})
	time.Sleep(3 * time.Second) // what is done later: states, purges of results
}

// cancelOne asks for the place of a job's run, and for its end.
func (p *harness) cancelOne(runner, job string) {
	p.Helper()
	bus := p.bus()
	var started []events.RunEvent
	p.eventually("it has started", func() bool {
		started = read(p, bus.Runs(events.Started, job))
		return len(started) > 0
	})
	p.native("GET", "/api/v1/jobs/status?job_id="+started[0].FlowJobID, "", http.StatusOK, runner)
	p.native("POST", "/api/v1/jobs/cancel", `{"job_id":"`+started[0].FlowJobID+`"}`, http.StatusOK, runner)
	p.eventually("it is cancelled", func() bool {
		return len(read(p, bus.Runs(events.Ended, job))) > 0
	})
}

// retryOne makes a dead letter of a job and has it queued again.
func (p *harness) retryOne(runner *process, job string) {
	p.Helper()
	bus := p.bus()
	runner.kill()
	p.native("POST", "/api/v2/jobs/"+job+"/trigger", "", http.StatusAccepted)
	p.eventually("there is a dead letter", func() bool {
		return strings.Contains(p.native("GET", "/api/v2/dead-letters", "", http.StatusOK), `"id"`)
	})
	runner.start()
	id := between(p.native("GET", "/api/v2/dead-letters", "", http.StatusOK), `"id":"`, `"`)
	p.native("POST", "/api/v2/dead-letters/"+id+"/retry", "", http.StatusAccepted)
	p.eventually("the dead letter has run", func() bool {
		return len(read(p, bus.Runs(events.Ended, job))) > 0
	})
}

// failAgain has a run retried, its job disabled, and the run counted that failed.
func (p *harness) failAgain() {
	p.Helper()
	job := p.job("failing", "@yearly", "fail.ibflowbin", "tick/in", map[string]any{
		"hold_after": 1, "run": map[string]any{"retries": map[string]any{"times": 1, "backoff": "1s"}},
	})
	p.native("POST", "/api/v2/jobs/"+job+"/trigger", "", http.StatusAccepted)
	p.eventually("the job is disabled", func() bool {
		return strings.Contains(p.native("GET", "/api/v2/jobs/"+job, "", http.StatusOK), `"by":"hold_after"`)
	})
	if got := p.native("POST", "/api/v2/results/rerun", `{"filter":{"job_id":"`+job+`"}}`, http.StatusOK); !strings.Contains(got, `"count":1`) {
		p.Errorf("counted %s", got)
	}
}

// pausesAll has files, a slot and a run of disabled jobs wait and go on, a file marked as
// run, and one whose stage is gone.
func (p *harness) pausesAll(bus *jet.Bus, files, ticks string) {
	p.Helper()
	for _, err := range []error{os.Mkdir(filepath.Join(p.dir, "fails"), 0o755), os.WriteFile(filepath.Join(p.dir, "fails", "a"), nil, 0o644)} {
		if err != nil {
			p.Fatal(err)
		}
	}
	fails := p.job("fails", "", "fail.ibflowbin", "fails", map[string]any{"run": map[string]any{"retries": map[string]any{"times": 1, "backoff": "5s"}}})
	p.eventually("a run waits for its next attempt", func() bool {
		return len(read(p, bus.Runs(events.Retrying, fails))) > 0
	})
	for _, job := range []string{files, ticks, fails} {
		p.native("POST", "/api/v2/jobs/"+job+"/disable", "", http.StatusOK)
	}
	minute := events.MinuteOf(time.Now()) - 5
	tick := events.Trigger{ID: events.CronTriggerID(ticks, minute), JobID: ticks, Kind: events.KindCron, At: time.Now(), Minute: minute}
	rev, err := bus.Job(p.Context(), ticks)
	tick.JobSeq = rev.Seq
	if err == nil {
		_, err = bus.Triggers(events.KindCron, ticks).Put(p.Context(), tick)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(p.dir, "in", "marked"), []byte("m"), 0o644)
	}
	if err != nil {
		p.Fatal(err)
	}
	p.native("POST", "/api/v2/jobs/"+files+"/files/reprocess", `{"path":"one"}`, http.StatusAccepted)
	waits := func(job, what string, n int) {
		p.Helper()
		p.eventually(what+" wait", func() bool {
			return strings.Contains(p.native("GET", "/api/v2/jobs/"+job, "", http.StatusOK), fmt.Sprintf(`"%s":%d`, what, n))
		})
	}
	waits(files, "files", 2)
	waits(ticks, "triggers", 1)
	waits(fails, "runs", 1)
	list := p.native("POST", "/api/v2/jobs/"+files+"/files/mark", `{"pattern":"marked"}`, http.StatusOK)
	if got := p.native("POST", "/api/v2/jobs/"+files+"/files/mark", `{"list":"`+between(list, `"list":"`, `"`)+`"}`, http.StatusOK); !strings.Contains(got, `"marked":1`) {
		p.Errorf("marked %s", got)
	}
	if err := os.RemoveAll(filepath.Join(p.dir, events.StageRoot)); err != nil {
		p.Fatal(err)
	}
	before := len(read(p, bus.Runs(events.Ended, files)))
	for _, job := range []string{files, ticks, fails} {
		p.native("POST", "/api/v2/jobs/"+job+"/enable", "", http.StatusOK)
	}
	p.eventually("all has gone on", func() bool {
		ended := read(p, bus.Runs(events.Ended, files))
		paused, err := bus.PausedTriggers("").Count(p.Context())
		runs, rerr := bus.WaitingRuns("").Count(p.Context())
		return len(ended) == before+1 && ended[before].Status == events.OK && err == nil && rerr == nil && paused+runs == 0
	})
	p.native("DELETE", "/api/v2/jobs/"+fails, "", http.StatusNoContent)
}

// administer makes and revokes a token and a subscriber.
func (p *harness) administer() {
	p.Helper()
	token := p.native("POST", "/api/v2/tokens", `{"owner":"ann","role":"viewer"}`, http.StatusCreated)
	p.native("GET", "/api/v2/tokens", "", http.StatusOK)
	p.native("DELETE", "/api/v2/tokens/"+between(token, `"id":"`, `"`), "", http.StatusNoContent)
	if p.foreign != "" {
		p.native("POST", "/api/v2/subscribers", `{"name":"mine","stream":"RUN_EVENTS"}`, http.StatusServiceUnavailable)
		return
	}
	p.native("POST", "/api/v2/subscribers", `{"name":"mine","stream":"RUN_EVENTS"}`, http.StatusCreated)
	p.native("GET", "/api/v2/subscribers", "", http.StatusOK)
	p.native("DELETE", "/api/v2/subscribers/mine", "", http.StatusNoContent)
}

// actsOnMany disables and enables a job as one of many.
func (p *harness) actsOnMany(job string) {
	p.Helper()
	for _, action := range []string{"disable", "enable"} {
		_, b := p.send("POST", "jobs/bulk", object{"select": object{"ids": []string{job}}, "action": action, "expect": 1})
		p.eventually("the action ends", func() bool {
			_, now := p.send("GET", fmt.Sprint("bulk/", b["bulk_id"]), nil)
			return now["state"] == "done" && now["done"] == float64(1)
		})
	}
	p.native("GET", "/api/v2/jobs/"+job+"/history", "", http.StatusOK)
	p.native("POST", "/api/v2/dead-letters/bulk", `{"select":{"filter":{}},"action":"drop"}`, http.StatusOK)
}

// asksFor has a subscriber ask for a run of a job, over NATS.
func (p *harness) asksFor(job string) {
	p.Helper()
	creds := filepath.Join(p.TempDir(), "asks.creds")
	if out, code := spool(p, "subscriber", "create", "asks", "--may-trigger", "--job", job, "-o", creds, "--url", "http://"+p.api, "--data", p.data, "--nats-url", "nats://"+p.nats); code != 0 || !strings.Contains(out, "request spool.api.trigger") {
		p.Fatalf("create: status %d, %s", code, out)
	}
	nc, err := nats.Connect("nats://"+p.nats, nats.UserCredentials(creds))
	if err != nil {
		p.Fatal(err)
	}
	defer nc.Close()
	m, err := nc.Request(jet.AskTrigger, []byte(`{"job":"`+job+`","idempotency_key":"one"}`), 30*time.Second)
	if err != nil || !strings.Contains(string(m.Data), `"trigger_id":"manual:`+job) {
		p.Fatalf("a subscriber asks for a run: %v, %v", m, err)
	}
	bus := p.bus()
	id := between(string(m.Data), `"trigger_id":"`, `"`)
	p.eventually("it was called", func() bool {
		for _, r := range read(p, bus.Results(job)) {
			if r.TriggerID == id {
				return true
			}
		}
		return false
	})
	if m, err = nc.Request(jet.AskTrigger, []byte(`{"job":"another"}`), 30*time.Second); err != nil || m.Header.Get("Nats-Service-Error-Code") != "404" {
		p.Errorf("a job that there is not: %v, %v", m, err)
	}
	p.native("DELETE", "/api/v2/subscribers/asks", "", http.StatusNoContent)
	if m, err := nc.Request(jet.AskTrigger, []byte(`{"job":"`+job+`"}`), 2*time.Second); err == nil {
		p.Errorf("a revoked subscriber is answered %s", m.Data)
	}
}

func runnerAt(all map[string]*process) string {
	args := all["runner"].args
	for i, a := range args {
		if a == "--listen" {
			return args[i+1]
		}
	}
	return ""
}

func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}

// native sends a request with the admin token, to the API unless another place is given.
func (p *harness) native(method, path, body string, want int, at ...string) string {
	p.Helper()
	base := "http://" + p.api
	if len(at) > 0 {
		base = at[0]
	}
	status, answer := p.exchange(method, base+path, p.adminToken(), []byte(body))
	if status != want {
		p.Fatalf("%s %s: %d, want %d: %s", method, path, status, want, answer)
	}
	return string(answer)
}
