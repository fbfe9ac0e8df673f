package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/events/jet"
)

// lifeStep is what strikes in the life of a file and its run, and what is promised
// then of how often its flow starts and its end is reported.
type lifeStep struct {
	fault       string
	least, most int // starts; 2: the flow was under way, or over and nobody knew
	notified    int // at most; a repeat has the same id
}

var life = []lifeStep{
	{faultpoint.FileStaged + "=kill", 1, 1, 1},
	{faultpoint.FileCommitted + "=kill", 1, 1, 1},
	{faultpoint.FileEntered + "=kill", 1, 1, 1},
	{faultpoint.DispatchTaken + "=kill", 1, 1, 1},
	{faultpoint.RunAccepted + "=kill", 1, 2, 1},
	{faultpoint.DispatchCalled + "=kill", 1, 2, 1},
	{faultpoint.DispatchEnded + "=kill", 1, 2, 1},
	{faultpoint.DispatchStored + "=kill", 1, 2, 1},
	{faultpoint.RunLaunched + "=kill", 1, 1, 1},
	{faultpoint.RunStarted + "=kill", 2, 2, 1},
	{faultpoint.RunBegun + "=kill", 2, 2, 1},
	{faultpoint.RunOver + "=kill", 2, 2, 1},
	{faultpoint.RunEnded + "=kill", 1, 1, 2},
	{faultpoint.RunKept + "=kill", 1, 1, 2},
	{faultpoint.NoticeDue + "=kill", 1, 1, 1},
	{faultpoint.NoticeTold + "=kill", 1, 1, 2},
	{faultpoint.QueueAcked + "=kill", 1, 2, 2},
	{"disk=delay:50ms@20s", 1, 1, 1},
}

// All of Spool is killed at each step in the life of a file and its run, or has a
// slow disk: there is one result and one end, which is reported, and the flow starts again
// only where it was cut off.
func TestLongKillInALife(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: it kills spool at each step of a file's life")
	}
	t.Parallel()
	together(t, 5, life, func(s lifeStep) string { return s.fault }, liveOn)
}

// together runs a test for each case, so many at a time: they mostly wait for what
// was in hand to come again.
func together[C any](t *testing.T, most int, cases []C, name func(C) string, f func(*testing.T, C)) {
	var wg sync.WaitGroup
	places := make(chan struct{}, most)
	for _, c := range cases {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			t.Run(name(c), func(t *testing.T) { f(t, c) })
		})
	}
	wg.Wait()
}

// failing starts all of spool, which a fault is to strike once it is ready.
func (p *harness) failing(fault string) *process {
	p.Helper()
	pr := p.startToFail(fault, p.serveArgs()...)
	p.eventually("ready", func() bool { return strings.Contains(pr.log.String(), "msg=ready") })
	return pr
}

// counting is a job whose flow writes that it ran, with a webhook.
func (p *harness) counting(schedule, hook string) string {
	p.Helper()
	p.flow("flow.ibflowbin", "#!/bin/sh\necho ran >>ran.txt\nsleep 0.3\n")
	answer := p.call("POST", "create_job", map[string]any{
		"name": "counting", "schedule": schedule, "flow_parameters": map[string]any{
			"auth_token": "any", "binary_path": testDrive + "/flow.ibflowbin", "input_dir": testDrive + "/in",
			"settings": map[string]any{"spooled_mode": schedule == "", "webhook_config": map[string]any{"url": hook}},
		},
	})
	id, ok := answer["job_id"].(string)
	if !ok {
		p.Fatalf("create_job: %v", answer)
	}
	return id
}

func liveOn(t *testing.T, s lifeStep) {
	p := newHarness(t)
	hook, calls := receiver(t, 0)
	pr := p.failing(s.fault)
	job := p.counting("", hook)
	p.watchLive(p.bus(), job)
	p.drop("in/a", "content")
	if strings.Contains(s.fault, "=kill") {
		pr.struck()
		p.start(p.serveArgs()...)
	}
	p.livedOnce(job, s, calls)
}

// livedOnce waits until nothing is left to be done of what one trigger led to, and
// judges how often each thing happened.
func (p *harness) livedOnce(job string, s lifeStep, calls chan received) {
	p.Helper()
	bus := p.bus()
	p.eventually("all is done", func() bool {
		for _, count := range []func(context.Context) (int, error){bus.Files("").Count, bus.Triggers("", "").Count, bus.RunQueue("").Count} {
			if left, err := count(p.Context()); err != nil || left > 0 {
				return false
			}
		}
		out, queued, err := bus.Unsettled(p.Context(), bus.Runs(events.Ended, "").Queue("notify-webhook", 0))
		return err == nil && out+queued == 0 && len(read(p, bus.Runs(events.Ended, job))) > 0
	})
	results := read(p, bus.Results(job))
	ended := read(p, bus.Runs(events.Ended, job))
	started := read(p, bus.Runs(events.Started, job))
	if len(results) != 1 || results[0].Status != events.OK {
		p.Errorf("%d results: %+v", len(results), results)
	}
	if len(ended) != 1 || ended[0].Status != events.OK || len(started) < s.least || len(started) > s.most {
		p.Errorf("%d starts, want %d to %d; ended %+v", len(started), s.least, s.most, ended)
	}
	// A further attempt has the folder emptied: what is there is of one.
	text, err := os.ReadFile(filepath.Join(p.dir, strings.TrimPrefix(ended[0].OutputFolder, testDrive), "ran.txt"))
	if err != nil || string(text) != "ran\n" {
		p.Errorf("the outputs are not of one attempt: %q (%v)", text, err)
	}
	ids := map[string]bool{}
	times := len(calls)
	for range times {
		ids[(<-calls).Get("webhook-id")] = true
	}
	if times < 1 || times > s.notified || len(ids) != 1 {
		p.Errorf("notified %d times of %v, want once, or at most %d times of one", times, ids, s.notified)
	}
}

// A gateway that is killed when it has stored what was asked for, and has not said
// so: who asks again with the same key has one trigger.
func TestLongKillBeforeTheAnswer(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	t.Parallel()
	p := newHarness(t)
	hook, calls := receiver(t, 0)
	pr := p.failing(faultpoint.TriggerStored + "=kill")
	job := p.counting("@yearly", hook)
	ask := func() (int, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.api+"/api/v2/jobs/"+job+"/trigger", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+p.adminToken())
		req.Header.Set(events.HeaderKey, "once")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, err
		}
		return resp.StatusCode, resp.Body.Close()
	}
	if code, err := ask(); err == nil {
		t.Errorf("answered with %d", code)
	}
	pr.struck()
	p.start(p.serveArgs()...)
	if code, err := ask(); err != nil || code/100 != 2 {
		t.Errorf("asked again: %d, %v", code, err)
	}
	p.livedOnce(job, lifeStep{least: 1, most: 1, notified: 1}, calls)
}

// slotsOf gives what was said of each minute of a job, by its end.
func (p *harness) slotsOf(bus *jet.Bus, job string) map[events.Minute][]string {
	p.Helper()
	said := map[events.Minute][]string{}
	for _, r := range read(p, bus.Results(job)) {
		said[r.Minute] = append(said[r.Minute], "fired")
	}
	for _, v := range read(p, bus.Verdicts(job)) {
		for m := v.From; m <= v.To; m++ {
			said[m] = append(said[m], string(v.Verdict))
		}
	}
	return said
}

// checkSlots wants one thing said of each minute from the first to the last.
func (p *harness) checkSlots(said map[events.Minute][]string) (last events.Minute) {
	p.Helper()
	first := events.Minute(0)
	for m := range said {
		last = max(last, m)
		if first == 0 || m < first {
			first = m
		}
	}
	for m := first; m <= last; m++ {
		if len(said[m]) != 1 {
			p.Errorf("of minute %d was said: %v", m, said[m])
		}
	}
	return last
}

// Cron is killed before and after it stores what is due: each slot fires once.
func TestLongKillAtTheMinute(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: it waits for real minutes")
	}
	t.Parallel()
	together(t, 2, []string{faultpoint.SlotsReckoned, faultpoint.SlotsStored}, func(s string) string { return s }, func(t *testing.T, step string) {
		p := newHarness(t)
		hook, _ := receiver(t, 0)
		pr := p.failing(step + "=kill")
		job := p.counting("* * * * *", hook)
		due := events.MinuteOf(nextMinute())
		pr.struck()
		p.start(p.serveArgs()...)
		bus := p.bus()
		p.eventually("the slot has fired", func() bool { return len(p.slotsOf(bus, job)[due]) > 0 })
		p.checkSlots(p.slotsOf(bus, job))
	})
}

// The clock leaps five minutes ahead, and at the next start is right again: of each
// slot up to the leap one thing is said, and none fires a second time.
func TestLongClockLeaps(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: it waits for real minutes")
	}
	t.Parallel()
	p := newHarness(t)
	hook, _ := receiver(t, 0)
	pr := p.failing("clock=step:5m@30s")
	job := p.counting("* * * * *", hook)
	bus := p.bus()
	ahead := events.MinuteOf(time.Now().Add(5 * time.Minute))
	p.eventually("the clock is ahead", func() bool { return len(p.slotsOf(bus, job)[ahead]) > 0 })
	pr.kill()
	next := p.startToFail("", p.serveArgs()...) // nothing strikes, but it is not ready
	bus = p.bus()
	p.eventually("the committed clock is found ahead", func() bool { return strings.Contains(next.log.String(), "the committed clock is ahead") })
	time.Sleep(time.Until(nextMinute().Add(2 * time.Second)))
	if last := p.checkSlots(p.slotsOf(bus, job)); last < ahead || last > ahead+2 {
		t.Errorf("the last slot is %d, the clock was set to about %d", last, ahead)
	}
}
