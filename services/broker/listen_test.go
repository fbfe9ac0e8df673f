package broker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// selfSigned writes a certificate for 127.0.0.1 and its key.
func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "spool test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", private)
}

func TestListenerWithTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := selfSigned(t)
	b, err := Start(t.Context(), Config{
		DataDir: dir, Listen: "127.0.0.1:0", TLSCert: cert, TLSKey: key, Durability: Fsync, MaxStore: 1 << 30, ResultsPerJob: 1000, Log: eventstest.Log(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(t.Context()) //nolint:errcheck // the test ends
	inside, err := b.Connect(t.Context(), "cron")
	if err != nil {
		t.Fatalf("a service in the process: %v", err)
	}
	defer inside.Close(t.Context()) //nolint:errcheck // the test ends
	o := jet.Options{URL: "tls://" + b.Addr(), Creds: filepath.Join(dir, Cron.Creds()), CA: cert, Name: "cron", Log: eventstest.Log(t)}
	bus, err := jet.Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close(t.Context()) //nolint:errcheck // the test ends
	if _, _, err := bus.Clock(t.Context()); err != nil {
		t.Error(err)
	}
	if nc, err := nats.Connect("nats://"+b.Addr(), nats.UserCredentials(o.Creds)); err == nil {
		nc.Close()
		t.Error("a client that does not trust the certificate was let in")
	}
	o.CA = ""
	if bus, err := jet.Connect(t.Context(), o); err == nil {
		_ = bus.Close(t.Context())
		t.Error("a certificate that nobody signed was trusted")
	}
}

func TestListenerInClear(t *testing.T) {
	t.Parallel()
	for addr, refused := range map[string]bool{
		"127.0.0.1:0": false, "localhost:0": false, "127.8.9.1:0": false, "0.0.0.0:0": true, "[::]:0": true, ":0": true,
	} {
		cfg := Config{DataDir: t.TempDir(), Listen: addr, Durability: Fsync, MaxStore: 1 << 30, ResultsPerJob: 1000, Log: eventstest.Log(t)}
		b, err := Start(t.Context(), cfg)
		if err == nil {
			_ = b.Close(t.Context())
		}
		if refused != (err != nil && strings.Contains(err.Error(), "--nats-tls-cert") && strings.Contains(err.Error(), "--nats-insecure")) {
			t.Errorf("%s: %v", addr, err)
		}
	}
	cfg := Config{DataDir: t.TempDir(), Listen: "0.0.0.0:0", Insecure: true, Durability: Fsync, MaxStore: 1 << 30, ResultsPerJob: 1000, Log: eventstest.Log(t)}
	b, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatalf("--nats-insecure: %v", err)
	}
	_ = b.Close(t.Context())
	cfg.TLSCert = "one without the other"
	if b, err := Start(t.Context(), cfg); err == nil {
		_ = b.Close(t.Context())
		t.Error("a certificate without a key: started")
	}
}

// Credentials of the version that had one file for everything end with the first
// start of this one, and the store goes on.
func TestFormerCredentialsEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, dir, "")
	fill(t, b)
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	old, err := loadKeys(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	creds, err := userOf(old.Account, "", "service", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	// What such a version left behind.
	if err := os.WriteFile(filepath.Join(dir, "service.creds"), creds, 0o600); err != nil {
		t.Fatal(err)
	}
	text := `{"operator":"` + old.Operator + `","system":"` + old.System + `","account":"` + old.Account + `"}`
	if err := os.WriteFile(filepath.Join(dir, "nats", "keys.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2100 * time.Millisecond) // to the second is when a credential was made
	b = start(t, dir, "127.0.0.1:0")
	if nc, err := nats.Connect("nats://"+b.Addr(), nats.UserCredentialBytes(creds)); err == nil {
		nc.Close()
		t.Error("credentials for everything still hold")
	}
	if _, err := os.Stat(filepath.Join(dir, "service.creds")); err == nil {
		t.Error("service.creds is still there")
	}
	if streamsAt(t, b)[jet.TokenKey("good")] != 1 {
		t.Error("the store is another")
	}
	join(t, b, dir, Gateway)
}
