package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// apart starts every role that a run needs as a process of its own.
func (p *harness) apart() map[string]*process {
	p.Helper()
	secret := filepath.Join(p.TempDir(), "runner.secret")
	if err := os.WriteFile(secret, []byte(rand.Text()), 0o600); err != nil {
		p.Fatal(err)
	}
	calls := eventstest.FreeAddress(p)
	all := map[string]*process{"broker": p.start("broker", "--data", p.data, "--nats-listen", p.nats)}
	role := func(name string, more ...string) {
		all[name] = p.start(append([]string{
			name, "--data", p.data, "--nats-url", "nats://" + p.nats, "--nats-creds", filepath.Join(p.data, name+".creds"),
		}, more...)...)
	}
	place := []string{"--drive", testDrive + "=" + p.dir}
	role("runner", append(place, "--listen", calls, "--runner-secret-file", secret)...)
	role("dispatcher", "--run-binary-url", "http://"+calls+events.RunBinaryPath, "--runner-secret-file", secret, "--retry-waits", "10m")
	role("gateway", append(place, "--listen", p.api)...)
	return all
}

// told is one event of a log that is followed.
type told struct {
	Name, ID   string
	Text, Says string
	Outcome    string
	Away       bool
}

// follows reads the events of a log as they come.
func (p *harness) follows(trigger, from string) <-chan told {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), http.MethodGet, "http://"+p.api+"/api/v2/results/"+trigger+"/log?follow=true", nil)
	if err != nil {
		p.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.adminToken())
	if from != "" {
		r.Header.Set("Last-Event-ID", from)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		p.Fatalf("follow: %d", resp.StatusCode)
	}
	events := make(chan told, 10_000)
	go func() { // ends with the body, which ends with the test
		defer close(events)
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		for e := (told{}); lines.Scan(); {
			switch key, value, _ := strings.Cut(lines.Text(), ": "); key {
			case "event":
				e = told{Name: value}
			case "id":
				e.ID = value
			case "data":
				_ = json.Unmarshal([]byte(value), &e)
				events <- e
			}
		}
	}()
	return events
}

func (p *harness) await(from <-chan told, what string, is func(told) bool) (e told) {
	p.Helper()
	deadline := time.After(time.Minute)
	for {
		select {
		case e, ok := <-from:
			if !ok {
				p.Fatalf("the log ended before %s", what)
			}
			if is(e) {
				return e
			}
		case <-deadline:
			p.Fatalf("%s: not within a minute", what)
		}
	}
}

func (p *harness) outcomeOf(trigger string) (outcome string) {
	p.Helper()
	var x struct{ Outcome string }
	if err := json.Unmarshal([]byte(p.native("GET", "/api/v2/results/"+trigger, "", http.StatusOK)), &x); err != nil {
		p.Fatal(err)
	}
	return x.Outcome
}

func (p *harness) triggers(job string) string {
	p.Helper()
	return between(p.native("POST", "/api/v2/jobs/"+job+"/trigger", "", http.StatusAccepted), `"trigger_id":"`, `"`)
}

// The runner is a process of its own: its log is read, followed line by line, and followed on after it was killed;
// what it has written is fetched; what waits and what runs is cancelled.
func TestStoryOfARun(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	all := p.apart()
	p.flow("big.ibflowbin", "#!/bin/sh\nyes 0123456789abcde | head -c 15728592\necho the last line\necho text > \"$2/one.txt\"\n")
	p.flow("slow.ibflowbin", "#!/bin/sh\necho attempt $SPOOL_ATTEMPT\nfor i in 1 2 3; do echo line $i; sleep 0.1; done\nwhile [ ! -e \"$1/go\" ]; do sleep 0.1; done\necho the end\n")
	big := p.triggers(p.job("big", "@yearly", "big.ibflowbin", "in", nil))
	p.eventually("the big one has run", func() bool { return p.outcomeOf(big) == "ok" })
	began := time.Now()
	lines := p.native("GET", "/api/v2/results/"+big+"/log?tail=2", "", http.StatusOK)
	t.Logf("tail of a log of 15 MiB: %s", time.Since(began).Round(100*time.Microsecond))
	if !strings.HasSuffix(lines, "\nthe last line\n") || strings.Count(lines, "\n") != 2 {
		t.Errorf("tail %q", lines)
	}
	began = time.Now()
	whole := p.native("GET", "/api/v2/results/"+big+"/log", "", http.StatusOK)
	t.Logf("the whole of it: %s", time.Since(began).Round(time.Millisecond))
	if want := bytes.Repeat([]byte("0123456789abcde\n"), 15728592/16+1)[:15728592]; !strings.HasPrefix(whole, string(want)) || !strings.HasSuffix(whole, "the last line\n") {
		t.Errorf("%d bytes, not what was printed", len(whole))
	}
	if list := p.native("GET", "/api/v2/results/"+big+"/output", "", http.StatusOK); !strings.Contains(list, `"path":"one.txt"`) {
		t.Errorf("output %s", list)
	}
	if one := p.native("GET", "/api/v2/results/"+big+"/output/one.txt", "", http.StatusOK); one != "text\n" {
		t.Errorf("one.txt %q", one)
	}

	slow := p.job("slow", "@yearly", "slow.ibflowbin", "tick/in", map[string]any{"retry_for": "24h"})
	id := p.triggers(slow)
	p.eventually("it is called", func() bool {
		_, text := p.exchange("GET", "http://"+p.api+"/api/v2/results/"+id, p.adminToken(), nil)
		return bytes.Contains(text, []byte("running"))
	})
	log := p.follows(id, "")
	p.await(log, "line 1", func(e told) bool { return e.Text == "line 1\n" })
	last := p.await(log, "line 3", func(e told) bool { return e.Text == "line 3\n" })
	killed := time.Now()
	all["runner"].kill()
	end := p.await(log, "the end of what is there", func(e told) bool { return e.Name == "end" })
	if !end.Away || !strings.Contains(end.Says, "does not answer") || !strings.Contains(end.Says, "the runner on ") {
		t.Errorf("after the runner was killed: %+v", end)
	}
	t.Logf("that the runner is away was said after %s", time.Since(killed).Round(time.Millisecond))
	if status, text := p.exchange("GET", "http://"+p.api+"/api/v2/results/"+id+"/log", p.adminToken(), nil); status != http.StatusServiceUnavailable || !bytes.Contains(text, []byte("the runner on ")) {
		t.Errorf("its log: %d %s", status, text)
	}
	waits := p.triggers(slow) // its call is refused, and the next is in 10 minutes
	p.eventually("it waits", func() bool { o := p.outcomeOf(waits); return o == "waiting" || o == "retrying" })
	p.native("POST", "/api/v2/results/"+waits+"/cancel", "", http.StatusOK)
	if o := p.outcomeOf(waits); o != "cancelled" {
		t.Errorf("cancelled before its call: %s", o)
	}

	all["runner"].start()
	p.eventually("the runner answers", func() bool {
		status, _ := p.exchange("GET", "http://"+p.api+"/api/v2/results/"+id+"/log", p.adminToken(), nil)
		return status == http.StatusOK
	})
	log = p.follows(id, last.ID)
	again := p.await(log, "the next attempt", func(e told) bool { return e.Name == "line" && e.Text == "attempt 2\n" })
	if again.ID == "" {
		t.Errorf("%+v", again)
	}
	if err := os.WriteFile(filepath.Join(p.dir, "tick/in/go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	p.await(log, "its last line", func(e told) bool { return e.Text == "the end\n" })
	if end := p.await(log, "its end", func(e told) bool { return e.Name == "end" }); end.Outcome != "ok" || end.Away {
		t.Errorf("%+v", end)
	}
	if err := os.Remove(filepath.Join(p.dir, "tick/in/go")); err != nil {
		t.Fatal(err)
	}
	runs := p.triggers(slow)
	p.eventually("it runs", func() bool { return p.outcomeOf(runs) == "running" })
	p.exchange("POST", "http://"+p.api+"/api/v2/results/"+runs+"/cancel", p.adminToken(), nil)
	p.eventually("it is cancelled", func() bool { return p.outcomeOf(runs) == "cancelled" })
	p.native("POST", "/api/v2/results/"+runs+"/cancel", "", http.StatusOK)
	p.ownUp(runs)
	for name, pr := range all {
		if strings.Contains(strings.ToLower(pr.log.String()), "violation") {
			t.Errorf("%s was denied something:\n%s", name, tail(pr.log.String(), 2000))
		}
	}
}

// ownUp has a failure acknowledged whose notice was given up, and the notice sent again to where it is taken.
func (p *harness) ownUp(cancelled string) {
	p.Helper()
	ids := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ids <- r.URL.Path + " " + r.Header.Get("webhook-id")
		if r.URL.Path == "/gone" {
			w.WriteHeader(http.StatusGone)
		}
	}))
	p.Cleanup(hook.Close)
	p.flow("fails.ibflowbin", "#!/bin/sh\nexit 3\n")
	job := p.job("fails", "@yearly", "fails.ibflowbin", "in", nil)
	to := func(path string) {
		p.native("PATCH", "/api/v2/jobs/"+job, `{"flow_parameters":{"settings":{"webhook_config":{"url":"`+hook.URL+path+`"}}}}`, http.StatusOK)
	}
	to("/gone")
	id := p.triggers(job)
	first := <-ids
	notices := func() string {
		return between(p.native("GET", "/api/v2/results/"+id, "", http.StatusOK), `"notices":[`, "]")
	}
	p.eventually("its notice is given up", func() bool { return strings.Contains(notices(), `"undelivered"`) })
	to("/here")
	p.native("POST", "/api/v2/results/"+id+"/notices/retry", "", http.StatusAccepted)
	if second := <-ids; second != strings.Replace(first, "/gone", "/here", 1) {
		p.Errorf("sent again as %s, first as %s", second, first)
	}
	p.eventually("it is told", func() bool { return strings.Contains(notices(), `"told"`) })
	p.native("POST", "/api/v2/results/"+id+"/ack", `{"note":"known"}`, http.StatusOK)
	p.native("POST", "/api/v2/results/"+cancelled+"/ack", "", http.StatusConflict)
	if jobs := p.native("GET", "/api/v2/jobs?state=failing", "", http.StatusOK); strings.Contains(jobs, job) {
		p.Errorf("it is failing all the same: %s", jobs)
	}
	p.native("DELETE", "/api/v2/results/"+id+"/ack", "", http.StatusNoContent)
}

// Whatever dies while an execution is cancelled, wherever it stands, it has one outcome; and one that was answered
// as cancelled does not run.
func TestLongCancelUnderKill(t *testing.T) {
	long(t)
	t.Parallel()
	p := newHarness(t)
	serve := p.serve()
	p.flow("count.ibflowbin", "#!/bin/sh\necho $SPOOL_RUN_ID >> \"$1/begun\"\nsleep 2\n")
	job := p.job("count", "@yearly", "count.ibflowbin", "in", nil)
	for round := range 24 {
		id := p.triggers(job)
		switch round % 3 { // before its call mostly, then in the queue or as it starts, then while it runs
		case 1:
			time.Sleep(time.Duration(round) * time.Millisecond)
		case 2:
			p.eventually("it runs", func() bool {
				_, text := p.exchange("GET", "http://"+p.api+"/api/v2/results/"+id, p.adminToken(), nil)
				return bytes.Contains(text, []byte(`"outcome":"running"`))
			})
		}
		answered := make(chan int, 1)
		go func() {
			r, _ := http.NewRequest(http.MethodPost, "http://"+p.api+"/api/v2/results/"+id+"/cancel", nil)
			r.Header.Set("Authorization", "Bearer "+p.adminToken())
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				answered <- 0
				return
			}
			_ = resp.Body.Close()
			answered <- resp.StatusCode
		}()
		time.Sleep(time.Duration(round*3) * time.Millisecond)
		serve.kill()
		status := <-answered
		serve.start()
		p.eventually("it has ended", func() bool {
			o := p.outcomeOf(id)
			return o == "cancelled" || o == "ok" || o == "failed"
		})
		outcome := p.outcomeOf(id)
		results := 0
		p.eventually("there is a result", func() bool { // the run may have ended before its call was made again
			list := p.native("GET", "/api/v2/jobs/"+job+"/results?limit=1000", "", http.StatusOK)
			results = strings.Count(list, `"trigger_id":"`+id+`"`)
			return results > 0
		})
		if results != 1 {
			t.Errorf("round %d: %d results of one trigger", round, results)
		}
		bus := p.bus()
		ends := 0
		for _, ev := range read(p, bus.Runs(events.Ended, job)) {
			if ev.TriggerID == id {
				ends++
			}
		}
		if ends > 1 || status == http.StatusOK && outcome != "cancelled" {
			t.Errorf("round %d: answered %d, ended %d times, %s", round, status, ends, outcome)
		}
	}
}
