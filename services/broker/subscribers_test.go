package broker

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// office is a gateway's way to the broker, over TCP with the gateway's credentials.
func office(t *testing.T, b *Broker, dir string) *jet.Bus {
	t.Helper()
	bus, err := jet.Connect(t.Context(), jet.Options{
		URL: "nats://" + b.Addr(), Creds: dir + "/" + Gateway.Creds(), Name: string(Gateway), Log: b.cfg.Log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bus.Close(context.Background()) })
	return bus
}

func reader(t *testing.T, b *Broker, creds string, more ...nats.Option) (*nats.Conn, error) {
	t.Helper()
	nc, err := nats.Connect("nats://"+b.Addr(), append(more, nats.UserCredentialBytes([]byte(creds)), nats.MaxReconnects(-1))...)
	if err == nil {
		t.Cleanup(nc.Close)
	}
	return nc, err
}

func (b *Broker) tell(t *testing.T, evs ...events.RunEvent) {
	t.Helper()
	for _, ev := range evs {
		ev.At = time.Now()
		if err := b.own.PutRunEvent(t.Context(), ev, 0); err != nil {
			t.Fatal(err)
		}
	}
}

func TestASubscriberReads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, dir, "127.0.0.1:0")
	bus := office(t, b, dir)
	b.tell(t, events.RunEvent{Phase: events.Ended, JobID: "j", FlowJobID: "1"}, events.RunEvent{Phase: events.Ended, JobID: "k", FlowJobID: "2"},
		events.RunEvent{Phase: events.Started, JobID: "j", FlowJobID: "3"})
	made, err := bus.MakeSubscriber(t.Context(), events.Subscriber{Name: "mine", Stream: streamRunEvents, JobID: "j", By: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := reader(t, b, made.Credentials)
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	cons, err := js.Consumer(t.Context(), streamRunEvents, made.Subscriber.Consumer())
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan jetstream.Msg, 10)
	cc, err := cons.Consume(func(m jetstream.Msg) { got <- m }, jetstream.PullExpiry(5*time.Second), jetstream.PullHeartbeat(time.Second),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { t.Errorf("consume: %v", err) }))
	if err != nil {
		t.Fatal(err)
	}
	next := func(want string) {
		t.Helper()
		select {
		case m := <-got:
			if m.Subject() != want {
				t.Errorf("%s came, want %s", m.Subject(), want)
			}
			if err := m.DoubleAck(t.Context()); err != nil {
				t.Errorf("ack: %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s does not come", want)
		}
	}
	next("spool.run.ended.j.1")
	next("spool.run.started.j.3")
	b.tell(t, events.RunEvent{Phase: events.Ended, JobID: "k", FlowJobID: "4"}, events.RunEvent{Phase: events.Ended, JobID: "j", FlowJobID: "5"})
	next("spool.run.ended.j.5")
	time.Sleep(3 * time.Second) // heartbeats keep the pull alive, else the handler above would hear of it
	cc.Stop()
	info, err := cons.Info(t.Context())
	if err != nil || info.NumAckPending != 0 || info.NumPending != 0 {
		t.Errorf("the consumer stands at %+v, %v", info, err)
	}
}

// notForSubscribers lists subjects that the subscriber a may not publish to.
func notForSubscribers() []string {
	var all []string
	for _, s := range jet.Streams() {
		for _, verb := range []string{
			"STREAM.INFO.%s", "STREAM.CREATE.%s", "STREAM.UPDATE.%s", "STREAM.DELETE.%s", "STREAM.PURGE.%s", "STREAM.MSG.GET.%s", "STREAM.MSG.DELETE.%s",
			"STREAM.SNAPSHOT.%s", "DIRECT.GET.%s", "DIRECT.GET.%s.x", "CONSUMER.NAMES.%s", "CONSUMER.LIST.%s", "CONSUMER.CREATE.%s.x", "CONSUMER.CREATE.%s.subscriber-a",
			"CONSUMER.DURABLE.CREATE.%s.subscriber-a", "CONSUMER.DELETE.%s.subscriber-a", "CONSUMER.MSG.NEXT.%s.subscriber-b", "CONSUMER.INFO.%s.subscriber-b",
			"CONSUMER.MSG.NEXT.%s.notify-webhook", "CONSUMER.PAUSE.%s.subscriber-a",
		} {
			all = append(all, "$JS.API."+fmt.Sprintf(verb, s))
		}
		all = append(all, "$JS.ACK."+s+".subscriber-b.1.1.1.1.0", "$JS.ACK."+s+".dispatch-manual.1.1.1.1.0")
	}
	all = append(all, victims...)
	all = append(all, subscriberSubject("x"), askSubscriber, revokeSubscriber, guardSubject+".gateway.STREAM.PURGE.RESULTS", "$SYS.REQ.SERVER.PING")
	return all
}

// Nothing but its own consumer answers a subscriber, and no answer leaves its account.
func TestASubscriberReachesNothingElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, dir, "127.0.0.1:0")
	fill(t, b)
	bus := office(t, b, dir)
	var creds []string
	for _, name := range []string{"a", "b"} {
		made, err := bus.MakeSubscriber(t.Context(), events.Subscriber{Name: name, Stream: streamRunEvents})
		if err != nil {
			t.Fatal(err)
		}
		creds = append(creds, made.Credentials)
	}
	denied := make(chan string, 10_000)
	nc, err := reader(t, b, creds[0], nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { denied <- err.Error() }))
	if err != nil {
		t.Fatal(err)
	}
	own := "RUN_EVENTS.subscriber-a"
	all := notForSubscribers()
	for _, subject := range all {
		if err := nc.PublishRequest(subject, "_INBOX.x", []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	for range all {
		select {
		case <-denied:
		case <-time.After(30 * time.Second):
			t.Fatalf("of %d subjects not all are denied", len(all))
		}
	}
	subscribersReplies(t, b, nc, own)
	// An ack under another's name cannot be had by a reply either.
	_ = nc.PublishRequest("$JS.API.CONSUMER.MSG.NEXT."+own, "$JS.ACK.RUN_EVENTS.subscriber-b.1.1.1.1.0", []byte(`{"no_wait":true}`))
	for ack := false; !ack; {
		select {
		case text := <-denied: // also of where it wanted its messages traced to
			ack = strings.Contains(text, `Reply of "$JS.ACK`)
		case <-time.After(30 * time.Second):
			t.Fatal("an ack as reply is not denied")
		}
	}
	for _, subject := range []string{">", "spool.>", "$JS.>", "_R_.>"} {
		if _, err := nc.SubscribeSync(subject); err != nil {
			t.Fatal(err)
		}
		select {
		case <-denied:
		case <-time.After(30 * time.Second):
			t.Errorf("it may listen to %s", subject)
		}
	}
}

// subscribersReplies has the answers to all that a subscriber may ask sent where it
// may not publish.
func subscribersReplies(t *testing.T, b *Broker, nc *nats.Conn, own string) {
	t.Helper()
	before := streamsAt(t, b)
	for _, victim := range append(victims, "$JS.API.STREAM.PURGE.RUN_EVENTS", askSubscriber) {
		for _, subject := range []string{"$JS.API.CONSUMER.MSG.NEXT." + own, "$JS.API.CONSUMER.INFO." + own, "$JS.ACK." + own + ".1.1.1.1.0"} {
			m := nats.NewMsg(subject)
			m.Reply, m.Data = victim, []byte(`{"batch":1,"expires":1000000000}`)
			m.Header.Set("Nats-Trace-Dest", victim)
			_ = nc.PublishMsg(m)
			m.Header = nil
			_ = nc.PublishMsg(m)
		}
	}
	if _, err := nc.Request("$JS.API.CONSUMER.INFO."+own, nil, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1200 * time.Millisecond) // the pulls are over
	after := streamsAt(t, b)
	for subject, n := range after {
		if before[subject] != n {
			t.Errorf("%d messages of %s became %d", before[subject], subject, n)
		}
	}
}

// Only gateways have subscribers made, and nobody else reads what is stored of them.
func TestWhoMakesSubscribers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, dir, "127.0.0.1:0")
	for _, role := range Roles() {
		r := rightsOf(role)
		for _, g := range r.gates(role) {
			about := strings.HasPrefix(g.local, "spool.api.") || g.local == "$JS.API.DIRECT.GET."+streamSubscribers
			if about != (role == Gateway) && about {
				t.Errorf("%s may use %s", role, g.local)
			}
			if within(subscriberSubject("x"), g.local) {
				t.Errorf("%s may store subscribers", role)
			}
		}
	}
	bus := office(t, b, dir)
	ask := func(s events.Subscriber) error {
		_, err := bus.MakeSubscriber(t.Context(), s)
		return err
	}
	if err := ask(events.Subscriber{Name: "x", Stream: streamTriggers}); events.CodeOf(err) != events.Invalid {
		t.Errorf("a stream that is not public: %v", err)
	}
	if err := ask(events.Subscriber{Name: "x", Stream: streamResults, Expires: time.Now().Add(-time.Second)}); events.CodeOf(err) != events.Invalid {
		t.Errorf("one that is over: %v", err)
	}
	if err := ask(events.Subscriber{Name: "x", Stream: streamResults, Revoked: time.Now()}); err != nil {
		t.Error(err)
	}
	if err := ask(events.Subscriber{Name: "x", Stream: streamJobs}); events.CodeOf(err) != events.Conflict {
		t.Errorf("a second of one name: %v", err)
	}
	if err := bus.RevokeSubscriber(t.Context(), "nobody", "admin"); events.CodeOf(err) != events.NotFound {
		t.Errorf("revoke nobody: %v", err)
	}
	if all, err := bus.Subscribers(t.Context()); err != nil || len(all) != 1 || all[0].Name != "x" {
		t.Errorf("the subscribers are %+v, %v", all, err)
	}
}

// A revoked subscriber is cut off within a second and does not come back, also not
// after a restart, or when another is made under its name.
func TestRevokedSubscriber(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, dir, "127.0.0.1:0")
	bus := office(t, b, dir)
	made, err := bus.MakeSubscriber(t.Context(), events.Subscriber{Name: "x", Stream: streamResults})
	if err != nil {
		t.Fatal(err)
	}
	stays, err := bus.MakeSubscriber(t.Context(), events.Subscriber{Name: "stays", Stream: streamResults})
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan time.Time, 1)
	nc, err := reader(t, b, made.Credentials, nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { gone <- time.Now() }))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	began := time.Now()
	if err := bus.RevokeSubscriber(t.Context(), "x", "admin"); err != nil {
		t.Fatal(err)
	}
	select {
	case at := <-gone:
		t.Logf("cut off after %s", at.Sub(began))
	case <-time.After(30 * time.Second):
		t.Fatal("the revoked subscriber is still connected")
	}
	out := func(when string) {
		t.Helper()
		if nc, err := reader(t, b, made.Credentials); err == nil {
			nc.Close()
			t.Errorf("%s: the revoked subscriber is let in", when)
		}
	}
	out("at once")
	if _, err := bus.MakeSubscriber(t.Context(), events.Subscriber{Name: "x", Stream: streamResults}); err != nil {
		t.Fatal(err)
	}
	out("with another of its name")
	_ = bus.Close(t.Context())
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	b = start(t, dir, "127.0.0.1:0")
	out("after a restart")
	if nc, err := reader(t, b, stays.Credentials); err != nil {
		t.Errorf("after a restart the other is not let in: %v", err)
	} else if _, err := nc.Request("$JS.API.CONSUMER.INFO.RESULTS.subscriber-stays", nil, 30*time.Second); err != nil {
		t.Error(err)
	}
}

func TestExpiringSubscriber(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, dir, "127.0.0.1:0")
	bus := office(t, b, dir)
	made, err := bus.MakeSubscriber(t.Context(), events.Subscriber{Name: "x", Stream: streamResults, Expires: time.Now().Add(2 * time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan bool, 1)
	nc, err := reader(t, b, made.Credentials, nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { gone <- true }))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	select {
	case <-gone:
	case <-time.After(30 * time.Second):
		t.Fatal("the subscriber has not expired")
	}
	time.Sleep(1100 * time.Millisecond) // to the second is when credentials end
	if nc, err := reader(t, b, made.Credentials); err == nil {
		nc.Close()
		t.Error("the expired subscriber is let in")
	}
	if _, err := bus.MakeSubscriber(t.Context(), events.Subscriber{Name: "x", Stream: streamResults}); err != nil {
		t.Errorf("one in place of one that has expired: %v", err)
	}
}
