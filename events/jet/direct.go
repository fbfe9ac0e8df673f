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
