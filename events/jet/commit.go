package jet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/events/wait"
)

// MaxBatch is how many messages one commit can hold.
const MaxBatch = 1000

// message is one message of a commit.
type message struct {
	Subject string
	Header  map[string]string
	Data    []byte
	Expect  *uint64 // the last sequence that Subject must have; 0 = none; nil = whatever
	Of      string  // with Expect: the filter of subjects whose last sequence is meant, when not Subject
}

// headersMore is how many headers a commit adds to a message.
const headersMore = 2

func (m message) wire() *nats.Msg {
	msg := &nats.Msg{Subject: m.Subject, Data: m.Data, Header: make(nats.Header, len(m.Header)+headersMore)}
	values := make([]string, 0, len(m.Header)) // of all headers, in one piece
	for k, v := range m.Header {
		values = append(values, v)
		msg.Header[k] = values[len(values)-1 : len(values) : len(values)]
	}
	if m.Expect != nil {
		msg.Header.Set("Nats-Expected-Last-Subject-Sequence", strconv.FormatUint(*m.Expect, 10))
		if m.Of != "" {
			msg.Header.Set("Nats-Expected-Last-Subject-Sequence-Subject", m.Of)
		}
	}
	return msg
}

// commit stores the messages in one stream, all or none, and gives the sequence
// of the last. The error is one of [IsConflict] (an Expect did not hold),
// [IsFull], [IsUnknown], or a fault that stored nothing.
func (b *Bus) commit(ctx context.Context, stream string, msgs ...message) (uint64, error) {
	if room := b.roomIn(stream); room != nil {
		if err := room.take(ctx, b, msgs); err != nil {
			return 0, fmt.Errorf("publish to %s: %w", stream, err)
		}
	}
	return b.commitAnyway(ctx, stream, msgs...)
}

// commitAnyway does not ask whether there is room.
func (b *Bus) commitAnyway(ctx context.Context, stream string, msgs ...message) (uint64, error) {
	if err := b.refuses(stream); err != nil {
		return 0, fmt.Errorf("publish to %s: %w", stream, err)
	}
	began := time.Now()
	seq, err := b.sendUntil(ctx, stream, msgs)
	if err == nil {
		b.figures.committed(stream, time.Since(began))
	}
	if err != nil && ctx.Err() == nil {
		b.refused(stream, err)
	}
	return seq, err
}

// sendUntil sends, in a cluster again while nobody was there to take it, for as long as a
// commit may take: a leader that stops in order has a successor within a second.
func (b *Bus) sendUntil(ctx context.Context, stream string, msgs []message) (seq uint64, err error) {
	for deadline := time.Now().Add(commitMost); ; {
		seq, err = b.send(ctx, stream, msgs...)
		if !errors.Is(err, errUnsent) || !b.clustered() || b.health.away(stream) > commitMost || time.Now().After(deadline) {
			return seq, err
		}
		b.health.miss(stream, time.Now(), "has no leader")
		if wait.Sleep(ctx, tryPause) != nil {
			return seq, err
		}
	}
}

func (b *Bus) send(ctx context.Context, stream string, msgs ...message) (uint64, error) {
	for _, m := range msgs {
		recordOut(m.Subject)
	}
	ctx, cancel := b.onWire(ctx, b.commitPatience())
	defer cancel()
	defer b.whileTaken(stream, cancel)()
	ctx, done := b.untilDenied(ctx, func(s string) bool { return slices.ContainsFunc(msgs, func(m message) bool { return m.Subject == s }) })
	defer done()
	batch := nuid.Next()
	last := len(msgs) - 1
	for i, m := range msgs {
		m.Header = b.stamp(m.Header)
		msg := m.wire()
		if last > 0 {
			msg.Header.Set("Nats-Batch-Id", batch)
			msg.Header.Set("Nats-Batch-Sequence", strconv.Itoa(i+1))
		}
		if i < last {
			if err := b.nc.PublishMsg(msg); err != nil {
				return 0, b.publishError(stream, err)
			}
			if stream == streamJobs {
				faultpoint.Hit(faultpoint.JobKeyed)
			}
			continue
		}
		if last > 0 {
			msg.Header.Set("Nats-Batch-Commit", "1")
		}
		answer, err := b.nc.RequestMsgWithContext(ctx, msg)
		if err != nil {
			return 0, b.publishError(stream, deniedOr(ctx, err))
		}
		return b.readAck(stream, answer)
	}
	return 0, nil
}

func (b *Bus) readAck(stream string, m *nats.Msg) (uint64, error) {
	if seq, ok := ackedAt(m.Data); ok {
		return seq, nil
	}
	var ack struct {
		Sequence uint64    `json:"seq"`
		Error    *apiFault `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &ack); err != nil {
		return 0, b.publishError(stream, err)
	}
	if ack.Error != nil {
		return 0, b.apiError(stream, *ack.Error)
	}
	return ack.Sequence, nil
}

// ackedAt reads the sequence out of an answer that holds no error, without reading all of it.
func ackedAt(data []byte) (seq uint64, ok bool) {
	if bytes.Contains(data, []byte(`"error"`)) {
		return 0, false
	}
	_, after, found := bytes.Cut(data, []byte(`"seq":`))
	n := 0
	for n < len(after) && '0' <= after[n] && after[n] <= '9' {
		n++
	}
	if !found || n == 0 {
		return 0, false
	}
	seq, err := strconv.ParseUint(string(after[:n]), 10, 64)
	return seq, err == nil
}

// pair is a claim on the ledger and the work that goes with it.
type pair struct {
	Claim message // Expect is set to 0
	Work  []message
}

// commitPairs commits each pair whose claim is not taken yet, in as few batches
// as possible, and tells which this call has won. After an error the pairs up
// to it are as told; the others must be tried again.
func (b *Bus) commitPairs(ctx context.Context, stream string, pairs []pair) (won []bool, err error) {
	won = make([]bool, len(pairs))
	for start := 0; start < len(pairs); {
		end, size := start, 0
		for end < len(pairs) && size+1+len(pairs[end].Work) <= MaxBatch {
			size += 1 + len(pairs[end].Work)
			end++
		}
		if err := b.commitGroup(ctx, stream, pairs[start:end], won[start:end]); err != nil {
			return won, err
		}
		start = end
	}
	return won, nil
}

// commitGroup commits one batch. When it is rejected it asks the ledger which
// claims are taken, leaves those out and tries again: the rest is one batch
// however many were taken.
func (b *Bus) commitGroup(ctx context.Context, stream string, pairs []pair, won []bool) error {
	open := make([]int, len(pairs))
	for i := range open {
		open[i] = i
	}
	for {
		var msgs []message
		for _, i := range open {
			claim := pairs[i].Claim
			claim.Expect = new(uint64(0))
			msgs = append(append(msgs, claim), pairs[i].Work...)
		}
		_, err := b.commit(ctx, stream, msgs...)
		if err == nil {
			for _, i := range open {
				won[i] = true
			}
			return nil
		}
		if !IsConflict(err) && !IsFull(err) {
			return err
		}
		rest, kerr := b.unclaimed(ctx, stream, pairs, open, IsFull(err))
		if kerr != nil {
			return kerr
		}
		if IsFull(err) && len(rest) == len(open) {
			return err
		}
		if len(rest) == 0 {
			return nil
		}
		if len(rest) == len(open) { // a copy that was asked does not know yet what the leader refused
			_ = wait.Sleep(ctx, 2*time.Millisecond) // the next commit sees the end of ctx
		}
		open = rest
	}
}

// unclaimed gives those of the open pairs that are not taken: neither is their
// claim in the ledger, nor is their work in the queue ahead of it. What a copy that lags
// does not know is tried again, unless it is to be sure.
func (b *Bus) unclaimed(ctx context.Context, stream string, pairs []pair, open []int, sure bool) (rest []int, err error) {
	var subjects []string
	for _, i := range open {
		subjects = append(subjects, pairs[i].Claim.Subject)
		for _, w := range pairs[i].Work {
			subjects = append(subjects, w.Subject)
		}
	}
	ask := b.known
	if sure {
		ask = b.knownSure
	}
	known, err := ask(ctx, stream, subjects)
	if err != nil {
		return nil, err
	}
	for n, i := 0, 0; i < len(open); i++ {
		end := n + 1 + len(pairs[open[i]].Work)
		if !slices.Contains(known[n:end], true) {
			rest = append(rest, open[i])
		}
		n = end
	}
	return rest, nil
}

// body is the JSON of a type of ours.
func body(v any) []byte { return events.Encode(v) }
