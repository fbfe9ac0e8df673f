// Package machine reads what a process can see of its machine: room on disks, limits of the
// kernel and how much of them is taken, the time zone database, certificates. What cannot be
// seen on a system is zero. It judges nothing: package events/system does.
package machine

import (
	"bufio"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/reserve"
)

// patience is how long a disk may take to answer: one of a server that is away never does.
const patience = 2 * time.Second

// Disk tells how much room a folder has, or the nearest above it that is there.
func Disk(name, dir string, kept int64) events.DiskState {
	d := events.DiskState{Name: name, Path: dir, Reserve: kept}
	type room struct {
		free, total int64
		err         error
	}
	answer := make(chan room, 1)
	go func() {
		at := dir
		for {
			if _, err := os.Stat(at); err == nil || at == filepath.Dir(at) {
				break
			}
			at = filepath.Dir(at)
		}
		var r room
		r.free, r.total, r.err = reserve.Room(at)
		answer <- r
	}()
	select {
	case r := <-answer:
		if d.Free, d.Total = r.free, r.total; r.err != nil {
			d.Error = r.err.Error()
		}
	case <-time.After(patience):
		d.Error = "does not answer"
	}
	return d
}

// zoneFolders are where Go looks for the time zone database of a host, in its order.
var zoneFolders = []string{"/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo"}

// TZData names the time zone database that this process reads: that of the host, or the
// one in the program.
func TZData() string {
	folders := zoneFolders
	if own := os.Getenv("ZONEINFO"); own != "" {
		folders = append([]string{own}, folders...)
	}
	for _, dir := range folders {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "UTC")); err != nil {
			continue
		}
		if v := zoneVersion(dir); v != "" {
			return "tzdata " + v + " of the host"
		}
		return "the tzdata of the host, of unknown version"
	}
	return "the tzdata in the program (" + runtime.Version() + ")"
}

// zoneVersion reads the version that a database names.
func zoneVersion(dir string) string {
	if text, err := os.ReadFile(filepath.Join(dir, "+VERSION")); err == nil {
		return strings.TrimSpace(string(text))
	}
	f, err := os.Open(filepath.Join(dir, "tzdata.zi"))
	if err != nil {
		return ""
	}
	defer f.Close()
	line, _ := bufio.NewReader(f).ReadString('\n')
	version, ok := strings.CutPrefix(line, "# version ")
	if !ok {
		return ""
	}
	return strings.TrimSpace(version)
}

// CertificateEnds tells when the first certificate of a PEM file expires.
func CertificateEnds(file string) (time.Time, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return time.Time{}, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return time.Time{}, errors.New(file + " holds no certificate, as PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s: %w", file, err)
	}
	return cert.NotAfter, nil
}

// smallestStep is from when on a clock that moved otherwise than time passes was set.
const smallestStep = time.Second

// Step tells by how much the clock was set between two readings of this process; 0 = not.
// A time that the machine slept looks the same.
func Step(before, now time.Time) time.Duration {
	by := now.Round(0).Sub(before.Round(0)) - now.Sub(before) // by the clock, and by what no one sets
	if by.Abs() < smallestStep {
		return 0
	}
	return by
}
