package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/services/broker"
)

// streamsCreds are credentials that may do everything, on Spool's own NATS.
func (p *harness) streamsCreds() []byte {
	if p.foreign != "" {
		return nil
	}
	return everything(p)
}

// foreign runs a NATS of one's own with the configuration that spool setup prints, and
// makes the streams in it. Beside Spool's users it lets in one of the test's, who may do
// everything in their account.
func foreign(t *testing.T, p *harness) (keys string) {
	t.Helper()
	keys = filepath.Join(t.TempDir(), "keys")
	conf, err := setUp(t, "--print-permissions", "--keys", keys)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := setUp(t, "--print-permissions", "--keys", keys); err != nil || again != conf {
		t.Fatalf("the second time it prints something else: %v", err)
	}
	kp, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, _ := kp.Seed()
	public, _ := kp.PublicKey()
	p.foreign = filepath.Join(t.TempDir(), "test.creds")
	conf = strings.Replace(conf, "users [\n", "users [\n{nkey: "+public+"}\n", 1)
	file := filepath.Join(t.TempDir(), "nats.conf")
	for _, err := range []error{
		os.WriteFile(p.foreign, seed, 0o600),
		os.WriteFile(filepath.Join(filepath.Dir(file), "spool.conf"), []byte(conf), 0o600),
		os.WriteFile(file, fmt.Appendf(nil, "listen: %q\njetstream {store_dir: %q}\ninclude \"spool.conf\"\n", p.nats, t.TempDir()), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
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
	if !srv.ReadyForConnections(30 * time.Second) {
		t.Fatal("the server does not start")
	}
	out, err := setUp(t, "--nats-url", "nats://"+p.nats, "--nats-creds", filepath.Join(keys, "setup.creds"), "--max-store", "1GiB")
	if err != nil || !strings.Contains(out, "14 streams changed") {
		t.Fatalf("setup: %v\n%s", err, out)
	}
	return keys
}

// On a NATS of one's own, with the accounts that spool setup prints and a guard beside
// it, all roles do all that they know, and nothing is denied.
func TestLongForeignRightsSuffice(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	t.Parallel()
	p := newHarness(t)
	keys := foreign(t, p)
	secret := filepath.Join(t.TempDir(), "runner.secret")
	if err := os.WriteFile(secret, []byte(rand.Text()), 0o600); err != nil {
		t.Fatal(err)
	}
	calls := eventstest.FreeAddress(t)
	all := map[string]*process{}
	role := func(name string, more ...string) {
		all[name] = p.start(append([]string{
			name, "--data", p.data, "--nats-url", "nats://" + p.nats, "--nats-creds", filepath.Join(keys, name+".creds"),
		}, more...)...)
	}
	place := []string{"--drive", testDrive + "=" + p.dir}
	role("guard")
	role("runner", append(place, "--listen", calls, "--runner-secret-file", secret)...)
	role("dispatcher", "--run-binary-url", "http://"+calls+events.RunBinaryPath, "--runner-secret-file", secret, "--retry-waits", "1s")
	role("gateway", append(place, "--listen", p.api)...)
	role("cron")
	role("watcher", place...)
	useEverything(t, p, all)
	nothingDenied(t, all)
}

// The key of one role is refused by another, before anything is started.
func TestForeignKeysAreOfOneRole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := broker.ForeignKeys(dir); err != nil {
		t.Fatal(err)
	}
	if err := ownCreds("cron", filepath.Join(dir, "cron.creds")); err != nil {
		t.Error(err)
	}
	for _, other := range []string{"gateway", "setup", "guard"} {
		if err := ownCreds("cron", filepath.Join(dir, other+".creds")); err == nil || !strings.Contains(err.Error(), "credentials of "+other) {
			t.Errorf("cron with the key of %s: %v", other, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "cron.creds"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := broker.ForeignKeys(dir); err == nil || !strings.Contains(err.Error(), "cron.creds is not the key of cron") {
		t.Errorf("a file that is no key: %v", err)
	}
}
