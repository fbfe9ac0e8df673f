package broker

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/events/reserve"
)

// shortage is one of what a store is short of, and who writes into it meanwhile.
type shortage struct {
	*testing.T
	b      *Broker
	bus    *jet.Bus
	stored map[string]uint64 // by message, where it was acknowledged
	n      int
	size   int // of a message
}

// put stores one more message; the error is that of the store.
func (s *shortage) put() error {
	s.n++
	id := "j" + strings.Repeat("x", s.n%7) + time.Now().Format("150405.000000000")
	id = strings.ReplaceAll(id, ".", "_")
	ctx, cancel := context.WithTimeout(s.Context(), 2*time.Second)
	defer cancel()
	seq, err := s.bus.Verdicts(id).Put(ctx, events.Verdict{Reason: strings.Repeat("x", s.size)})
	if err == nil {
		s.stored[id] = seq
	}
	return err
}

// until puts messages until the store does as is wanted, and tells how long that took.
func (s *shortage) until(what string, f func(err error) bool) time.Duration {
	s.Helper()
	began := time.Now()
	for err := s.put(); !f(err); err = s.put() {
		if time.Since(began) > time.Minute {
			s.Fatalf("%s: not within a minute: %v, broker: %v", what, err, s.b.Check())
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(began)
}

// check sees that everything is there that was acknowledged.
func (s *shortage) check() {
	s.Helper()
	for id, seq := range s.stored {
		m, found, err := s.bus.Verdicts(id).Last(s.Context())
		if err != nil || !found || m.Sequence != seq {
			s.Errorf("%s was acknowledged at %d: %v %v %v", id, seq, m.Sequence, found, err)
		}
	}
}

func healing(t *testing.T, dir string) *shortage {
	t.Helper()
	b, err := Start(t.Context(), Config{
		DataDir: dir, Listen: "127.0.0.1:0", Durability: Fsync, MaxStore: 1 << 30, ResultsPerJob: 1000,
		Reserve: reserve.New(dir, 0), Log: eventstest.Log(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	outside, err := jet.Connect(t.Context(), jet.Options{
		URL: "nats://" + b.Addr(), Creds: filepath.Join(dir, Cron.Creds()), Name: "cron", Needs: Cron.Needs(), Log: eventstest.Log(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = outside.Close(context.Background()) })
	bus, err := b.Connect(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bus.Close(context.Background()) })
	return &shortage{T: t, b: b, bus: bus, stored: map[string]uint64{}, size: 4096}
}

// A store whose disk was full takes writes again by itself, within 10 s of there
// being room, and has everything that it acknowledged.
func TestFullDiskHeals(t *testing.T) {
	t.Parallel()
	disk := eventstest.NewSmallDisk(t, 512<<20, testing.Short())
	s := healing(t, filepath.Join(disk.Dir, "data"))
	for range 20 {
		s.until("the store takes writes", func(err error) bool { return err == nil }) // a busy machine may let one wait
	}
	port := s.b.Addr()
	giveBack := disk.Fill()
	s.until("the store refuses", func(err error) bool { return err != nil && s.b.Check() != nil })
	if why := s.b.Check().Error(); !strings.Contains(why, "SLOTS refuses what is written") || !strings.Contains(why, "since 2") {
		t.Errorf("not ready: %s", why)
	}
	if s.bus.Held() == nil {
		t.Error("work is begun while its end cannot be stored")
	}
	// The server may never come back from it: it is not asked, once what the ballast gave is taken as well.
	eventstest.Eventually(t, "the disk is full, without the ballast, too", func() bool {
		_, err := os.Stat(filepath.Join(disk.Dir, "data", "ballast"))
		return errors.Is(err, fs.ErrNotExist) && s.b.tight() != nil
	})
	if err := s.bus.Verdicts("none").Clear(t.Context()); !jet.IsFull(err) {
		t.Errorf("a purge on a full disk: %v", err)
	}
	o := join(t, s.b, filepath.Join(disk.Dir, "data"), Cron)
	answer, err := o.Request("$JS.API.STREAM.PURGE."+streamTriggers, []byte(`{"filter":"`+allBacklogs+`"}`), 10*time.Second)
	if err != nil || !strings.Contains(string(answer.Data), "nearly full") {
		t.Errorf("a purge by a role, on a full disk: %v %v", answer, err)
	}
	time.Sleep(3 * time.Second)
	giveBack()
	took := s.until("the store takes writes", func(err error) bool { return err == nil && s.b.Check() == nil && s.bus.Held() == nil })
	t.Logf("whole again after %s", took)
	if took > 10*time.Second {
		t.Errorf("whole again only after %s", took)
	}
	if s.b.Addr() != port {
		t.Errorf("clients outside are waited for at %s, which was %s", s.b.Addr(), port)
	}
	s.check()
}

// The same of file descriptors.
func TestLostDescriptorsHeal(t *testing.T) {
	s := healing(t, t.TempDir())
	for range 20 {
		s.until("the store takes writes", func(err error) bool { return err == nil }) // a busy machine may let one wait
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := limit
	none.Cur = 3
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	back := func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			t.Error(err)
		}
	}
	defer back()
	s.size = 500 << 10 // a block of the store is soon full
	s.until("the store refuses", func(err error) bool { return err != nil && s.b.Check() != nil })
	back()
	took := s.until("the store takes writes", func(err error) bool { return err == nil && s.b.Check() == nil })
	t.Logf("whole again after %s", took)
	s.check()
}
