package jet_test

import (
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
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
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
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
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
