package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events"
)

// With FILES filled to its bytes a job can still be disabled and a run still
// ends; intake goes on by itself when there is room again.
func TestLongFilesFull(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	t.Parallel()
	p := newHarness(t)
	pr := p.serve("--durability", "interval", "--max-store", fmt.Sprint(32<<20))
	p.flow("quick.ibflowbin", "#!/bin/sh\nexit 0\n")
	full := p.job("fills", "", "quick.ibflowbin", "in", nil)
	other := p.job("other", "@yearly", "quick.ibflowbin", "tick/in", nil)
	if a := p.call("POST", "disable_job", map[string]any{"job_id": full}); a["disabled_jobs"] != full {
		t.Fatalf("disable_job: %v", a)
	}
	bus := p.bus()
	dropped := 0
	p.eventually("FILES is full", func() bool {
		queued, err := bus.Files(full).Count(t.Context())
		for err == nil && dropped < queued+1000 { // no more than it takes
			name := fmt.Sprintf("%0200d.txt", dropped) // long names fill faster
			if err := os.WriteFile(filepath.Join(p.dir, "in", name), []byte("x"), 0o644); err != nil {
				t.Fatal(err)
			}
			dropped++
		}
		return strings.Contains(pr.log.String(), "is full")
	})
	if a := p.call("POST", "disable_job", map[string]any{"job_id": other}); a["disabled_jobs"] != other {
		t.Errorf("disable_job while FILES is full: %v", a)
	}
	if s, h, r := p.outcome(other, 0); s != "OK" || h != "200" {
		t.Errorf("a run while FILES is full: %s %s %s", s, h, r)
	}
	p.eventually("that run ends", func() bool {
		return len(read(p, bus.Runs(events.Ended, other))) == 1
	})
	queued, err := bus.Files(full).Count(t.Context())
	if err != nil || queued == 0 || queued >= dropped {
		t.Fatalf("%d of %d files are queued (%v)", queued, dropped, err)
	}
	t.Logf("FILES is full with %d of %d files", queued, dropped)

	// Space comes back: another job's work is dropped with it, and this one's is run.
	before := queued
	if a := p.call("POST", "enable_job", map[string]any{"job_id": full}); a["enabled_jobs"] != full {
		t.Fatalf("enable_job: %v", a)
	}
	p.eventually("intake goes on", func() bool {
		seen, err := bus.Seen(full).Count(t.Context())
		return err == nil && seen > before
	})
}
