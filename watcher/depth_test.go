package watcher_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// A file that a run put into its own folder, at the end of a chain of very many jobs, is
// held: the ledger has it, and no trigger asks for a run.
func TestAFileOfADeepChainIsHeld(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	r.dir("in")
	run := "54b78899-1243-5d6f-98b7-ec67802a226d"
	name := "20261129-155240-" + run
	var chain []string
	for i := range 100 {
		chain = append(chain, fmt.Sprintf("job-%d", i))
	}
	r.check(r.bus.PutRunEvent(r.Context(), events.RunEvent{
		Phase: events.Ended, At: time.Now(), FlowJobID: run, TriggerID: "t", JobID: "last", OutputFolder: driveName + "/in/" + name, Chain: chain,
	}, 0))
	r.job("job", "in", recursive)
	r.start()
	r.awaitLive("job")
	r.write(filepath.Join(r.dir("in/"+name), "f"), "x")
	r.write(filepath.Join(r.root, "in", "free"), "x")
	r.await("job", 1)
	var held []events.Held
	r.eventually(func() bool {
		var err error
		held, err = r.bus.HeldFiles("").All(r.Context())
		r.check(err)
		return len(held) == 1
	})
	if h := held[0]; h.JobID != "job" || h.Path != name+"/f" || !h.Deep || len(h.Chain) < 100 {
		t.Errorf("held is %+v", h)
	}
	if all := r.queued("job"); len(all) != 1 || all[0].File.Path != "free" {
		t.Errorf("queued are %v", all)
	}
}
