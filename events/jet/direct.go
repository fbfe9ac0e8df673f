package jet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// many asks for messages of a stream by their sequences. Of bare ones the body alone is told, without the headers: of
// what is a kilobyte long that is half the work of server and client.
type many struct {
	stream string
	seqs   []uint64
	bare   bool
}

// getMany reads messages by their sequences, in one go: the requests do not
// wait for each other's answers. f is called in the order of the answers, with
// the index of the sequence, until it answers false; what is gone is left out.
func (b *Bus) getMany(ctx context.Context, q many, f func(i int, m Stored) bool) error {
	stream, seqs := q.stream, q.seqs
	ctx, cancel := b.asking(ctx, stream, questionAlone)
	defer cancel()
	subject := apiPrefix + directGet + "." + stream
	ctx, done := b.untilDenied(ctx, func(s string) bool { return s == subject })
	defer done()
	inbox := b.nc.NewRespInbox()
	answers := make(chan *nats.Msg, 2*len(seqs)) // some are asked for twice
	sub, err := b.nc.ChanSubscribe(inbox+".*", answers)
	if err != nil {
		return fmt.Errorf("read %s: %w", stream, b.fault(stream, err))
	}
	defer sub.Unsubscribe() //nolint:errcheck // the answers that still come are not wanted
	open := make(map[int]bool, len(seqs))
	for i := range seqs {
		open[i] = true
	}
	for ask := true; len(open) > 0; {
		if ask {
			if err := b.askEach(subject, inbox, q, open); err != nil {
				return fmt.Errorf("read %s: %w", stream, b.fault(stream, err))
			}
		}
		m, err := b.nextAnswer(ctx, answers)
		if ask = errors.Is(err, errSilent); ask {
			continue
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", stream, b.fault(stream, deniedOr(ctx, err)))
		}
		i, err := strconv.Atoi(m.Subject[len(inbox)+1:])
		if err != nil {
			return fmt.Errorf("read %s: %w", stream, err)
		}
		if !open[i] {
			continue
		}
		more := true
		if q.bare && len(m.Header) == 0 { // an answer that is no message has a header
			more = f(i, Stored{Sequence: seqs[i], Data: m.Data})
		} else if _, err := b.directAnswer(stream, m, func(s Stored) bool { more = f(i, s); return false }); err != nil {
			if b.clustered() && errors.Is(err, errUnsent) && ctx.Err() == nil {
				continue // it is asked for again
			}
			return err
		}
		if !more {
			return nil
		}
		delete(open, i)
	}
	return nil
}

func (b *Bus) askEach(subject, inbox string, q many, open map[int]bool) error {
	end := "}"
	if q.bare {
		end = `,"no_hdr":true}`
	}
	for i := range q.seqs {
		if !open[i] {
			continue
		}
		request := append(strconv.AppendUint([]byte(`{"seq":`), q.seqs[i], 10), end...)
		if err := b.nc.PublishRequest(subject, inbox+"."+strconv.Itoa(i), request); err != nil {
			return err
		}
	}
	return nil
}

// errSilent says that no answer has come for as long as a try lasts in a cluster.
var errSilent = errors.New("silence")

// nextAnswer waits for one.
func (b *Bus) nextAnswer(ctx context.Context, answers <-chan *nats.Msg) (*nats.Msg, error) {
	var silent <-chan time.Time // alone: never
	if b.clustered() {
		timer := time.NewTimer(questionTry)
		defer timer.Stop()
		silent = timer.C
	}
	select {
	case m := <-answers:
		return m, nil
	case <-silent:
		return nil, errSilent
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// direct reads from any replica. A request without "batch" or "multi_last" has one answer.
func (b *Bus) direct(ctx context.Context, stream string, request map[string]any, f func(Stored) bool) error {
	recordRead(request)
	ctx, cancel := b.asking(ctx, stream, questionAlone)
	defer cancel()
	_, batch := request["batch"]
	if _, multi := request["multi_last"]; !batch && !multi {
		m, err := b.api(ctx, directGet, stream, request)
		if err != nil {
			return fmt.Errorf("read %s: %w", stream, b.fault(stream, err))
		}
		_, err = b.directAnswer(stream, m, f)
		return err
	}
	data, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("read %s: %w", stream, err)
	}
	for {
		came, err := b.directBatch(ctx, stream, data, f)
		if err == nil || came || !b.clustered() || !errors.Is(err, errSilent) && !errors.Is(err, errUnsent) {
			return err
		}
		select {
		case <-time.After(tryPause):
		case <-ctx.Done():
			return fmt.Errorf("read %s: %w", stream, b.fault(stream, ctx.Err()))
		}
	}
}

// directBatch asks once for many answers; came says that one has come.
func (b *Bus) directBatch(ctx context.Context, stream string, request []byte, f func(Stored) bool) (came bool, err error) {
	subject := apiPrefix + directGet + "." + stream
	ctx, done := b.untilDenied(ctx, func(s string) bool { return s == subject })
	defer done()
	inbox := b.nc.NewRespInbox()
	answers := make(chan *nats.Msg, maxMulti+1) // all that one request can bring, and its end
	sub, err := b.nc.ChanSubscribe(inbox, answers)
	if err != nil {
		return false, fmt.Errorf("read %s: %w", stream, b.fault(stream, err))
	}
	defer sub.Unsubscribe() //nolint:errcheck // the answers that still come are not wanted
	if err := b.nc.PublishRequest(subject, inbox, request); err != nil {
		return false, fmt.Errorf("read %s: %w", stream, b.fault(stream, err))
	}
	for {
		m, err := b.nextAnswer(ctx, answers)
		switch {
		case errors.Is(err, errSilent) && !came:
			return false, err
		case errors.Is(err, errSilent):
			continue // the rest may come late; ctx ends the wait for it
		case err != nil:
			return came, fmt.Errorf("read %s: %w", stream, b.fault(stream, deniedOr(ctx, err)))
		}
		more, err := b.directAnswer(stream, m, f)
		if err != nil || !more {
			return came, err
		}
		came = true
	}
}

// directAnswer passes one answer on; more says that another may follow.
func (b *Bus) directAnswer(stream string, m *nats.Msg, f func(Stored) bool) (more bool, err error) {
	switch status := m.Header.Get("Status"); {
	case status == "404" || status == "204" && len(m.Data) == 0: // nothing there; end of batch
		return false, nil
	case status == "503":
		return false, fmt.Errorf("read %s: %w", stream, b.fault(stream, nats.ErrNoResponders))
	case status == "500": // the replica is being closed, or is not open yet
		return false, fmt.Errorf("read %s: %w", stream, b.unavailable(stream, "the store is busy"))
	case status != "":
		return false, fmt.Errorf("read %s: status %s %s", stream, status, m.Header.Get("Description"))
	}
	s, err := fromDirect(m)
	if err != nil {
		return false, fmt.Errorf("read %s: %w", stream, err)
	}
	return f(s), nil
}

func fromDirect(m *nats.Msg) (Stored, error) {
	seq, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
	if err != nil {
		return Stored{}, errors.New("an answer without a sequence")
	}
	at, err := time.Parse(time.RFC3339Nano, m.Header.Get("Nats-Time-Stamp"))
	if err != nil {
		return Stored{}, errors.New("an answer without a time")
	}
	return Stored{m.Header.Get("Nats-Subject"), seq, at, m.Header, m.Data}, nil
}
