package jet_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// A store of a newer form is refused before anything in it is changed; whoever may change streams sets
// what it says, and what Ensure does not know of stays.
func TestMarks(t *testing.T) {
	srv := eventstest.Start(t, eventstest.Options{})
	bus := eventstest.Connect(t, srv)
	nc := inProcess(t, srv)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := bus.Marks(t.Context()); err != nil || m != (jet.Marks{Format: 1}) {
		t.Errorf("a new store says %+v, %v", m, err)
	}
	set := func(m jet.Marks) {
		t.Helper()
		if err := jet.WriteMarks(t.Context(), js, func(to *jet.Marks) { *to = m }); err != nil {
			t.Fatal(err)
		}
	}
	topology := jet.Topology{Store: 1 << 30, Replicas: 1, ResultsPerJob: 1000}
	set(jet.Marks{Format: 1, Held: "a restore"})
	if err := bus.Ensure(t.Context(), topology); err != nil {
		t.Fatal(err)
	}
	if m, err := bus.Marks(t.Context()); err != nil || m.Held != "a restore" {
		t.Errorf("after Ensure it says %+v, %v", m, err)
	}
	set(jet.Marks{Format: jet.Format + 1})
	for what, err := range map[string]error{"the broker": bus.Ensure(t.Context(), topology), "a role": bus.Await(t.Context())} {
		if newer, ok := errors.AsType[*jet.Newer](err); !ok || newer.Format != jet.Format+1 {
			t.Errorf("%s starts on a newer store: %v", what, err)
		}
	}
}

// A message of a newer form is left where it is, and said to be: no reader takes it for what it knows.
func TestNewerMessage(t *testing.T) {
	srv := eventstest.Start(t, eventstest.Options{})
	bus := eventstest.Connect(t, srv)
	nc := inProcess(t, srv)
	publish := func(form string, id string) {
		t.Helper()
		m := nats.NewMsg("spool.trigger.manual.j")
		m.Data = events.Encode(events.Trigger{ID: id, JobID: "j"})
		if form != "" {
			m.Header.Set("Spool-Form", form)
		}
		if _, err := nc.RequestMsg(m, 5*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	publish("99", "newer")
	publish("1", "same")
	publish("", "plain")
	all, err := bus.Triggers(events.KindManual, "j").All(t.Context())
	if err != nil || len(all) != 2 || all[0].ID != "same" || all[1].ID != "plain" {
		t.Errorf("a list has %+v, %v", all, err)
	}
}

// Nor does who reads one message alone: the error names it, and the API answers 503 with that.
func TestNewerMessageAlone(t *testing.T) {
	srv := eventstest.Start(t, eventstest.Options{})
	bus := eventstest.Connect(t, srv)
	nc := inProcess(t, srv)
	ctx, began := t.Context(), time.Now().Add(-time.Minute)
	run, list, trigger := events.FlowJobID("u", "manual:1"), "6fa459ea-ee8a-4ca4-894e-db77e160355e", "manual:1"
	for subject, body := range map[string]any{
		"spool.result.j":                events.Result{TriggerID: trigger, JobID: "j"},
		"spool.run.started.j." + run:    events.RunEvent{FlowJobID: run, JobID: "j"},
		"spool.state.watch.j":           events.WatchState{JobID: "j", State: "listening"},
		"spool.state.retry.j":           events.RetryState{JobID: "j"},
		"spool.state.marklist." + list:  events.MarkList{JobID: "j"},
		"spool.trigger.manual.j":        events.Trigger{ID: trigger, JobID: "j"},
		"spool.runqueue.default." + run: events.Run{FlowJobID: run},
		"spool.runkey.default." + run:   events.Run{FlowJobID: run},
		"spool.paused.run.j." + run:     events.Run{FlowJobID: run},
		"spool.job.j":                   events.JobEvent{Job: events.Job{ID: "j"}},
		"spool.dead.j":                  events.DeadLetter{},
		"spool.verdict.j":               events.Verdict{JobID: "j"},
		"spool.state.role.gateway.1":    events.RoleState{Role: "gateway"},
	} {
		m := nats.NewMsg(subject)
		m.Data = events.Encode(body)
		m.Header.Set("Spool-Form", "99")
		m.Header.Set("ce-id", trigger)
		if _, err := nc.RequestMsg(m, 5*time.Second); err != nil {
			t.Logf("%s: %v", subject, err)
		}
	}
	for what, read := range map[string]func() error{
		"ResultOf":      func() error { _, _, err := bus.ResultOf(ctx, "j", trigger, began); return err },
		"NewestResult":  func() error { _, _, err := bus.NewestResult(ctx, "j", trigger, began); return err },
		"FirstRunEvent": func() error { _, _, err := bus.FirstRunEvent(ctx, run); return err },
		"LastRunEvent":  func() error { _, _, err := bus.LastRunEvent(ctx, "j", run); return err },
		"MarkList":      func() error { _, _, err := bus.MarkList(ctx, list); return err },
		"QueuedTrigger": func() error { _, _, err := bus.QueuedTrigger(ctx, "j", trigger, began); return err },
		"feed of results": func() error {
			return firstOf(t, bus, jet.FeedResults, func(m jet.FeedEntry) error { _, err := m.JSON(); return err })
		},
		"feed of runs": func() error {
			return firstOf(t, bus, jet.FeedRuns, func(m jet.FeedEntry) error { _, _, err := m.RunHead(); return err })
		},
	} {
		err := read()
		newer, named := errors.AsType[*jet.Newer](err)
		fault, coded := errors.AsType[*events.Error](err)
		if !named || newer.Format != 99 || !coded || fault.Code != events.Unavailable {
			t.Errorf("%s: %v", what, err)
		}
	}
	if states, err := bus.JobStates(ctx, "j"); err != nil || states.Watch != nil || states.Retry != nil {
		t.Errorf("states are read: %+v, %v", states, err)
	}
}

// firstOf reads the first message of a feed.
func firstOf(t *testing.T, bus *jet.Bus, f jet.Feed, read func(jet.FeedEntry) error) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_ = bus.FeedAfter(ctx, f, 0, func(m jet.FeedEntry) {
			select {
			case done <- read(m):
			default:
			}
		})
	}()
	return <-done
}

// inProcess is a plain connection to a server of the test.
func inProcess(t *testing.T, srv *eventstest.Server) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}
