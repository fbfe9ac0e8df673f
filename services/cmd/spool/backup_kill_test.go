package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events/eventstest"
	"spool.internal/services/broker"
)

// A backup and a restore are killed in their middle, at several sizes of what they have written. There is
// no backup then, and what lies there in its place is refused; no half store starts, and the restore begins
// again; the source goes on, and the file is as it was.
func TestChaosKilledBackup(t *testing.T) {
	if os.Getenv("SPOOL_CHAOS") == "" {
		t.Skip("make chaos runs it")
	}
	p := newHarness(t)
	server := p.serve()
	fillResults(p, 1500)
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole.backup")
	if said, err := exec.Command(binary, "backup", "--data", p.data, "-o", whole).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	before, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	killed := killedBackups(t, p, int64(len(before)))
	backupOfKilled(t, p, server, int64(len(before)))
	killed += killedRestores(t, p, whole)
	if killed < 2 {
		t.Errorf("%d of 6 were killed in their middle", killed)
	}
	after, err := os.ReadFile(whole)
	if err != nil || string(after) != string(before) {
		t.Error("the backup has changed", err)
	}
	if status, body := p.exchangeQuietly("http://" + p.api + "/readyz"); status != 200 {
		t.Errorf("the source is not ready: %d %s", status, body)
	}
	t.Logf("%d killed, backup of %d bytes", killed, len(before))
}

// killedBackups kills backups, and returns how many had not ended.
func killedBackups(t *testing.T, p *harness, size int64) (killed int) {
	t.Helper()
	for _, part := range []int64{0, 4, 8} {
		at := t.TempDir()
		file := filepath.Join(at, "cut.backup")
		if !killedAt(t, at, size*part/10, "backup", "--data", p.data, "-o", file) {
			continue
		}
		if _, err := os.Stat(file); err == nil {
			continue // it gets its name last
		}
		killed++
		left, _ := filepath.Glob(filepath.Join(at, "*"))
		hidden, _ := filepath.Glob(filepath.Join(at, ".*"))
		for _, name := range append(left, hidden...) {
			said, err := exec.Command(binary, "restore", name, "--data", filepath.Join(at, "target"), "--bundle", p.data).CombinedOutput()
			if err == nil || !strings.Contains(string(said), "nothing was changed") {
				t.Errorf("what a killed backup leaves is restored: %v: %s", err, said)
			}
		}
	}
	return killed
}

// backupOfKilled kills the server that a backup is made of.
func backupOfKilled(t *testing.T, p *harness, server *process, size int64) {
	t.Helper()
	at := t.TempDir()
	cmd := exec.Command(binary, "backup", "--data", p.data, "-o", filepath.Join(at, "cut.backup"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	untilHeld(t, cmd, at, size/3)
	server.kill()
	if err := cmd.Wait(); err == nil {
		t.Log("the backup was made before its server was killed")
	} else if _, err := os.Stat(filepath.Join(at, "cut.backup")); err == nil {
		t.Error("a backup whose server was killed is there")
	}
	server.start()
}

// killedRestores kills restores, and returns how many had not ended.
func killedRestores(t *testing.T, p *harness, whole string) (killed int) {
	t.Helper()
	for _, part := range []int64{0, 3, 6} {
		target := filepath.Join(t.TempDir(), "target")
		again := []string{"restore", whole, "--data", target, "--bundle", p.data}
		if !killedAt(t, target, (15<<20)*part/10, again...) {
			continue
		}
		killed++
		if _, err := os.Stat(filepath.Join(target, "restoring.json")); err == nil { // else nothing was restored yet
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			said, err := exec.CommandContext(ctx, binary, "serve", "--data", target, "--listen", eventstest.FreeAddress(t)).CombinedOutput()
			cancel()
			if err == nil || !strings.Contains(string(said), "was cut off") || !strings.Contains(string(said), "spool restore "+whole) {
				t.Errorf("killed at %d/10, and its store starts: %v: %s", part, err, tail(string(said), 500))
			}
		}
		if said, err := exec.Command(binary, again...).CombinedOutput(); err != nil {
			t.Errorf("killed at %d/10, and is not begun again: %v: %s", part, err, said)
		}
	}
	return killed
}

// killedAt starts a command and kills it once a folder holds more than so many bytes; false: it had ended.
func killedAt(t *testing.T, dir string, size int64, args ...string) bool {
	t.Helper()
	cmd := exec.Command(binary, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	untilHeld(t, cmd, dir, size)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return !cmd.ProcessState.Exited()
}

// untilHeld waits until a folder holds more than so many bytes, or the command has ended.
func untilHeld(t *testing.T, cmd *exec.Cmd, dir string, size int64) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); bytesIn(dir) <= size && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if stat, err := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/stat"); err == nil && strings.Contains(string(stat), ") Z ") {
			return
		}
	}
}

// bytesIn is how many bytes the files below a folder hold.
func bytesIn(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			if info, err := e.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

// fillResults stores results of 10 KB each.
func fillResults(p *harness, n int) {
	p.Helper()
	a, err := broker.Control(p.Context(), p.data, "")
	if err != nil {
		p.Fatal(err)
	}
	defer a.Close()
	js, err := jetstream.New(a.NATS(), jetstream.WithPublishAsyncMaxPending(500))
	if err != nil {
		p.Fatal(err)
	}
	text := make([]byte, 10_000)
	for i := range text {
		text[i] = byte('a' + (i*7+i/13)%26)
	}
	for i := range n {
		if _, err := js.PublishAsync("spool.result.j"+strconv.Itoa(i%50), fmt.Appendf(nil, `{"trigger_id":"manual:j%d:%d","job_id":"j%d","status":"OK","more":"%s"}`, i%50, i, i%50, text), jetstream.WithStallWait(time.Minute)); err != nil {
			p.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
}
