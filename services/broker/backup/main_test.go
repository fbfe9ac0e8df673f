package backup

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/services/broker"
)

func TestMain(m *testing.M) { os.Exit(eventstest.Main(m)) }

// machine is a data folder with a running broker.
type machine struct {
	dir string
	b   *broker.Broker
	bus *jet.Bus
	nc  *nats.Conn
}

func newMachine(t testing.TB, dir string) *machine {
	t.Helper()
	b, err := broker.Start(t.Context(), broker.Config{DataDir: dir, Durability: broker.Interval, MaxStore: 1 << 30, ResultsPerJob: 1000, Log: eventstest.Quiet()})
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{dir: dir, b: b}
	t.Cleanup(func() { m.stop(t) })
	if m.bus, err = b.Connect(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	admin, err := broker.Control(t.Context(), dir, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	m.nc = admin.NATS()
	return m
}

func (m *machine) stop(t testing.TB) {
	if m.b == nil {
		return
	}
	ctx := context.WithoutCancel(t.Context())
	if err := m.bus.Close(ctx); err != nil {
		t.Error(err)
	}
	if err := m.b.Close(ctx); err != nil {
		t.Error(err)
	}
	m.b = nil
}

// furnish stores something of each kind.
func (m *machine) furnish(t testing.TB) {
	t.Helper()
	ctx, now := t.Context(), time.Now().UTC()
	_, text := events.NewToken("admin", events.Admin, now)
	put(t, filepath.Join(m.dir, "admin.token"), text+"\n")
	if _, err := m.bus.OpenSealKey(ctx, filepath.Join(m.dir, "seal.key")); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		id := fmt.Sprintf("job-%d", i)
		if _, err := m.bus.PutJob(ctx, events.JobEvent{Event: events.JobCreated, Job: events.Job{ID: id}}, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := m.bus.PutTrigger(ctx, events.KindManual, events.Trigger{ID: "manual:" + id, JobID: id}); err != nil {
			t.Fatal(err)
		}
		if err := m.bus.PutResult(ctx, events.Result{JobID: id, TriggerID: "t", TriggeredAt: now}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.bus.CommitFiles(ctx, []events.Trigger{{ID: "file:1", JobID: "job-1", File: &events.File{Path: "a", Fingerprint: "f1"}}}); err != nil {
		t.Fatal(err)
	}
	if err := m.bus.PutDead(ctx, events.Trigger{ID: "dead:1", JobID: "job-1"}, events.Result{JobID: "job-1", TriggerID: "dead:1", TriggeredAt: now}); err != nil {
		t.Fatal(err)
	}
	for _, role := range []events.Role{events.Admin, events.Operator} {
		token, _ := events.NewToken("ann", role, now)
		if err := m.bus.PutToken(ctx, token); err != nil {
			t.Fatal(err)
		}
	}
	session, _ := events.NewToken("ann", events.Operator, now)
	session.Kind, session.Expires = events.SessionToken, now.Add(time.Hour)
	if err := m.bus.PutToken(ctx, session); err != nil {
		t.Fatal(err)
	}
	gone, _ := events.NewToken("bob", events.Operator, now)
	if err := m.bus.PutToken(ctx, gone); err != nil {
		t.Fatal(err)
	}
	if _, err := m.bus.DropToken(ctx, gone); err != nil {
		t.Fatal(err)
	}
	if _, err := m.bus.PutSubscriber(ctx, events.Subscriber{Name: "shop", Stream: "RUN_EVENTS", Created: now}, 0); err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// take makes a backup in memory.
func take(t testing.TB, nc *nats.Conn, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := Take(t.Context(), nc, &b, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func checkOf(t testing.TB, text []byte) *Checked {
	t.Helper()
	c, err := Check(bytes.NewReader(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// streamConfig is that of a stream without limits.
var streamConfig = server.StreamConfig{Name: "S"}
