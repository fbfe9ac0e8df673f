package broker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/services/broker/cluster"
	"spool.internal/services/broker/store"
)

// machine is one of three in this process.
type machine struct {
	*Broker
	t      *testing.T
	dir    string
	bundle *cluster.Bundle
	end    context.CancelFunc
	keep   sync.WaitGroup
}

// three makes the bundles of three machines, which do not run yet.
func three(t *testing.T) (all []*machine) {
	t.Helper()
	var args []string
	for _, name := range []string{"m1", "m2", "m3"} {
		args = append(args, name+"="+eventstest.FreeAddress(t))
	}
	machines, err1 := cluster.ParseMachines(args)
	keys, err2 := NewKeys()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	secrets := cluster.Secrets{cluster.Keys: keys}
	for _, name := range []string{cluster.SealKey, cluster.AdminToken, cluster.WebhookSecret, cluster.RunnerSecret} {
		secrets[name] = []byte("secret")
	}
	dir := filepath.Join(t.TempDir(), "prod.bundle")
	if err := cluster.Init(dir, "prod", machines, secrets, false); err != nil {
		t.Fatal(err)
	}
	f, err := cluster.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range f.Bundles {
		m := &machine{t: t, dir: filepath.Join(t.TempDir(), b.Machine), bundle: b}
		t.Cleanup(m.stop)
		all = append(all, m)
	}
	return all
}

func (m *machine) start() error {
	b, err := Start(m.t.Context(), Config{
		DataDir: m.dir, Listen: "127.0.0.1:0", Durability: Interval, MaxStore: 1 << 30, ResultsPerJob: 1000, Bundle: m.bundle, Log: eventstest.Log(m.t),
	})
	if err != nil {
		return err
	}
	m.Broker = b
	ctx, end := context.WithCancel(m.t.Context())
	m.end = end
	m.keep.Go(func() { _ = b.Keep(ctx) })
	eventstest.Eventually(m.t, m.bundle.Machine+" is current", func() bool { return b.faults.whole() == nil })
	return nil
}

func (m *machine) stop() {
	if m.Broker != nil {
		m.end()
		m.keep.Wait()
		_ = m.Close(context.Background())
		m.Broker = nil
	}
}

func together(t *testing.T, all []*machine) {
	t.Helper()
	began := time.Now()
	var wg sync.WaitGroup
	for _, m := range all {
		wg.Go(func() {
			if err := m.start(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	t.Logf("three brokers start together in %s", time.Since(began).Round(10*time.Millisecond))
}

func (m *machine) put(id string) {
	m.t.Helper()
	bus, err := m.Connect(m.t.Context(), "gateway")
	if err != nil {
		m.t.Fatal(err)
	}
	defer bus.Close(context.Background()) //nolint:errcheck // the test ends
	eventstest.Eventually(m.t, "a job is stored through "+m.bundle.Machine, func() bool {
		ctx, cancel := context.WithTimeout(m.t.Context(), 5*time.Second)
		defer cancel()
		_, err := bus.PutJob(ctx, events.JobEvent{Event: events.JobCreated, Job: events.Job{ID: id}}, 0)
		return err == nil
	})
}

// Three machines start together, answer once, hand on what they lead before they stop, and fetch what
// they lack: a copy that is shorter is no damage, one with garbage in its midst is.
func TestThreeMachines(t *testing.T) { // not parallel: three servers
	all := three(t)
	together(t, all)

	answers := make(chan *nats.Msg, 10)
	nc := all[0].guard.nc
	inbox := nc.NewRespInbox()
	if _, err := nc.ChanSubscribe(inbox, answers); err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{guardSubject + ".cron.STREAM.PURGE.X", askSubscriber} {
		if err := nc.PublishRequest(subject, inbox, []byte("{")); err != nil {
			t.Fatal(err)
		}
		<-answers
		select {
		case m := <-answers:
			t.Errorf("%s is answered twice: %s", subject, m.Data)
		case <-time.After(300 * time.Millisecond):
		}
	}

	all[0].put("a")
	all[2].stepDown(t.Context())
	for _, a := range all[0].assets(t.Context()) {
		if a.cluster.Leader == "m3" {
			t.Errorf("%s %s is led by the machine that stepped down", a.stream, a.consumer)
		}
	}
	blocks := filepath.Join(all[2].streams(), streamJobs, "msgs")
	all[2].stop()
	for i := range 20 {
		all[0].put("b" + strings.Repeat("b", i))
	}
	if err := os.RemoveAll(blocks); err != nil { // shorter than it was
		t.Fatal(err)
	}
	if err := all[2].start(); err != nil {
		t.Fatal(err)
	}
	eventstest.Eventually(t, "m3 has what the others have", func() bool {
		mine, err1 := all[2].lastOf()
		theirs, err2 := all[0].lastOf()
		return errors.Join(err1, err2) == nil && mine[streamJobs] == theirs[streamJobs]
	})
	all[2].stop()
	found, _ := filepath.Glob(filepath.Join(blocks, "*.blk")) // a copy that was fetched may begin with any number
	largest := slices.MaxFunc(found, func(x, y string) int { return int(sizeOf(t, x) - sizeOf(t, y)) })
	overwrite(2, "garbage")(t, largest)
	err := all[2].start()
	if _, damaged := errors.AsType[*store.Damage](err); !damaged || !strings.Contains(err.Error(), "the other machines of the cluster have all of it") {
		t.Fatalf("garbage in the midst of a copy: %v", err)
	}
	if _, err := store.PutAside(all[2].dir); err != nil {
		t.Fatal(err)
	}
	if err := all[2].start(); err != nil {
		t.Fatal(err)
	}
}

func sizeOf(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
