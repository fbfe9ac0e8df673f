package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats-server/v2/server/archive"
)

// What a stream is made of, as the NATS server writes it.
const (
	stateName      = "state.json"
	consumerPrefix = "consumers/"
)

// maxMessage is more than the server takes in.
const maxMessage = 8 << 20

// visitor is told what is in a stream, in order.
type visitor struct {
	state    func(server.StreamState) error
	consumer func(name string, c server.SnapshotConsumerState) error
	message  func(h *archive.Header, header, body []byte) error
	bodies   bool // whether message wants them
}

// visit reads a stream to its end and counts what is in it. A stream without its last entry is cut off.
func visit(r io.Reader, cfg server.StreamConfig, v visitor) (t Tally, err error) {
	in := archive.NewReader(r)
	var state server.StreamState
	if err := readJSON(in, stateName, &state); err != nil {
		return t, err
	}
	if v.state != nil {
		if err := v.state(state); err != nil {
			return t, err
		}
	}
	t.First, t.Last = state.FirstSeq, state.LastSeq
	for range state.Consumers {
		name, c, err := readConsumer(in)
		if err != nil {
			return t, err
		}
		if c.Durable != "" { // others are of a connection that is over
			t.Consumers = append(t.Consumers, name)
		}
		if v.consumer != nil {
			if err := v.consumer(name, c); err != nil {
				return t, err
			}
		}
	}
	return t, t.messages(in, cfg.MaxAge, v)
}

// messages reads the messages of a stream to its last entry.
func (t *Tally) messages(in *archive.Reader, age time.Duration, v visitor) error {
	var buf []byte
	now := time.Now()
	for last := uint64(0); ; {
		h, err := in.Next()
		if err != nil {
			return noEnd(err)
		}
		if h.Sequence == 0 {
			if h.Name != "" || h.HeaderSize != 0 || h.PayloadSize != 0 {
				return fmt.Errorf("it has an entry %.60q where messages are", h.Name)
			}
			return nil
		}
		if h.Sequence <= last || h.Sequence > t.Last || h.HeaderSize < 0 || h.PayloadSize < 0 ||
			h.HeaderSize > maxMessage || h.PayloadSize > maxMessage {
			return fmt.Errorf("message %d cannot be where it is", h.Sequence)
		}
		last = h.Sequence
		want := int(h.HeaderSize)
		if v.bodies {
			want += int(h.PayloadSize)
		}
		if cap(buf) < want {
			buf = make([]byte, want)
		}
		if _, err := io.ReadFull(in, buf[:want]); err != nil {
			return noEnd(err)
		}
		t.count(h, buf[:h.HeaderSize], age, now)
		if v.message != nil {
			if err := v.message(h, buf[:h.HeaderSize], buf[h.HeaderSize:want]); err != nil {
				return err
			}
		}
	}
}

// noEnd is the error of a stream that ends before its last entry.
func noEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, archive.ErrInvalidArchive) {
		return errors.New("it ends too early, or cannot be read: the NATS server must be 2.15 or newer")
	}
	return err
}

// count counts a message, and whether it has expired: a server drops those.
func (t *Tally) count(h *archive.Header, header []byte, age time.Duration, now time.Time) {
	t.Messages++
	ends := time.Time{}
	at := time.Unix(0, h.Timestamp)
	if age > 0 {
		ends = at.Add(age)
	}
	if ttl := ttlOf(header); ttl > 0 && (ends.IsZero() || at.Add(ttl).Before(ends)) {
		ends = at.Add(ttl)
	}
	if ends.IsZero() {
		return
	}
	if ends.Before(now) {
		t.expired++
	}
	if ends.Before(now.Add(time.Hour)) {
		t.soon++
	}
}

var ttlHeader = []byte("Nats-TTL:")

func ttlOf(header []byte) time.Duration {
	_, rest, found := bytes.Cut(header, ttlHeader)
	if !found {
		return 0
	}
	text, _, _ := bytes.Cut(rest, []byte("\r\n"))
	d, _ := time.ParseDuration(string(bytes.TrimSpace(text)))
	return d
}

func readConsumer(in *archive.Reader) (name string, c server.SnapshotConsumerState, err error) {
	h, text, err := readEntry(in)
	if err != nil {
		return "", c, err
	}
	name, ok := strings.CutPrefix(h.Name, consumerPrefix)
	if !ok {
		return "", c, fmt.Errorf("it has an entry %.60q where consumers are", h.Name)
	}
	if err := json.Unmarshal(text, &c); err != nil || c.ConsumerConfig == nil || c.ConsumerState == nil {
		return "", c, fmt.Errorf("its consumer %.60q cannot be read", name)
	}
	return name, c, nil
}

func readJSON(in *archive.Reader, name string, v any) error {
	h, text, err := readEntry(in)
	if err == nil && h.Name != name {
		err = fmt.Errorf("it begins with %.60q, not %s", h.Name, name)
	}
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	return err
}

func readEntry(in *archive.Reader) (*archive.Header, []byte, error) {
	h, err := in.Next()
	if err != nil {
		return nil, nil, noEnd(err)
	}
	if h.HeaderSize != 0 || h.PayloadSize < 0 || h.PayloadSize > maxMessage {
		return nil, nil, fmt.Errorf("its entry %.60q is larger than can be", h.Name)
	}
	text := make([]byte, h.PayloadSize)
	if _, err := io.ReadFull(in, text); err != nil {
		return nil, nil, noEnd(err)
	}
	return h, text, nil
}
