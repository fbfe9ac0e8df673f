package broker

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

func start(t *testing.T, dir, listen string) *Broker {
	t.Helper()
	b, err := Start(t.Context(), Config{
		DataDir: dir, Listen: listen, Durability: Fsync, MaxStore: 1 << 30, ResultsPerJob: 1000, Log: eventstest.Log(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	return b
}

func TestStoreAndCredentialsOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	b := start(t, dir, "")
	bus, err := b.Connect(t.Context(), "gateway")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bus.PutJob(t.Context(), events.JobEvent{Event: events.JobCreated, Job: events.Job{ID: "j"}}, 0); err != nil {
		t.Fatal(err)
	}
	if err := bus.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, SubscriberCreds))
	if err != nil {
		t.Fatal(err)
	}
	b = start(t, dir, "")
	if bus, err = b.Connect(t.Context(), "gateway"); err != nil {
		t.Fatal(err)
	}
	defer bus.Close(context.Background()) //nolint:errcheck // the test ends
	if _, err := bus.Job(t.Context(), "j"); err != nil {
		t.Errorf("the job after a restart: %v", err)
	}
	after, _ := os.ReadFile(filepath.Join(dir, SubscriberCreds))
	if string(before) != string(after) {
		t.Error("a restart made other credentials: running subscribers would be locked out")
	}
	for _, name := range []string{ServiceCreds, SubscriberCreds, "nats/keys.json"} {
		if fi, err := os.Stat(filepath.Join(dir, name)); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, fi, err)
		}
	}
}

func TestWhatASubscriberMay(t *testing.T) {
	dir := t.TempDir()
	b := start(t, dir, "127.0.0.1:0")
	url := "nats://" + b.Addr()
	if nc, err := nats.Connect(url); err == nil {
		nc.Close()
		t.Error("a client without credentials was let in")
	}
	bus, err := b.Connect(t.Context(), "runner")
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close(context.Background()) //nolint:errcheck // the test ends
	ended := events.RunEvent{Phase: events.Ended, JobID: "j", FlowJobID: "f", At: time.Now()}
	if err := bus.PutRunEvent(t.Context(), ended, 0); err != nil {
		t.Fatal(err)
	}

	denied := make(chan error, 16)
	nc, err := nats.Connect(url, nats.UserCredentials(filepath.Join(dir, SubscriberCreds)), nats.CustomInboxPrefix("_INBOX.subscriber"),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { denied <- err }))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	cons, err := js.CreateOrUpdateConsumer(t.Context(), events.StreamRunEvents, jetstream.ConsumerConfig{
		Durable: "mine", FilterSubject: events.RunsOf(events.Ended, "j"),
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := cons.Next()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.DoubleAck(t.Context()); err != nil {
		t.Errorf("ack: %v", err)
	}
	for name, try := range map[string]func(){
		"publish a trigger":     func() { _ = nc.Publish(events.TriggerSubject(events.KindManual, "j"), nil) },
		"publish a run event":   func() { _ = nc.Publish(events.RunSubject(events.Ended, "j", "x"), nil) },
		"consume triggers":      func() { _ = nc.PublishRequest("$JS.API.CONSUMER.CREATE.TRIGGERS.x", "_INBOX.subscriber.x", nil) },
		"delete a stream":       func() { _ = nc.PublishRequest("$JS.API.STREAM.DELETE.RESULTS", "_INBOX.subscriber.x", nil) },
		"purge a stream":        func() { _ = nc.PublishRequest("$JS.API.STREAM.PURGE.RESULTS", "_INBOX.subscriber.x", nil) },
		"read tokens":           func() { _ = nc.PublishRequest("$JS.API.DIRECT.GET.KV_TOKENS", "_INBOX.subscriber.x", nil) },
		"listen to everything":  func() { _, _ = nc.SubscribeSync(">") },
		"listen to other boxes": func() { _, _ = nc.SubscribeSync("_INBOX.gateway.>") },
	} {
		try()
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-denied:
		case <-time.After(5 * time.Second):
			t.Errorf("%s: not denied", name)
		}
	}
}

func TestFaultsOfAStart(t *testing.T) {
	dir := t.TempDir()
	release, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(dir); err == nil {
		t.Error("two processes hold the same data folder")
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	if release, err = Lock(dir); err != nil {
		t.Errorf("the lock outlived its holder: %v", err)
	} else if err := release(); err != nil {
		t.Error(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, cfg := range map[string]Config{
		"a port in use":      {DataDir: dir, Listen: l.Addr().String(), Durability: Fsync, ResultsPerJob: 1000},
		"an unknown mode":    {DataDir: dir, Durability: "sometimes", ResultsPerJob: 1000},
		"a file as folder":   {DataDir: filepath.Join(dir, "lock"), Durability: Fsync, ResultsPerJob: 1000},
		"too small a store":  {DataDir: dir, Durability: Fsync, MaxStore: 1, ResultsPerJob: 1000},
		"too few results":    {DataDir: dir, Durability: Fsync, ResultsPerJob: 1},
		"an address without": {DataDir: dir, Durability: Fsync, Listen: "localhost", ResultsPerJob: 1000},
	} {
		cfg.Log = eventstest.Log(t)
		if b, err := Start(t.Context(), cfg); err == nil {
			t.Errorf("%s: started", name)
			_ = b.Close(t.Context())
		}
	}
}
