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
