package broker

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// BenchmarkRole is what a role's account costs: a request over TCP from a role, and
// the same from a user of the account that holds the streams.
func BenchmarkRole(b *testing.B) {
	dir := b.TempDir()
	br, err := Start(b.Context(), Config{
		DataDir: dir, Listen: "127.0.0.1:0", Durability: Interval, MaxStore: 4 << 30, ResultsPerJob: 1000, Log: eventstest.Quiet(),
	})
	if err != nil {
		b.Fatal(err)
	}
	defer br.Close(b.Context()) //nolint:errcheck // the benchmark ends
	for _, who := range []struct {
		name  string
		login nats.Option
	}{{"floor", nats.UserCredentialBytes(br.creds)}, {"role", nats.UserCredentials(dir + "/" + Dispatcher.Creds())}} {
		nc, err := nats.Connect("nats://"+br.Addr(), who.login, nats.CustomInboxPrefix("_INBOX.dispatcher"))
		if err != nil {
			b.Fatal(err)
		}
		defer nc.Close()
		js, err := jetstream.New(nc)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("publish/"+who.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := js.Publish(b.Context(), resultSubject(who.name), []byte(`{"status":"OK"}`)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("get/"+who.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := nc.Request("$JS.API.DIRECT.GET."+streamResults, []byte(`{"seq":1}`), 10*time.Second); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("pull-ack/"+who.name, func(b *testing.B) { pullAndAck(b, br, js, who.name) })
	}
}

func pullAndAck(b *testing.B, br *Broker, js jetstream.JetStream, name string) {
	home, err := nats.Connect("", nats.InProcessServer(br.srv), nats.UserCredentialBytes(br.creds))
	if err != nil {
		b.Fatal(err)
	}
	defer home.Close()
	for i := range b.N {
		if err := home.Publish(runSubject(events.Ended, name, fmt.Sprintf("%d-%d", b.N, i)), []byte(`{"status":"OK"}`)); err != nil {
			b.Fatal(err)
		}
	}
	if err := home.Flush(); err != nil {
		b.Fatal(err)
	}
	cons, err := js.CreateOrUpdateConsumer(b.Context(), streamRunEvents, jetstream.ConsumerConfig{
		Durable: map[string]string{"floor": "notify-email", "role": "notify-webhook"}[name], FilterSubject: runsOf(events.Ended, name), AckPolicy: jetstream.AckExplicitPolicy,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for n := 0; n < b.N; {
		batch, err := cons.Fetch(min(256, b.N-n), jetstream.FetchMaxWait(5*time.Second))
		if err != nil {
			b.Fatal(err)
		}
		for m := range batch.Messages() {
			if err := m.Ack(); err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
}
