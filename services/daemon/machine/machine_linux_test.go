package machine_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"spool.internal/services/daemon/machine"
)

func TestInotify(t *testing.T) {
	watches, instances := machine.Inotify("self")
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for _, dir := range []string{t.TempDir(), t.TempDir()} {
		if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_CREATE); err != nil {
			t.Fatal(err)
		}
	}
	after, more := machine.Inotify("self")
	if after.Used != watches.Used+2 || more.Used != instances.Used+1 || after.Limit <= 0 || more.Limit <= 0 {
		t.Errorf("before %+v %+v, then %+v %+v", watches, instances, after, more)
	}
	if all, _ := machine.InotifyOfUser(); all.Used < after.Used || all.Limit != after.Limit {
		t.Errorf("of this user: %+v, of this process %+v", all, after)
	}
}

func TestDescriptors(t *testing.T) {
	before := machine.Descriptors("self")
	f, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if after := machine.Descriptors("self"); after.Used < before.Used+1 || after.Limit != before.Limit || after.Limit == 0 {
		t.Errorf("before %+v, then %+v", before, after)
	}
}

func TestDisk(t *testing.T) {
	dir := t.TempDir()
	d := machine.Disk("store", filepath.Join(dir, "not", "there", "yet"), 7)
	if d.Error != "" || d.Free <= 0 || d.Total < d.Free || d.Reserve != 7 {
		t.Errorf("%+v", d)
	}
}

func TestTZData(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("ZONEINFO", dir)
	write("UTC", "")
	if got := machine.TZData(); !strings.Contains(got, "unknown version") {
		t.Errorf("without a version: %s", got)
	}
	write("tzdata.zi", "# version 2031c\nR x\n")
	if got := machine.TZData(); got != "tzdata 2031c of the host" {
		t.Errorf("with tzdata.zi: %s", got)
	}
	write("+VERSION", "2032a\n")
	if got := machine.TZData(); got != "tzdata 2032a of the host" {
		t.Errorf("with +VERSION: %s", got)
	}
}

func TestStep(t *testing.T) {
	now := time.Now()
	if by := machine.Step(now, now.Add(time.Hour)); by != 0 {
		t.Errorf("an hour that passes is a step of %s", by)
	}
	// One that is read from elsewhere has no monotonic part: the wall is all there is.
	if by := machine.Step(now.Round(0), now.Round(0).Add(time.Hour)); by != 0 {
		t.Errorf("without a monotonic clock: %s", by)
	}
}

func TestCertificateEnds(t *testing.T) {
	ends := time.Date(2031, 5, 6, 0, 0, 0, 0, time.UTC)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: ends}, &x509.Certificate{SerialNumber: big.NewInt(1)}, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := machine.CertificateEnds(file); err != nil || !got.Equal(ends) {
		t.Errorf("ends %s, %v", got, err)
	}
	for _, bad := range []string{filepath.Join(t.TempDir(), "none"), os.Args[0]} {
		if _, err := machine.CertificateEnds(bad); err == nil {
			t.Errorf("%s is a certificate", bad)
		}
	}
}

// What the kernel says of the clock can be read, whatever it says.
func TestSynchronized(t *testing.T) {
	known, is, within := machine.Synchronized()
	t.Logf("known %t, synchronized %t, within %s", known, is, within)
	if is && !known || within < 0 {
		t.Errorf("known %t, synchronized %t, within %s", known, is, within)
	}
}
