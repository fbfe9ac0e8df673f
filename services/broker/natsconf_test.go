package broker

import (
	"bytes"
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"spool.internal/services/broker/cluster"
)

// deploy/nats is read by nats-server's own parser, as three servers would read it: same cluster,
// other names, TLS both ways, and every message synced.
func TestDeployedNATSConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca, err := cluster.NewAuthority("test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := ca.Sign(cluster.Machine{Name: "n1", Address: "n1:6222"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("server.pem", cert)
	write("server.key", key)
	write("ca.pem", ca.Certificate)
	users := map[Role]string{}
	for _, role := range ForeignUsers() {
		pair, err := nkeys.CreateUser()
		if err != nil {
			t.Fatal(err)
		}
		if users[role], err = pair.PublicKey(); err != nil {
			t.Fatal(err)
		}
	}
	var accounts bytes.Buffer
	if err := ForeignConfig(&accounts, users); err != nil {
		t.Fatal(err)
	}
	write("spool.conf", accounts.Bytes())
	names := map[string]bool{}
	files, _ := filepath.Glob("../../deploy/nats/*.conf")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		write(filepath.Base(file), []byte(strings.ReplaceAll(string(text), "/etc/nats/", dir+"/")))
	}
	for _, file := range []string{"n1.conf", "n2.conf", "n3.conf"} {
		o, err := server.ProcessConfigFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		names[o.ServerName] = true
		if o.Cluster.Name != "spool" || len(o.Routes) != 3 || o.Cluster.TLSConfig == nil || !o.JetStream || !o.SyncAlways || len(o.Accounts) < len(Roles()) || o.TLSConfig == nil || o.TLSConfig.ClientAuth != tls.RequireAndVerifyClientCert {
			t.Errorf("%s: cluster %q, %d routes, JetStream %v, synced %v, TLS %v", file, o.Cluster.Name, len(o.Routes), o.JetStream, o.SyncAlways, o.TLSConfig != nil)
		}
	}
	if len(names) != 3 {
		t.Errorf("the servers are called %v", names)
	}
}
