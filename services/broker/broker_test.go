package broker

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

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
	t.Parallel()
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
	before, err := os.ReadFile(filepath.Join(dir, Cron.Creds()))
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
	after, _ := os.ReadFile(filepath.Join(dir, Cron.Creds()))
	if string(before) != string(after) {
		t.Error("a restart made other credentials: running roles would be locked out")
	}
	for _, name := range []string{Cron.Creds(), Gateway.Creds(), "nats/keys.json"} {
		if fi, err := os.Stat(filepath.Join(dir, name)); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, fi, err)
		}
	}
}

func TestFaultsOfAStart(t *testing.T) {
	t.Parallel()
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
