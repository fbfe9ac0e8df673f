package jet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// barred connects to a server of the test's as a user who may do some things only.
func barred(t *testing.T, allow ...string) *jet.Bus {
	t.Helper()
	opts := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true}
	opts.Users = []*server.User{
		{Username: "all", Password: "x"},
		{Username: "some", Password: "x", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Allow: allow}, Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
		}},
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	connect := func(user string) *jet.Bus {
		bus, err := jet.Connect(t.Context(), jet.Options{
			URL: "nats://" + user + ":x@" + srv.Addr().String(), Name: "test", Log: eventstest.Log(t), Needs: jet.Needs{Writes: []string{"JOBS"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(bus.NATS().Close)
		return bus
	}
	if err := connect("all").Ensure(t.Context(), jet.Topology{Store: 1 << 30, Replicas: 1, ResultsPerJob: 10}); err != nil {
		t.Fatal(err)
	}
	return connect("some")
}

// What is not allowed ends the request that waits for it at once, in its own words, and
// readiness says the same: a question by each way of asking, a commit, and a batch.
func TestDenials(t *testing.T) {
	t.Parallel()
	bus := barred(t, "$JS.API.STREAM.INFO.*", "spool.state.>")
	message := func(subject string) jet.Message { return jet.Message{Subject: subject, Data: []byte("{}")} }
	for what, c := range map[string]struct {
		does   string
		asking func() error
	}{
		"a commit": {"publish spool.clock", func() error { _, err := bus.Commit(t.Context(), "TRIGGERS", message("spool.clock")); return err }},
		"a batch of which one is denied": {"publish spool.jobkey.x", func() error {
			_, err := bus.Commit(t.Context(), "JOBS", message("spool.jobkey.x"), message("spool.job.x"))
			return err
		}},
		"the last message": {"publish $JS.API.STREAM.MSG.GET.RESULTS", func() error { _, _, err := bus.Results("j").Last(t.Context()); return err }},
		"many messages":    {"publish $JS.API.DIRECT.GET.RESULTS", func() error { _, err := bus.Results("j").All(t.Context()); return err }},
		"messages by their sequences": {"publish $JS.API.DIRECT.GET.RESULTS", func() error {
			return bus.ResultsAt(t.Context(), []uint64{1, 2}, func(int, jet.Entry[events.Result]) {})
		}},
		"a consumer": {"publish $JS.API.CONSUMER.CREATE.RUNS", func() error {
			return bus.Open(t.Context(), jet.RawQueue("RUNS", jet.AllRunQueue, jet.Queue{Name: "q", Pending: 10}))
		}},
		"a purge":    {"publish $JS.API.STREAM.PURGE.TRIGGERS", func() error { return bus.ReleaseCall(t.Context(), events.Trigger{JobID: "j", ID: "t"}) }},
		"a drop":     {"publish $JS.API.STREAM.MSG.DELETE.FILES", func() error { return bus.DropFileRecords(t.Context(), []uint64{1}) }},
		"the broker": {"publish spool.api.subscriber.create", func() error { _, err := bus.MakeSubscriber(t.Context(), events.Subscriber{Name: "x"}); return err }},
	} {
		began := time.Now()
		err := c.asking()
		if err == nil || !strings.Contains(err.Error(), "not allowed to "+c.does) || events.CodeOf(err) != events.Unavailable {
			t.Errorf("%s: %v", what, err)
		}
		if took := time.Since(began); took > 4*time.Second { // the shortest wait for silence is 5 s
			t.Errorf("%s: answered after %s", what, took)
		}
	}
	if _, err := bus.Commit(t.Context(), "STATE", message("spool.state.watch.x")); err != nil {
		t.Errorf("what is allowed: %v", err)
	}
	if err := bus.Check(); err == nil || !strings.Contains(err.Error(), "not allowed to publish") || !strings.Contains(err.Error(), "more: --nats-creds are of another role") {
		t.Errorf("readiness: %v", err)
	}
}
