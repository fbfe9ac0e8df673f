package cluster

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func made(t *testing.T, args ...string) *Folder {
	t.Helper()
	machines, err := ParseMachines(args)
	if err != nil {
		t.Fatal(err)
	}
	secrets := Secrets{}
	for _, name := range []string{Keys, SealKey, AdminToken, WebhookSecret, RunnerSecret} {
		secrets[name] = []byte(name)
	}
	dir := filepath.Join(t.TempDir(), "prod.bundle")
	if err := Init(dir, "prod", machines, secrets, false); err != nil {
		t.Fatal(err)
	}
	if err := Init(dir, "prod", machines, secrets, false); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("a second one in its place: %v", err)
	}
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The machines of a cluster know each other, and nobody else; no bundle holds the key that signs.
func TestInit(t *testing.T) {
	f, foreign := made(t, "m1=127.0.0.1", "m2=127.0.0.1:7000", "m3=[::1]:7001"), made(t, "m1=127.0.0.1", "m2=127.0.0.1:7000", "m3=127.0.0.1:7001")
	if diff := cmp.Diff([]Machine{{"m1", "127.0.0.1:6222"}, {"m2", "127.0.0.1:7000"}, {"m3", "[::1]:7001"}}, f.Of().Machines); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(filepath.Join(f.Dir, CAKey)); err != nil {
		t.Error(err)
	}
	for _, b := range f.Bundles {
		if _, err := os.Stat(b.Path(CAKey)); err == nil {
			t.Errorf("%s has the key that signs certificates", b.Machine)
		}
	}
	for name, c := range map[string]struct {
		a, b  *Bundle
		works bool
	}{
		"two machines":     {f.Bundles[0], f.Bundles[1], true},
		"of two clusters":  {f.Bundles[0], foreign.Bundles[0], false},
		"the other way on": {f.Bundles[1], f.Bundles[0], true},
	} {
		if err := meet(t, c.a, c.b); (err == nil) != c.works {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// meet has one machine listen as another connects.
func meet(t *testing.T, a, b *Bundle) error {
	t.Helper()
	server, err1 := a.TLS()
	client, err2 := b.TLS()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	client.ServerName = "127.0.0.1"
	x, y := net.Pipe()
	defer x.Close()
	defer y.Close()
	served := make(chan error, 1)
	go func() {
		err := tls.Server(x, server).HandshakeContext(t.Context())
		x.Close()
		served <- err
	}()
	err := tls.Client(y, client).HandshakeContext(t.Context())
	y.Close()
	if err != nil {
		<-served
		return err
	}
	return <-served
}

// A change names the machines in every bundle; certificates stay, but those of new machines, of new
// addresses and of a renewal.
func TestChange(t *testing.T) {
	f := made(t, "m1=127.0.0.1", "m2=127.0.0.1:7000", "m3=127.0.0.1:7001")
	change := func(renew bool, args ...string) *Folder {
		t.Helper()
		machines, err := ParseMachines(args)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Change(machines, renew); err != nil {
			t.Fatal(err)
		}
		after, err := Open(f.Dir)
		if err != nil {
			t.Fatal(err)
		}
		return after
	}
	same := func(a, b *Bundle) bool { return string(a.Text(Certificate)) == string(b.Text(Certificate)) }
	after := change(false, "m1=127.0.0.1", "m2=127.0.0.1:7009", "m4=127.0.0.1:7002")
	if got := []string{after.Bundles[0].Machine, after.Bundles[1].Machine, after.Bundles[2].Machine}; !cmp.Equal(got, []string{"m1", "m2", "m4"}) {
		t.Fatal(got)
	}
	for _, b := range after.Bundles {
		if diff := cmp.Diff([]string{"m1", "m2", "m4"}, b.Names()); diff != "" || string(b.Text(SealKey)) != SealKey || b.ID != f.Bundles[0].ID {
			t.Errorf("%s: %s %q %s", b.Machine, diff, b.Text(SealKey), b.ID)
		}
	}
	if !same(f.Bundles[0], after.Bundles[0]) || same(f.Bundles[1], after.Bundles[1]) {
		t.Error("m1 keeps its certificate, and m2 gets one for its new address")
	}
	if err := meet(t, after.Bundles[0], after.Bundles[2]); err != nil {
		t.Errorf("the new machine: %v", err)
	}
	f = after
	if after = change(true, "m1=127.0.0.1", "m2=127.0.0.1:7009", "m4=127.0.0.1:7002"); same(f.Bundles[0], after.Bundles[0]) {
		t.Error("not renewed")
	}
}
