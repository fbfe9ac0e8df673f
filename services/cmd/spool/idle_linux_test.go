package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/system"
)

// While nothing is due Spool writes nothing to disk for minutes, and says all the same that all of it is
// there: what a start and the last change leave to be done is over after some minutes.
func TestLongIdleWritesNothing(t *testing.T) {
	long(t)
	t.Parallel()
	p := newHarness(t)
	pr := p.serve()
	for _, folder := range []string{"in/a", "in/b"} {
		if err := os.MkdirAll(filepath.Join(p.dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
		p.job("of "+folder, "", "flow.ibflowbin", folder, nil)
	}
	p.job("once a year", "59 23 31 12 *", "flow.ibflowbin", "tick/in", nil)
	const silence = events.RoleAwayAfter + events.RoleEvery
	pid := pr.cmd.Process.Pid
	began, wrote, since := time.Now(), processWritten(p, pid), time.Now()
	for time.Since(since) < silence {
		if time.Since(began) > 10*time.Minute {
			t.Fatalf("in %s there was no time of %s in which nothing was written", time.Since(began), silence)
		}
		time.Sleep(time.Second)
		if now := processWritten(p, pid); now != wrote {
			wrote, since = now, time.Now()
		}
	}
	t.Logf("nothing was written for %s, from %s after the start on", silence, since.Sub(began).Round(time.Second))
	var v struct{ Parts []system.Line }
	p.get("/api/v2/system", &v)
	roles := 0
	for _, l := range v.Parts {
		if l.Kind == system.KindRole || l.Kind == system.KindClock {
			if roles++; l.State != system.OK {
				t.Errorf("after that %s is %s: %s", l.Name, l.State, l.Means)
			}
		}
	}
	if roles < len(roleNames) {
		t.Errorf("%d of %d roles are known", roles, len(roleNames))
	}
	if code := pr.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit status %d", code)
	}
}
