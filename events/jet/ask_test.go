package jet_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// acted is a bus on a server of a cluster whose JetStream is played by the test.
func acted(t *testing.T, subject string, answer func(n int32, m *nats.Msg)) *jet.Bus {
	t.Helper()
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: server.RANDOM_PORT},
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(30 * time.Second) {
		t.Fatal("the server does not start")
	}
	nc, err := nats.Connect(srv.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	var n atomic.Int32
	if _, err := nc.Subscribe(subject, func(m *nats.Msg) { answer(n.Add(1), m) }); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	bus, err := jet.Connect(t.Context(), jet.Options{URL: srv.ClientURL(), Name: "test", Log: eventstest.Log(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.NATS().Close)
	return bus
}

// A question whose answer died with a leader is asked again, and so is one that was
// answered by nobody who leads; a commit is given up soon, with an outcome that is unknown.
func TestAnswersThatNeverCome(t *testing.T) {
	t.Parallel()
	nothing := []byte(`{"error":{"code":404,"err_code":10037,"description":"no message found"}}`)
	for what, first := range map[string]func(*nats.Msg){
		"silence": func(*nats.Msg) {},
		"no leader": func(m *nats.Msg) {
			_ = m.Respond([]byte(`{"error":{"code":503,"err_code":10008,"description":"JetStream system temporarily unavailable"}}`))
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			bus := acted(t, "$JS.API.STREAM.MSG.GET.TRIGGERS", func(n int32, m *nats.Msg) {
				if n == 1 {
					first(m)
				} else {
					_ = m.Respond(nothing)
				}
			})
			if _, found, err := bus.NewestTrigger(t.Context(), events.KindManual, "j"); err != nil || found {
				t.Errorf("found %v, %v", found, err)
			}
		})
	}
	t.Run("no leader at all", func(t *testing.T) {
		t.Parallel()
		bus := acted(t, "$JS.API.STREAM.MSG.GET.TRIGGERS", func(_ int32, m *nats.Msg) {
			_ = m.Respond([]byte(`{"error":{"code":500,"err_code":10009,"description":"JetStream cluster can not handle request"}}`))
		})
		if _, _, err := bus.NewestTrigger(t.Context(), events.KindManual, "j"); events.CodeOf(err) != events.Unavailable {
			t.Errorf("it is not said to pass: %v", err)
		}
	})
	t.Run("a commit that is sent again while the first is under way", func(t *testing.T) {
		t.Parallel()
		bus := acted(t, "spool.trigger.>", func(_ int32, m *nats.Msg) {
			_ = m.Respond([]byte(`{"error":{"code":409,"err_code":10158,"description":"duplicate message id is in process"},"stream":"TRIGGERS","seq":0}`))
		})
		_, err := bus.PutTrigger(t.Context(), events.KindManual, events.Trigger{ID: "t", JobID: "j", Kind: events.KindManual})
		if !jet.IsUnknown(err) || events.CodeOf(err) != events.Unavailable {
			t.Errorf("it may be stored in a moment, and is said to be: %v", err)
		}
	})
	t.Run("commit", func(t *testing.T) {
		t.Parallel()
		bus := acted(t, "spool.trigger.>", func(int32, *nats.Msg) {})
		began := time.Now()
		_, err := bus.PutTrigger(t.Context(), events.KindManual, events.Trigger{ID: "t", JobID: "j", Kind: events.KindManual})
		if !jet.IsUnknown(err) || events.CodeOf(err) != events.Unavailable {
			t.Errorf("a commit without an answer: %v", err)
		}
		if took := time.Since(began); took > 9*time.Second { // alone it is 10 s
			t.Errorf("it was given up after %s", took)
		}
	})
}
