package backup

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/nats-io/nats-server/v2/server"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/services/broker"
	"spool.internal/services/broker/store"
)

// Every stream has its place, upstream first, and the tokens come last.
func TestOrder(t *testing.T) {
	all := Order(append(jet.Streams(), "UNKNOWN"))
	at := func(s string) int { return slices.Index(all, s) }
	for _, s := range append(jet.Streams(), "UNKNOWN") {
		if at(s) < 0 {
			t.Errorf("%s is in no backup", s)
		}
	}
	for _, p := range jet.BackupOrder() {
		if p.Why == "" {
			t.Errorf("%s: nobody says why it is there", p.Stream)
		}
	}
	for _, before := range [][2]string{
		{"BULKS", "TRIGGERS"},
		{"TRIGGERS", "RUNS"},
		{"TRIGGERS", "RESULTS"},
		{"TRIGGERS", "DEADLETTERS"},
		{"TRIGGERS", "SLOTS"},
		{"FILES", "RUNS"},
		{"FILES", "RESULTS"},
		{"RUNS", "RUN_EVENTS"},
		{"RESULTS", "JOBS"},
		{"RUN_EVENTS", "NOTIFICATIONS"},
		{"JOBS", "DRIVES"},
		{"UNKNOWN", "JOBS"},
	} {
		if at(before[0]) > at(before[1]) {
			t.Errorf("%s comes after %s", before[0], before[1])
		}
	}
	if all[len(all)-1] != jet.TokensStream {
		t.Errorf("the last is %s", all[len(all)-1])
	}
}

// What a store holds is restored: messages, sequences and consumers. Tokens, sessions and subscribers are
// not let in again, and what was revoked stays revoked.
func TestBackupAndRestore(t *testing.T) {
	m := newMachine(t, t.TempDir())
	m.furnish(t)
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ReadKeys(m.dir)
	if err != nil {
		t.Fatal(err)
	}
	text := take(t, m.nc, Options{Spool: "v1", To: []age.Recipient{key.Recipient()}, Keys: keys})
	m.stop(t)
	for _, secret := range []string{"NATSARC1", "spool-backup", strings.TrimSpace(string(keys["admin.token"]))} {
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("the encrypted backup shows %q", secret)
		}
	}
	if _, err := Check(bytes.NewReader(text), nil); !errors.Is(err, ErrEncrypted) {
		t.Errorf("without a key: %v", err)
	}
	c, err := Check(bytes.NewReader(text), []age.Identity{key})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "new")
	if err := c.Fits(c.KeyFiles, "the backup"); err != nil {
		t.Error(err)
	}
	out, err := ToMachine(t.Context(), dir, c, ShareKeys(c.KeyFiles), Into{Held: "a test"})
	if err != nil || !out.Equal {
		t.Fatal(err, out)
	}
	if *out.Restored != (Restored{Tokens: 2, Sessions: 1, Subscribers: 1}) {
		t.Errorf("dropped: %+v", *out.Restored)
	}
	n := newMachine(t, dir)
	if _, err := n.bus.Job(t.Context(), "job-19"); err != nil {
		t.Error(err)
	}
	if tokens, err := n.bus.Tokens(t.Context()); err != nil || len(tokens) != 0 {
		t.Errorf("tokens: %v %v", tokens, err)
	}
	if sub, _, err := n.bus.Subscriber(t.Context(), "shop"); err != nil || sub.Open(time.Now()) {
		t.Errorf("the subscriber is let in: %+v %v", sub, err)
	}
	if marks, err := n.bus.Marks(t.Context()); err != nil || marks.Held != "a test" {
		t.Errorf("it is not on hold: %+v %v", marks, err)
	}
	if won, err := n.bus.CommitFiles(t.Context(), []events.Trigger{{ID: "file:1", JobID: "job-1", File: &events.File{Path: "a", Fingerprint: "f1"}}}); err != nil || won[0] {
		t.Errorf("a file that was queued is queued again: %v %v", won, err)
	}
	if _, err := n.bus.OpenSealKey(t.Context(), filepath.Join(dir, "seal.key")); err != nil {
		t.Error(err)
	}
}

// The machines of a cluster go on once all was compared: what they store then does not count as a difference.
func TestRestoreWhileServicesBegin(t *testing.T) {
	m := newMachine(t, t.TempDir())
	m.furnish(t)
	c := checkOf(t, take(t, m.nc, Options{}))
	var gone server.JSApiStreamDeleteResponse
	if err := request(t.Context(), m.nc, "$JS.API.STREAM.DELETE."+jet.TokensStream, nil, &gone); err != nil || !gone.Success {
		t.Fatal(err, gone.Error)
	}
	begun := make(chan error, 1)
	go func() {
		begun <- func() error {
			if err := m.bus.Await(t.Context()); err != nil {
				return err
			}
			token, _ := events.NewToken("eve", events.Operator, time.Now())
			_, err := m.bus.PutTrigger(t.Context(), events.KindManual, events.Trigger{ID: "manual:new", JobID: "job-1"})
			return errors.Join(err, m.bus.PutToken(t.Context(), token))
		}()
	}()
	out, err := ToCluster(t.Context(), m.nc, c, Into{Replicas: 1})
	if err != nil || !out.Equal {
		t.Fatal(err, out)
	}
	if err := <-begun; err != nil {
		t.Error(err)
	}
}

// While a stream differs the machines go on waiting, and a restore may begin again.
func TestLongRestoreThatDiffers(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: what differs is compared for half a minute")
	}
	m := newMachine(t, t.TempDir())
	m.furnish(t)
	c := checkOf(t, take(t, m.nc, Options{}))
	c.stream(jet.JobsStream).Last++
	var gone server.JSApiStreamDeleteResponse
	if err := request(t.Context(), m.nc, "$JS.API.STREAM.DELETE."+jet.TokensStream, nil, &gone); err != nil || !gone.Success {
		t.Fatal(err, gone.Error)
	}
	out, err := ToCluster(t.Context(), m.nc, c, Into{Replicas: 1})
	if err != nil || out.Equal {
		t.Fatal(err, out)
	}
	for _, r := range out.Rows {
		if want := map[string]string{jet.JobsStream: "the last sequence is 20, not 21"}[r.Stream]; r.Wrong != want {
			t.Errorf("%s: %q, want %q", r.Stream, r.Wrong, want)
		}
	}
	if marks, err := m.bus.Marks(t.Context()); err != nil || !marks.Restoring {
		t.Errorf("the machines go on: %+v %v", marks, err)
	}
	c.stream(jet.JobsStream).Last--
	if out, err = ToCluster(t.Context(), m.nc, c, Into{Replicas: 1}); err != nil || !out.Equal {
		t.Error(err, out)
	}
	if marks, err := m.bus.Marks(t.Context()); err != nil || marks.Restoring {
		t.Errorf("the machines still wait: %+v %v", marks, err)
	}
}

// With --keep-tokens tokens and subscribers live again; sessions do not.
func TestKeepTokens(t *testing.T) {
	m := newMachine(t, t.TempDir())
	m.furnish(t)
	c := checkOf(t, take(t, m.nc, Options{}))
	keys, err := ReadKeys(m.dir)
	if err != nil {
		t.Fatal(err)
	}
	m.stop(t)
	dir := t.TempDir()
	out, err := ToMachine(t.Context(), dir, c, ShareKeys(keys), Into{KeepTokens: true})
	if err != nil || !out.Equal || *out.Restored != (Restored{Sessions: 1}) {
		t.Fatal(err, out)
	}
	n := newMachine(t, dir)
	if tokens, err := n.bus.Tokens(t.Context()); err != nil || len(tokens) != 2 {
		t.Errorf("tokens: %v %v", tokens, err)
	}
}

// A store that is stopped is copied too, and nothing of it changes.
func TestStopped(t *testing.T) {
	m := newMachine(t, t.TempDir())
	m.furnish(t)
	want := checkOf(t, take(t, m.nc, Options{}))
	m.stop(t)
	off, err := broker.OpenOffline(t.Context(), m.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	text := take(t, off.NATS(), Options{})
	if err := off.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := checkOf(t, text); got.Messages() != want.Messages() || got.Consumers() != want.Consumers() {
		t.Errorf("%d messages and %d consumers, not %d and %d", got.Messages(), got.Consumers(), want.Messages(), want.Consumers())
	}
	newMachine(t, m.dir) // it starts as before
}

// A restore that was cut off leaves a folder that no server takes, and that the next restore fills.
func TestHalfRestored(t *testing.T) {
	m := newMachine(t, t.TempDir())
	m.furnish(t)
	text := take(t, m.nc, Options{})
	keys, err := ReadKeys(m.dir)
	if err != nil {
		t.Fatal(err)
	}
	m.stop(t)
	dir := t.TempDir()
	c := checkOf(t, text)
	c.file = &failing{bytes.NewReader(text), len(text) / 2}
	if _, err := ToMachine(t.Context(), dir, c, ShareKeys(keys), Into{From: "x.backup"}); err == nil {
		t.Fatal("a restore whose file fails has succeeded")
	}
	_, err = broker.Start(t.Context(), broker.Config{DataDir: dir, Durability: broker.Interval, MaxStore: 1 << 30, ResultsPerJob: 1000})
	for _, want := range []string{"x.backup", dir, "was cut off", "spool restore x.backup --data " + dir} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the start says %v, not %q", err, want)
		}
	}
	if _, err := broker.OpenOffline(t.Context(), dir, nil); err == nil || !strings.Contains(err.Error(), "was cut off") {
		t.Errorf("it is copied: %v", err)
	}
	out, err := ToMachine(t.Context(), dir, checkOf(t, text), ShareKeys(keys), Into{From: "x.backup"})
	if err != nil || !out.Equal || store.HalfRestored(dir) != nil {
		t.Fatal(err, out)
	}
	if _, err := ToMachine(t.Context(), dir, checkOf(t, text), nil, Into{}); err == nil || !strings.Contains(err.Error(), "holds a store already") {
		t.Errorf("a store that is whole was restored over: %v", err)
	}
	newMachine(t, dir)
}

// failing fails after so many bytes.
type failing struct {
	*bytes.Reader
	left int
}

func (f *failing) Read(b []byte) (int, error) {
	if f.left <= 0 {
		return 0, os.ErrDeadlineExceeded
	}
	n, err := f.Reader.Read(b[:min(len(b), f.left)])
	f.left -= n
	return n, err
}

// Keys that are not those of the store are refused by file and id, before anything is made.
func TestOtherKeys(t *testing.T) {
	m := newMachine(t, t.TempDir())
	m.furnish(t)
	c := checkOf(t, take(t, m.nc, Options{}))
	other := newMachine(t, t.TempDir())
	other.furnish(t)
	keys, err := ReadKeys(other.dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"none": c.Fits(nil, "the backup"), "others": c.Fits(keys, "m1")} {
		if err == nil || !strings.Contains(err.Error(), "seal.key") || !strings.Contains(err.Error(), c.Store.SealKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if mine, err := ReadKeys(m.dir); err != nil || c.Fits(mine, "m") != nil {
		t.Error(err, c.Fits(mine, "m"))
	}
}

// A dead letter that is retried while a backup is made is in it, as a letter or as a trigger.
func TestRetriedMeanwhile(t *testing.T) {
	m := newMachine(t, t.TempDir())
	m.furnish(t)
	letters, err := m.bus.DeadLetters("").All(t.Context())
	if err != nil || len(letters) != 1 {
		t.Fatal(err, letters)
	}
	retried := false
	text := take(t, m.nc, Options{Report: func(p Progress) {
		if p.Stream == "RESULTS" && !retried { // TRIGGERS has been taken
			retried = true
			if err := m.bus.RetryDead(t.Context(), letters[0]); err != nil {
				t.Error(err)
			}
		}
	}})
	c := checkOf(t, text)
	if !retried || c.stream("TRIGGERS").Messages != 21 || c.stream("DEADLETTERS").Messages != 0 || c.stream("TRIGGERS").Try != 2 {
		t.Errorf("retried %v: %+v %+v", retried, c.stream("TRIGGERS"), c.stream("DEADLETTERS"))
	}
}

// Whoever reads slowly makes the server wait: no more than a window is in memory.
func TestSlowReader(t *testing.T) {
	m := newMachine(t, t.TempDir())
	noise := make([]byte, 64<<10)
	for range 64 {
		rand.Read(noise) //nolint:errcheck // never fails
		if err := m.nc.Publish("spool.slot.job", noise); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	snap, err := takeSnapshot(t.Context(), m.nc, "SLOTS")
	if err != nil {
		t.Fatal(err)
	}
	defer snap.close()
	time.Sleep(300 * time.Millisecond) // nobody reads
	snap.mu.Lock()
	size := snap.size
	snap.mu.Unlock()
	if size == 0 || size > windowSize+chunkSize {
		t.Errorf("%d bytes are in memory, and nobody has read one", size)
	}
	if n, err := io.Copy(io.Discard, snap); err != nil || n < 2<<20 {
		t.Errorf("then %d bytes: %v", n, err)
	}
}
