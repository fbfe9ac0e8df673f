package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// How a snapshot is sent: the server stops after a window of chunks that are not acknowledged, and
// gives up when it hears of none for 5 s.
const (
	chunkSize  = 32 << 10
	windowSize = 1 << 20
	ackEvery   = 2 * time.Second // while whoever reads stands still
	mostStored = 64 << 20        // what may come meanwhile: more than two hours of it
	silence    = 30 * time.Second
)

// snapshot is a stream that the server is sending. It is read as it comes.
type snapshot struct {
	cfg   server.StreamConfig
	state server.StreamState

	gone <-chan struct{} // whoever reads wants no more
	sub  *nats.Subscription

	mu   sync.Mutex
	came []*nats.Msg
	size int       // of what came
	told int       // how many of came are acknowledged already
	last time.Time // when one was
	news chan struct{}
	stop chan struct{}
	rest []byte
	err  error
}

// take asks for a snapshot of a stream.
func takeSnapshot(ctx context.Context, nc *nats.Conn, stream string) (s *snapshot, err error) {
	s = &snapshot{gone: ctx.Done(), news: make(chan struct{}, 1), stop: make(chan struct{}), last: time.Now()}
	inbox := nc.NewInbox()
	if s.sub, err = nc.Subscribe(inbox, s.receive); err != nil {
		return nil, err
	}
	_ = s.sub.SetPendingLimits(-1, -1) // acks bound it
	ask, err := json.Marshal(server.JSApiStreamSnapshotRequest{DeliverSubject: inbox, ChunkSize: chunkSize, WindowSize: windowSize})
	if err != nil {
		return nil, err
	}
	var answer server.JSApiStreamSnapshotResponse
	if err := request(ctx, nc, "$JS.API.STREAM.SNAPSHOT."+stream, ask, &answer); err != nil {
		return nil, errors.Join(err, s.sub.Unsubscribe())
	}
	if answer.Error != nil || answer.Config == nil || answer.State == nil {
		return nil, errors.Join(fmt.Errorf("the NATS server refuses: %w", apiFault(answer.Error)), s.sub.Unsubscribe())
	}
	s.cfg, s.state = *answer.Config, *answer.State
	go s.keepAlive() // ended by close
	return s, nil
}

func (s *snapshot) close() {
	close(s.stop)
	_ = s.sub.Unsubscribe() // the server notices
}

func (s *snapshot) receive(m *nats.Msg) {
	s.mu.Lock()
	s.came, s.size = append(s.came, m), s.size+len(m.Data)
	s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// keepAlive acknowledges a chunk now and then that nobody has read yet, so that the server does not
// give up while the disk, or the program behind a pipe, stands still.
func (s *snapshot) keepAlive() {
	every := time.NewTicker(ackEvery)
	defer every.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-every.C:
		}
		s.mu.Lock()
		if time.Since(s.last) > ackEvery && s.told < len(s.came) && s.size < mostStored {
			s.ack(s.came[s.told])
			s.told++
		}
		s.mu.Unlock()
	}
}

// ack lets the server send one more chunk; with the lock held.
func (s *snapshot) ack(m *nats.Msg) {
	s.last = time.Now()
	if m.Reply != "" {
		_ = m.Respond(nil) // if it is lost the snapshot ends, and is taken again
	}
}

// pop waits for the next chunk.
func (s *snapshot) pop() (*nats.Msg, error) {
	patience := time.NewTimer(silence)
	defer patience.Stop()
	for {
		s.mu.Lock()
		if len(s.came) > 0 {
			m := s.came[0]
			s.came[0] = nil
			s.came, s.size = s.came[1:], s.size-len(m.Data)
			if s.told > 0 {
				s.told--
			} else {
				s.ack(m)
			}
			s.mu.Unlock()
			return m, nil
		}
		s.mu.Unlock()
		select {
		case <-s.news:
		case <-patience.C:
			return nil, fmt.Errorf("the NATS server has sent nothing for %s", silence)
		case <-s.gone:
			return nil, context.Canceled
		}
	}
}

func (s *snapshot) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		m, err := s.pop()
		switch {
		case err != nil:
			s.err = err
		case len(m.Data) > 0:
			s.rest = m.Data
		case m.Header.Get("Status") == "" || m.Header.Get("Status") == "204":
			s.err = io.EOF
		default:
			s.err = fmt.Errorf("the NATS server has given up: %s %s", m.Header.Get("Status"), m.Header.Get("Description"))
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// request asks the API of JetStream once.
func request(ctx context.Context, nc *nats.Conn, subject string, ask []byte, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	m, err := nc.RequestWithContext(ctx, subject, ask)
	if err != nil {
		return fmt.Errorf("ask the NATS server (%s): %w", subject, err)
	}
	return json.Unmarshal(m.Data, answer)
}

func apiFault(e *server.ApiError) error {
	if e == nil {
		return errors.New("it gives no reason")
	}
	return errors.New(e.Description)
}
