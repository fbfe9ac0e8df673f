package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats-server/v2/server/archive"
	"github.com/nats-io/nats.go"

	"spool.internal/events/jet"
	"spool.internal/events/wait"
)

// Into says how a backup is restored.
type Into struct {
	Replicas   int // of each stream
	KeepTokens bool
	From       string         // the name of the file
	Held       string         // why nothing may be fired or dispatched at first; "" = it may
	Report     func(Progress) // is told how far it is; nil = nobody asks

	marked bool // the store is marked as one that nothing may work on yet
}

// Restored is what became of a restore.
type Restored struct {
	Tokens      int // API tokens that were dropped
	Sessions    int // sessions that were
	Subscribers int // subscribers that were revoked
}

// Restore restores a backup that was checked into a store without streams. The last stream is the one that
// services wait for: until it is there, without its mark, nothing begins to work on the store.
func Restore(ctx context.Context, nc *nats.Conn, c *Checked, in Into) (*Restored, error) {
	b, err := c.again()
	if err != nil {
		return nil, err
	}
	defer b.close()
	r := &restorer{nc: nc, c: c, in: in, done: &Restored{}}
	for b.err == nil && b.name != "" && b.name != manifestName {
		if _, is := keyName(b.name); is {
			if _, err := b.text(); err != nil {
				return nil, plain(err)
			}
			b.next()
			continue
		}
		if err := r.stream(ctx, b); err != nil {
			return nil, plain(err)
		}
	}
	if b.err != nil {
		return nil, plain(b.err)
	}
	if r.restored != len(c.Streams) {
		return nil, errors.New("the file has changed since it was checked")
	}
	return r.done, nil
}

type restorer struct {
	nc       *nats.Conn
	c        *Checked
	in       Into
	done     *Restored
	restored int
	bytes    int64
}

func (r *restorer) stream(ctx context.Context, b *reader) error {
	p, settings, err := b.part()
	if err != nil {
		return err
	}
	want := r.c.stream(p.stream)
	if want == nil || want.Try != p.try {
		_, err := p.rest()
		return err
	}
	var cfg server.StreamConfig
	if err := json.Unmarshal(settings, &cfg); err != nil {
		return fmt.Errorf("the settings of stream %s cannot be read", p.stream)
	}
	if err := r.fill(ctx, p, cfg, want); err != nil {
		return fmt.Errorf("stream %s: %w", p.stream, err)
	}
	is, err := p.rest()
	if err == nil && is.SHA256 != want.SHA256 {
		err = errors.New("the file has changed since it was checked")
	}
	r.restored++
	return err
}

// fill sends a stream to the server.
func (r *restorer) fill(ctx context.Context, p *part, cfg server.StreamConfig, want *Stream) error {
	stored := cfg
	stored.Replicas = r.in.Replicas
	if cfg.Name == jet.TokensStream {
		marks := jet.Marks{Format: r.c.Store.Format, Held: r.in.Held, Restoring: r.in.marked}
		if stored.Metadata == nil {
			stored.Metadata = map[string]string{}
		}
		marks.Put(stored.Metadata)
	}
	out, err := r.begin(ctx, stored, want)
	if err != nil {
		return err
	}
	packed := s2.NewWriter(out, s2.WriterBlockSize(64<<10), s2.WriterConcurrency(1))
	f := &filter{to: archive.NewWriter(packed), want: want, in: r.in, done: r.done}
	if _, err := visit(p, cfg, f.visitor(cfg.Name)); err != nil {
		return err
	}
	if err := errors.Join(f.to.WriteHeader(&archive.Header{}), f.to.Close(), packed.Close()); err != nil {
		return err
	}
	return out.end()
}

// sender sends what is written to it, each write answered before the next.
type sender struct {
	send   func(b []byte, within time.Duration) (*nats.Msg, error)
	stream string
	r      *restorer
}

func (r *restorer) begin(ctx context.Context, cfg server.StreamConfig, want *Stream) (*sender, error) {
	ask, err := json.Marshal(server.JSApiStreamRestoreRequest{Config: cfg, State: server.StreamState{
		Msgs: want.Messages, FirstSeq: want.First, LastSeq: want.Last, Consumers: len(want.Consumers),
	}})
	if err != nil {
		return nil, err
	}
	var answer server.JSApiStreamRestoreResponse
	if err := request(ctx, r.nc, "$JS.API.STREAM.RESTORE."+cfg.Name, ask, &answer); err != nil {
		return nil, err
	}
	if answer.Error != nil || answer.DeliverSubject == "" {
		return nil, fmt.Errorf("the NATS server refuses: %w", apiFault(answer.Error))
	}
	send := func(b []byte, within time.Duration) (*nats.Msg, error) {
		ctx, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		for began := time.Now(); ; {
			m, err := r.nc.RequestWithContext(ctx, answer.DeliverSubject, b)
			// In a cluster the answer may be here before the machine knows who listens there.
			if !errors.Is(err, nats.ErrNoResponders) || time.Since(began) > listensWithin || wait.Sleep(ctx, 20*time.Millisecond) != nil {
				return m, err
			}
		}
	}
	return &sender{send, cfg.Name, r}, nil
}

// How long a server may take for one piece, with a disk that syncs each message slowly, and until the
// stream is there.
const (
	pieceFor = 2 * time.Minute
	endFor   = 10 * time.Minute
)

// listensWithin is how long after its answer the server may take to listen for pieces.
const listensWithin = 5 * time.Second

func (s *sender) Write(b []byte) (int, error) {
	if len(b) == 0 { // would be the end
		return 0, nil
	}
	m, err := s.send(b, pieceFor)
	if err != nil {
		return 0, fmt.Errorf("the NATS server does not take it: %w", err)
	}
	if len(m.Data) > 0 {
		var answer server.JSApiStreamCreateResponse
		_ = json.Unmarshal(m.Data, &answer) // what cannot be read is no reason
		return 0, fmt.Errorf("the NATS server does not take it: %w", apiFault(answer.Error))
	}
	if s.r.bytes += int64(len(b)); s.r.in.Report != nil {
		s.r.in.Report(Progress{s.stream, s.r.bytes})
	}
	return len(b), nil
}

// end waits until the stream is there.
func (s *sender) end() error {
	m, err := s.send(nil, endFor)
	if err != nil {
		return fmt.Errorf("the NATS server does not end it: %w", err)
	}
	var answer server.JSApiStreamCreateResponse
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return err
	}
	if answer.Error != nil {
		return fmt.Errorf("the NATS server does not take it: %w", apiFault(answer.Error))
	}
	return nil
}
