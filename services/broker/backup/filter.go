package backup

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats-server/v2/server/archive"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// filter copies a stream without what is not to live again: API tokens and subscribers that may have been
// revoked since, sessions, and consumers of connections that are over. Sequences stay what they were.
type filter struct {
	to   *archive.Writer
	want *Stream
	in   Into
	done *Restored
}

func (f *filter) visitor(stream string) visitor {
	v := visitor{state: f.state, consumer: f.consumer, message: f.message, bodies: true}
	switch stream {
	case jet.TokensStream:
		v.message = f.token
	case jet.StateStream:
		v.message = f.nothing
	case jet.SubscribersStream:
		if !f.in.KeepTokens {
			v.message = f.subscriber
		}
	}
	return v
}

func (f *filter) state(s server.StreamState) error {
	s.Consumers = len(f.want.Consumers)
	return f.json(stateName, s)
}

func (f *filter) consumer(name string, c server.SnapshotConsumerState) error {
	if c.Durable == "" {
		return nil
	}
	if c.Replicas > f.in.Replicas {
		c.Replicas = 0 // as many as the stream
	}
	return f.json(consumerPrefix+name, c)
}

func (f *filter) json(name string, v any) error {
	text, err := json.Marshal(v)
	if err == nil {
		err = f.to.WriteHeader(&archive.Header{Name: name, Timestamp: time.Now().UnixNano(), PayloadSize: int64(len(text))})
	}
	if err == nil {
		_, err = f.to.Write(text)
	}
	return err
}

func (f *filter) message(h *archive.Header, header, body []byte) error {
	err := f.to.WriteHeader(h)
	if err == nil {
		_, err = f.to.Write(header)
	}
	if err == nil {
		_, err = f.to.Write(body)
	}
	return err
}

func (f *filter) nothing(*archive.Header, []byte, []byte) error { return nil }

// deletion marks a key of a bucket as deleted: what is revoked stays revoked.
var deletion = []byte("KV-Operation:")

// token keeps the seal key and the like, and what says that a token is revoked.
func (f *filter) token(h *archive.Header, header, body []byte) error {
	id, isToken := strings.CutPrefix(h.Name, jet.TokenKey(""))
	if !isToken || strings.HasPrefix(id, "_") || bytes.Contains(header, deletion) {
		return f.message(h, header, body)
	}
	var t events.Token
	if json.Unmarshal(body, &t) == nil && t.KindOf() == events.SessionToken {
		f.done.Sessions++
		return nil
	}
	if !f.in.KeepTokens {
		f.done.Tokens++
		return nil
	}
	return f.message(h, header, body)
}

// subscriber revokes a subscriber.
func (f *filter) subscriber(h *archive.Header, header, body []byte) error {
	var s events.Subscriber
	if json.Unmarshal(body, &s) != nil || !s.Open(time.Now()) {
		return f.message(h, header, body)
	}
	f.done.Subscribers++
	s.Revoked = time.Now().UTC()
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	changed := *h
	changed.PayloadSize = int64(len(body))
	return f.message(&changed, header, body)
}
