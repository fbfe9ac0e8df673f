package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"spool.internal/events/jet"
)

// Options say what a backup is of and who may open it.
type Options struct {
	Spool  string            // version of the program
	Store  Store             // which store it is
	To     []age.Recipient   // who may open it; empty = whoever has the file
	Keys   map[string][]byte // files of keys, by name; only with To
	Report func(Progress)    // is told how far it is; nil = nobody asks
}

// Progress is how far a backup or a restore is.
type Progress struct {
	Stream string
	Bytes  int64 // since the begin, as the streams hold them
}

// How often a stream is taken again that could not be read to its end, as when its leader has
// changed, and how often all are, because of what is told at [taker.pass].
const (
	maxTries  = 5
	maxPasses = 3
)

// Take writes a backup of a store to w while it is in use. Without an error the backup is whole,
// once the caller has what was written on the disk.
func Take(ctx context.Context, nc *nats.Conn, w io.Writer, o Options) (*Manifest, error) {
	if len(o.Keys) > 0 && len(o.To) == 0 {
		return nil, errors.New("keys are only kept in a backup that is encrypted")
	}
	head := Head{Format: Format, Spool: o.Spool, Made: time.Now().UTC().Truncate(time.Millisecond), Encrypted: len(o.To) > 0, Store: o.Store}
	if err := head.Store.ask(ctx, nc); err != nil {
		return nil, err
	}
	out, err := newWriter(w, o.To, head.Made)
	if err != nil {
		return nil, err
	}
	t := &taker{nc: nc, out: out, report: o.Report, m: &Manifest{Head: head}, tries: map[string]int{}}
	if err := out.putJSON(headName, head); err != nil {
		return nil, err
	}
	if err := t.keys(o.Keys); err != nil {
		return nil, err
	}
	if err := t.streams(ctx); err != nil {
		return nil, err
	}
	t.m.Ended = time.Now().UTC().Truncate(time.Millisecond)
	if err := out.putJSON(manifestName, t.m); err != nil {
		return nil, err
	}
	return t.m, out.close()
}

// taker makes one backup.
type taker struct {
	nc     *nats.Conn
	out    *writer
	report func(Progress)
	m      *Manifest
	tries  map[string]int // by stream
	bytes  int64
}

func (t *taker) keys(all map[string][]byte) error {
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !keyNames.MatchString(name) {
			return fmt.Errorf("%q is no name of a file of keys", name)
		}
		if err := t.out.put(keysPrefix+name, all[name]); err != nil {
			return err
		}
		t.m.Keys = append(t.m.Keys, Key{Name: name, SHA256: sumOf(all[name])})
	}
	return nil
}

// streams takes all streams, upstream first. One thing goes against the stream: a dead letter that is
// retried goes back to TRIGGERS. If one left meanwhile it may be in neither, so all is taken again.
func (t *taker) streams(ctx context.Context) error {
	for range maxPasses {
		had, err := removed(ctx, t.nc, jet.DeadLettersStream)
		if err != nil {
			return err
		}
		taken, err := t.pass(ctx)
		if err != nil {
			return err
		}
		t.m.Streams = taken
		if s := t.m.stream(jet.DeadLettersStream); s == nil || s.Last-s.Messages == had {
			return nil
		}
	}
	return errors.New("dead letters were retried or deleted while the backup was made, three times in a row: make it again when that is over")
}

// pass takes each stream once.
func (t *taker) pass(ctx context.Context) (taken []Stream, err error) {
	names, err := streamNames(ctx, t.nc)
	if err != nil {
		return nil, err
	}
	for _, name := range Order(names) {
		s, err := t.stream(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("stream %s: %w", name, err)
		}
		taken = append(taken, s)
	}
	if len(taken) == 0 {
		return nil, errors.New("the store has no streams: nothing of Spool is in it")
	}
	return taken, nil
}

// stream takes a stream, again from the begin when its snapshot ends too early.
func (t *taker) stream(ctx context.Context, name string) (Stream, error) {
	var failed error
	for range maxTries {
		t.tries[name]++
		s, err := t.try(ctx, name, t.tries[name])
		if wrote, ok := errors.AsType[*writeError](err); ok {
			return s, wrote.err
		}
		if err == nil || ctx.Err() != nil {
			return s, err
		}
		failed = err
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return Stream{}, failed
}

// writeError is that the backup cannot be written, which trying again does not mend.
type writeError struct{ err error }

func (w *writeError) Error() string { return w.err.Error() }

// checked makes what is written fail as writeError.
type checked struct{ w io.Writer }

func (c checked) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	if err != nil {
		err = &writeError{err}
	}
	return n, err
}

func (t *taker) try(ctx context.Context, name string, try int) (Stream, error) {
	snap, err := takeSnapshot(ctx, t.nc, name)
	if err != nil {
		return Stream{}, err
	}
	defer snap.close()
	if err := t.out.putJSON(partName(name, try)+configName, snap.cfg); err != nil {
		return Stream{}, &writeError{err}
	}
	p := newPieces(t.out, name, try, func(n int) {
		if t.bytes += int64(n); t.report != nil {
			t.report(Progress{name, t.bytes})
		}
	})
	in := io.TeeReader(s2.NewReader(snap), checked{p})
	tally, err := visit(in, snap.cfg, visitor{})
	if err == nil {
		_, err = io.Copy(io.Discard, in) // until the server says that this was all
	}
	if err != nil {
		return Stream{}, err
	}
	if err := p.flush(); err != nil {
		return Stream{}, &writeError{err}
	}
	slices.Sort(tally.Consumers)
	s := Stream{Name: name, Try: try, Pieces: p.n, Size: p.size, SHA256: p.sum(), Tally: tally}
	return s, t.consumers(ctx, s)
}

// consumers refuses a snapshot that lacks consumers that the server has (nats-server has left them
// out before): work that nobody pulls would wait for ever.
func (t *taker) consumers(ctx context.Context, s Stream) error {
	have, err := durables(ctx, t.nc, s.Name)
	if err != nil {
		return err
	}
	for name, made := range have {
		if _, found := slices.BinarySearch(s.Consumers, name); !found && made.Before(t.m.Made) {
			return fmt.Errorf("the NATS server has left out consumer %s", name)
		}
	}
	return nil
}

// removed counts the messages that a stream has given away.
func removed(ctx context.Context, nc *nats.Conn, stream string) (uint64, error) {
	var info server.JSApiStreamInfoResponse
	if err := request(ctx, nc, "$JS.API.STREAM.INFO."+stream, nil, &info); err != nil {
		return 0, err
	}
	if info.Error != nil {
		if info.Error.ErrCode == uint16(server.JSStreamNotFoundErr) {
			return 0, nil
		}
		return 0, fmt.Errorf("stream %s: %w", stream, apiFault(info.Error))
	}
	return info.State.LastSeq - info.State.Msgs, nil
}
