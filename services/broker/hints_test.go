package broker

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// TestHintsBetweenRoles: what one role stores the others hear of at once, the
// subject and nothing else.
func TestHintsBetweenRoles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, dir, "127.0.0.1:0")
	watcher, dispatcher, gateway := join(t, b, dir, Watcher), join(t, b, dir, Dispatcher), join(t, b, dir, Gateway)
	for _, c := range []struct {
		from, to *outsider
		subject  string
		filter   string
	}{
		{watcher, dispatcher, "spool.file.j1.f1", allFiles},
		{gateway, watcher, "spool.again.j1.p1.1", allAgain},
	} {
		heard, err := c.to.SubscribeSync(c.filter)
		if err != nil || c.to.Flush() != nil {
			t.Fatal(err)
		}
		if _, err := c.from.RequestMsg(&nats.Msg{Subject: c.subject, Data: []byte(`{"path":"secret"}`)}, 10*time.Second); err != nil {
			t.Fatalf("%s stores %s: %v", c.from.role, c.subject, err)
		}
		m, err := heard.NextMsg(10 * time.Second)
		if err != nil {
			t.Fatalf("%s does not hear of %s: %v", c.to.role, c.subject, err)
		}
		if m.Subject != c.subject || len(m.Data) != 0 {
			t.Errorf("%s hears %s %q", c.to.role, m.Subject, m.Data)
		}
	}
}

// Of the files of a job one hint a second is enough; other hints are about one thing each.
func TestHintsOfOneJob(t *testing.T) {
	t.Parallel()
	var said said
	began := time.Now()
	for _, c := range []struct {
		subject string
		after   time.Duration
		lately  bool
	}{
		{"spool.file.j1.f1", 0, false},
		{"spool.file.j1.f2", 10 * time.Millisecond, true},
		{"spool.file.j2.f1", 20 * time.Millisecond, false},
		{"spool.again.j1.p1.1", 20 * time.Millisecond, false},
		{"spool.again.j1.p1.2", 30 * time.Millisecond, false},
		{"spool.file.j2.f2", 999 * time.Millisecond, true},
		{"spool.file.j1.f3", time.Second, false},
	} {
		if lately := said.lately(c.subject, began.Add(c.after)); lately != c.lately {
			t.Errorf("%s after %s: said lately %v, want %v", c.subject, c.after, lately, c.lately)
		}
	}
}
