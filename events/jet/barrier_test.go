package jet_test

import (
	"fmt"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// behind is a cluster of three of which two are 100 ms behind the leader of each of the streams,
// and a bus on one of those two.
func behind(t *testing.T, streams ...string) (*eventstest.Trio, *jet.Bus) {
	t.Helper()
	c := eventstest.Cluster(t, 3).Ensure(t)
	for _, s := range streams {
		c.Lead(t, s, c.Members[0])
	}
	c.AwaitReads(t, streams...)
	for _, m := range c.Members[1:] {
		m.Delay(100 * time.Millisecond)
	}
	return c, c.Connect(t, c.Members[1])
}

// Whoever decides that something is not there sees what was stored before, on followers that
// lag; each question is asked where a plain read would not know.
func TestSureReads(t *testing.T) {
	_, bus := behind(t, "JOBS", "TRIGGERS", "FILES", "RESULTS", "RUN_EVENTS", "DEADLETTERS", "RUNS")
	ctx := t.Context()
	past := false // a plain read has shown the past at least once
	for n := range 2 {
		job := fmt.Sprintf("job-%d", n)
		t0 := time.Now()
		dead := events.Result{TriggerID: "manual:" + job, JobID: job, Kind: events.KindManual, TriggeredAt: t0, EndedNS: t0.UnixNano(), Status: events.ERROR}
		for _, step := range []struct {
			what        string
			store       func() error
			plain, sure func() (bool, error)
		}{
			{
				"dead letter", func() error { return bus.PutDead(ctx, events.Trigger{ID: dead.TriggerID, JobID: job}, dead) },
				func() (bool, error) { all, err := bus.DeadLetters(job).All(ctx); return len(all) == 1, err },
				func() (bool, error) { return bus.HasDead(ctx, dead) },
			},
			{
				"result", func() error { return bus.PutResult(ctx, dead) },
				func() (bool, error) { all, err := bus.Results(job).All(ctx); return len(all) == 1, err },
				func() (bool, error) { return bus.HasResult(ctx, job, dead.TriggerID, t0.Add(-time.Minute)) },
			},
			{
				"file", func() error { _, err := bus.CommitFiles(ctx, []events.Trigger{fileOf(job)}); return err },
				func() (bool, error) {
					k, err := bus.File(job, fileOf(job).File.Fingerprint).Known(ctx)
					return err == nil && k[0], err
				},
				func() (bool, error) {
					k, err := bus.File(job, fileOf(job).File.Fingerprint).Sure().Known(ctx)
					return err == nil && k[0], err
				},
			},
			{
				"retry", func() error { _, err := bus.PutTrigger(ctx, events.KindRetry, fileOf(job)); return err },
				func() (bool, error) {
					all, err := bus.Triggers(events.KindRetry, job).All(ctx)
					return len(all) == 1, err
				},
				func() (bool, error) {
					all, err := bus.Triggers(events.KindRetry, job).Sure().All(ctx)
					return len(all) == 1, err
				},
			},
			{
				"run", func() error {
					_, _, err := bus.AcceptRun(ctx, "default", events.Run{FlowJobID: "flow-" + job, JobID: job, AcceptedAt: t0})
					return err
				},
				func() (bool, error) { return hasRun(bus.RunQueue("").All(ctx))("flow-" + job) },
				func() (bool, error) { return hasRun(bus.RunQueue("").Sure().All(ctx))("flow-" + job) },
			},
		} {
			if err := step.store(); err != nil {
				t.Fatalf("%s: %v", step.what, err)
			}
			if seen, err := step.plain(); err != nil {
				t.Fatalf("%s: %v", step.what, err)
			} else if !seen {
				past = true
			}
			if seen, err := step.sure(); err != nil || !seen {
				t.Errorf("%s of %s: stored, and not seen (%v)", step.what, job, err)
			}
		}
	}
	if !past {
		t.Error("no plain read showed the past: the followers do not lag, and nothing was tested")
	}
}

func fileOf(job string) events.Trigger {
	f := events.NewFile("a.csv")
	f.Fingerprint = events.Hash(job)
	return events.Trigger{ID: events.FileTriggerID(job, f.Fingerprint), JobID: job, Kind: events.KindFile, File: f}
}

func hasRun(all []events.Run, err error) func(id string) (bool, error) {
	return func(id string) (bool, error) {
		for _, r := range all {
			if r.FlowJobID == id {
				return true, err
			}
		}
		return false, err
	}
}
