package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
)

// Everything is killed with -9 while a run waits for its next attempt: the attempt
// is neither lost nor made sooner, nor made twice. Failures in a row disable the job,
// and what has failed is run again by a filter once its cause is mended.
func TestLongRetriesAcrossKills(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: it waits for attempts, and what a killed process held comes again after 10 s")
	}
	t.Parallel()
	p := newHarness(t)
	pr := p.serve("--durability", "fsync")
	p.flow("ocr.ibflowbin", `#!/bin/sh
date +%s.%N >> attempts
[ -e "$1/language" ] || { echo "the language is not installed"; exit 75; }
cp "$1"/* .
`)
	spool := map[string]any{
		"hold_after": 3, "run": map[string]any{"retries": map[string]any{"times": 1, "on_exit": []int{75}, "backoff": "6s"}},
	}
	if err := os.MkdirAll(filepath.Join(p.dir, "scans/in"), 0o755); err != nil {
		t.Fatal(err)
	}
	job := p.job("ocr", "@yearly", "ocr.ibflowbin", "scans/in", spool)
	if err := os.WriteFile(filepath.Join(p.dir, "scans/in/a"), []byte("a"), 0o644); err != nil {
		t.Fatal(err)
	}
	bus := p.bus()
	runs := func(phase events.Phase) []events.RunEvent {
		return read(p, bus.Runs(phase, job))
	}
	p.native("POST", "/api/v2/jobs/"+job+"/trigger", "", http.StatusAccepted)
	p.eventually("the run waits", func() bool { return len(runs(events.Retrying)) == 1 })
	waits := runs(events.Retrying)[0]
	for range 2 {
		pr.kill()
		pr.start()
	}
	bus = p.bus()
	results := func() string { return p.native("GET", "/api/v2/jobs/"+job+"/results", "", http.StatusOK) }
	if time.Now().Before(waits.Next.Add(-time.Second)) && !strings.Contains(results(), `"state":"retrying"`) {
		t.Errorf("results %s", results())
	}
	p.eventually("the run has ended", func() bool { return len(runs(events.Ended)) == 1 })
	ended := runs(events.Ended)[0]
	if ended.Attempt != 2 || len(ended.Attempts) != 2 || ended.StartedAt.Before(waits.Next) || len(runs(events.Started)) != 2 {
		t.Errorf("waited until %s, ended %+v", waits.Next, ended)
	}
	if text, err := os.ReadFile(filepath.Join(p.dir, "scans/out/attempts")); err != nil || strings.Count(string(text), "\n") != 2 {
		t.Errorf("the flow ran at %s (%v)", text, err)
	}

	for range 2 {
		p.native("POST", "/api/v2/jobs/"+job+"/trigger", "", http.StatusAccepted)
	}
	var shown struct {
		Status   events.JobStatus
		Disabled events.Disabling
	}
	p.eventually("the job is disabled", func() bool {
		p.get("/api/v2/jobs/"+job, &shown)
		return shown.Status == events.Disabled
	})
	if shown.Disabled.By != "hold_after" || !strings.Contains(shown.Disabled.Reason, "3 failures in a row (spool.hold_after), the last: exit status 75: the language is not installed") {
		t.Errorf("disabled %+v", shown.Disabled)
	}

	if err := os.WriteFile(filepath.Join(p.dir, "scans/in/language"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	p.native("POST", "/api/v2/jobs/"+job+"/enable", "", http.StatusOK)
	filter := fmt.Sprintf(`{"filter":{"outcome":"failed","since":%q}`, time.Now().Add(-time.Hour).UTC().Format(time.RFC3339))
	var many struct{ Count, Queued, Left int }
	if err := json.Unmarshal([]byte(p.native("POST", "/api/v2/results/rerun", filter+"}", http.StatusOK)), &many); err != nil || many.Count != 3 || many.Queued != 0 {
		t.Fatalf("counted %+v, %v", many, err)
	}
	if err := json.Unmarshal([]byte(p.native("POST", "/api/v2/results/rerun", filter+`,"expect":3}`, http.StatusAccepted)), &many); err != nil || many.Queued != 3 {
		t.Fatalf("queued %+v, %v", many, err)
	}
	p.eventually("all have run again", func() bool { return len(runs(events.Ended)) == 6 })
	for _, ev := range runs(events.Ended)[3:] {
		if ev.Status != events.OK || ev.Attempt != 1 {
			t.Errorf("run again: %+v", ev)
		}
	}
	p.eventually("nothing is left to run again", func() bool {
		return strings.Contains(p.native("POST", "/api/v2/results/rerun", filter+"}", http.StatusOK), `"count":0`)
	})
}
