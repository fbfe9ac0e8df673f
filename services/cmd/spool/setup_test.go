package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// foreignNATS runs a NATS that knows nothing of Spool until the test ends.
func foreignNATS(t *testing.T, o *server.Options) *server.Server {
	t.Helper()
	o.Host, o.Port, o.JetStream, o.StoreDir, o.NoSigs, o.NoLog = "127.0.0.1", server.RANDOM_PORT, true, t.TempDir(), true, true
	srv, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	return srv
}

// setUp runs spool setup and gives what it prints.
func setUp(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := setupCommand()
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// spool setup makes the streams, says what changes before it does it, and changes nothing
// that is as it should be.
func TestSetup(t *testing.T) {
	t.Parallel()
	url := foreignNATS(t, &server.Options{}).ClientURL()
	run := func(want string, args ...string) string {
		t.Helper()
		out, err := setUp(t, append([]string{"--nats-url", url}, args...)...)
		if err != nil || !strings.Contains(out, want) {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return out
	}
	for range 2 { // the first has done nothing
		run("14 streams to be changed; nothing was done", "--dry-run", "--max-store", "1GiB")
	}
	out := run("14 streams changed; all have a leader", "--max-store", "1GiB")
	for _, want := range []string{"+ KV_TOKENS\n", "    + num_replicas: 1\n", `"$KV.TOKENS.>"`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	run("0 streams changed", "--max-store", "1GiB")
	if out := run("14 streams", "--results-per-job", "7", "--max-store", "2GiB", "--dry-run"); !strings.Contains(out, "    ~ max_msgs_per_subject: 1000 -> 7\n") {
		t.Error(out)
	}
	if _, err := setUp(t, "--nats-url", url, "--replicas", "3"); err == nil || !strings.Contains(err.Error(), "JOBS") {
		t.Errorf("three replicas on one server: %v", err)
	}
	s := &setup{replicas: 1, maxStore: 1 << 30, results: 1000, wait: 60e9}
	s.nats.url = url
	if err := s.run(context.Background(), &bytes.Buffer{}, slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
}

// Each wrong flag of spool setup is named.
func TestSetupFlags(t *testing.T) {
	t.Parallel()
	_, err := setUp(t, "--replicas", "2", "--results-per-job", "0", "--wait", "0s", "--nats-cert", "absent.pem", "--nats-url", "http://x")
	for _, want := range []string{"replicas:", "results-per-job:", "wait:", "nats-key:", "nats-url:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}
