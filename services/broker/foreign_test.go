package broker

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// abroad runs a NATS with the configuration of [ForeignConfig] and a guard, and gives its
// URL and the folder with the keys.
func abroad(t *testing.T) (url, keys string) {
	t.Helper()
	keys = t.TempDir()
	public, err := ForeignKeys(keys)
	if err != nil {
		t.Fatal(err)
	}
	var conf strings.Builder
	fmt.Fprintf(&conf, "listen: \"127.0.0.1:-1\"\njetstream {store_dir: %q}\n", t.TempDir())
	if err := ForeignConfig(&conf, public); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(file, []byte(conf.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	opts, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	opts.NoSigs, opts.NoLog = true, true
	srv, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	bus := visit(t, srv.ClientURL(), keys, Setup)
	if err := bus.Ensure(t.Context(), jet.Topology{Store: 1 << 30, Replicas: 1, ResultsPerJob: 10}); err != nil {
		t.Fatal(err)
	}
	if err := StandGuard(visit(t, srv.ClientURL(), keys, Guard).NATS()); err != nil {
		t.Fatal(err)
	}
	return srv.ClientURL(), keys
}

func visit(t *testing.T, url, keys string, role Role) *jet.Bus {
	t.Helper()
	bus, err := jet.Connect(t.Context(), jet.Options{URL: url, Creds: filepath.Join(keys, role.Creds()), Name: string(role), Log: eventstest.Quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.NATS().Close)
	return bus
}

// may says which subjects of the configuration let a subject through.
func may(allowed []string, subject string) bool {
	return slices.ContainsFunc(allowed, func(f string) bool { return within(subject, f) })
}

func publishes(role Role) (all []string) {
	switch role {
	case Setup:
		return setupRights()
	case Guard:
		return guardRights()
	}
	for _, g := range rightsOf(role).gates(role) {
		all = append(all, g.local)
	}
	return all
}

// Each role on each subject that any of them may use, and on those that none may: what it
// may not do is refused by the server.
func TestForeignMatrix(t *testing.T) {
	t.Parallel()
	url, keys := abroad(t)
	subjects := map[string]bool{"$SYS.REQ.SERVER.PING": true, "$JS.API.STREAM.NAMES": true, "$JS.API.ACCOUNT.PURGE.x": true}
	for _, role := range ForeignUsers() {
		for _, s := range publishes(role) {
			subjects[literal(s)] = true
		}
	}
	for _, s := range jet.Streams() {
		for _, op := range []string{"DELETE", "SNAPSHOT", "RESTORE", "PEER.REMOVE", "LEADER.STEPDOWN", "PURGE", "MSG.DELETE", "UPDATE"} {
			subjects["$JS.API.STREAM."+op+"."+s] = true
		}
		subjects["$JS.API.CONSUMER.DURABLE.CREATE."+s+".x"] = true
		subjects["$JS.API.CONSUMER.CREATE."+s] = true
	}
	allowed, refused := 0, 0
	for _, role := range ForeignUsers() {
		var mu sync.Mutex
		denied := map[string]bool{}
		nc := visit(t, url, keys, role).NATS()
		nc.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			_, rest, _ := strings.Cut(err.Error(), `"`)
			subject, _, _ := strings.Cut(rest, `"`)
			mu.Lock()
			defer mu.Unlock()
			denied[subject] = true
		})
		rights := publishes(role)
		wanted := 0
		for s := range subjects {
			if !may(rights, s) {
				wanted++
			}
			if err := nc.PublishRequest(s, inboxOf(role)[:len(inboxOf(role))-1]+"x", nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			mu.Lock()
			n := len(denied)
			mu.Unlock()
			if n >= wanted {
				break
			}
		}
		mu.Lock()
		for s := range subjects {
			if may(rights, s) == denied[s] {
				t.Errorf("%s on %s: allowed %v, refused %v", role, s, may(rights, s), denied[s])
			}
			if denied[s] {
				refused++
			} else {
				allowed++
			}
		}
		mu.Unlock()
	}
	t.Logf("%d checks: %d allowed, %d refused", allowed+refused, allowed, refused)
}

// The server does not ask whether somebody may publish to the subject that a request names
// for its answer. It publishes the answer in the account of who asks, where no stream is;
// and what could push goes to the guard.
func TestForeignRepliesLeadNowhere(t *testing.T) {
	t.Parallel()
	url, keys := abroad(t)
	home := visit(t, url, keys, Setup)
	watcher := visit(t, url, keys, Watcher).NATS()
	js, err := jetstream.New(watcher)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "spool.file.j.f", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	for _, victim := range []string{"$KV.TOKENS.x", "spool.clock", "spool.trigger.manual.j", "$JS.API.STREAM.PURGE.FILES", "spool.job.j"} {
		for subject, body := range map[string]string{"$JS.API.DIRECT.GET.FILES": `{"last_by_subj":"spool.file.j.f"}`, "spool.file.j.other": "{}"} {
			if err := watcher.PublishRequest(subject, victim, []byte(body)); err != nil {
				t.Fatal(err)
			}
		}
	}
	push := `{"stream_name":"RUN_EVENTS","config":{"name":"watcher-push","deliver_subject":"spool.clock","ack_policy":"none","deliver_policy":"all"}}`
	answer, err := watcher.Request("$JS.API.CONSUMER.CREATE.RUN_EVENTS.watcher-push", []byte(push), 30*time.Second)
	if err != nil || !strings.Contains(string(answer.Data), "a consumer that pushes") {
		t.Errorf("a consumer that pushes: %v, %v", answer, err)
	}
	answer, err = watcher.Request("$JS.API.STREAM.PURGE.FILES", []byte(`{}`), 30*time.Second)
	if err != nil || !strings.Contains(string(answer.Data), "not allowed to purge") {
		t.Errorf("a purge of everything: %v, %v", answer, err)
	}
	states, faults := home.StreamStates(t.Context())
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for _, s := range states {
		if want := map[string]uint64{"FILES": 2}[s.Name]; s.Messages != want {
			t.Errorf("%s holds %d messages, want %d", s.Name, s.Messages, want)
		}
	}
}

// The permissions that were traced from the use of every role, and tried, on three servers
// are among the rights of the roles; what differs is said here.
func TestRightsHoldWhatWasTried(t *testing.T) {
	text, err := os.ReadFile("testdata/roles.json")
	if err != nil {
		t.Fatal(err)
	}
	var tried map[Role]struct{ Pub, Sub []string }
	if err := json.Unmarshal(text, &tried); err != nil {
		t.Fatal(err)
	}
	for _, role := range slices.Sorted(maps.Keys(tried)) {
		rights := publishes(role)
		for _, s := range tried[role].Pub {
			if strings.HasPrefix(s, "$JS.ACK.*.*.") {
				continue // acks with a domain, and the accounts have none
			}
			if !may(rights, s) {
				t.Errorf("%s may not publish %s, which was tried", role, s)
			}
		}
	}
}
