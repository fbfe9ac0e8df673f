package eventstest

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Message is one message as a stream holds it.
type Message struct {
	Stream, Subject string
	Header          nats.Header
	Data            []byte
}

// EachMessage calls f with all that the streams of the server hold, for tests that look
// for what must not be there.
func (s *Server) EachMessage(t testing.TB, f func(Message)) {
	t.Helper()
	nc, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	streams := js.ListStreams(ctx)
	for info := range streams.Info() {
		stream, err := js.Stream(ctx, info.Config.Name)
		if err != nil {
			t.Fatal(err)
		}
		for seq := info.State.FirstSeq; seq > 0 && seq <= info.State.LastSeq; seq++ {
			if m, err := stream.GetMsg(ctx, seq); err == nil { // else it is gone
				f(Message{info.Config.Name, m.Subject, m.Header, m.Data})
			}
		}
	}
	if err := streams.Err(); err != nil {
		t.Fatal(err)
	}
}

// Count counts the messages on a subject, such as one that the server's API is asked on, whose
// data contain a text. It counts from its return until the test ends.
func (s *Server) Count(t testing.TB, subject, text string) *atomic.Int64 {
	t.Helper()
	nc, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	var n atomic.Int64
	if _, err := nc.Subscribe(subject, func(m *nats.Msg) {
		if bytes.Contains(m.Data, []byte(text)) {
			n.Add(1)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return &n
}
