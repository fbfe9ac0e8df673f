package jet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events"
)

// Stored is a message as a stream holds it.
type Stored struct {
	Subject  string
	Sequence uint64
	Time     time.Time
	header   nats.Header
	Data     []byte
}

// maxMulti is how many subjects one batched get may name.
const maxMulti = 500

// everySubject is a filter that all messages of a stream meet. The broker knows the
// last of them without looking for it.
const everySubject = ">"

// last asks the leader of a stream for the last message of a subject, or of a filter:
// that of the reader, seldom [everySubject], since a stream holds what its reader does
// not hear of, as a [probeSubject]. found is false when there is none. It is the barrier
// for what must not be missed; it reads its own and everybody's writes.
func (b *Bus) last(ctx context.Context, stream, subject string) (m Stored, found bool, err error) {
	if subject != everySubject { // which reads nothing but where the stream ends
		recordIn(subject)
	}
	asked := time.Now()
	ctx, cancel := b.asking(ctx, stream, questionAlone)
	defer cancel()
	answer, err := b.api(ctx, streamGet, stream, map[string]string{"last_by_subj": subject})
	if err != nil {
		b.silence(stream, asked, err)
		return Stored{}, false, fmt.Errorf("read %s %s: %w", stream, subject, b.fault(stream, err))
	}
	var r struct {
		Error   *apiFault `json:"error"`
		Message struct {
			Subject string    `json:"subject"`
			Seq     uint64    `json:"seq"`
			Time    time.Time `json:"time"`
			Header  []byte    `json:"hdrs"`
			Data    []byte    `json:"data"`
		} `json:"message"`
	}
	if err := json.Unmarshal(answer.Data, &r); err != nil {
		return Stored{}, false, fmt.Errorf("read %s %s: %w", stream, subject, err)
	}
	if r.Error == nil || r.Error.ErrCode == codeNoMessage {
		b.health.hear(stream)
	}
	if r.Error != nil {
		if r.Error.ErrCode == codeNoMessage {
			return Stored{}, false, nil
		}
		return Stored{}, false, fmt.Errorf("read %s %s: %w", stream, subject, b.apiError(stream, *r.Error))
	}
	m = Stored{Subject: r.Message.Subject, Sequence: r.Message.Seq, Time: r.Message.Time, Data: r.Message.Data}
	if len(r.Message.Header) > 0 {
		if m.header, err = nats.DecodeHeadersMsg(r.Message.Header); err != nil {
			return Stored{}, false, fmt.Errorf("read %s %s: %w", stream, subject, err)
		}
	}
	return m, true, nil
}

// silence notes what it means that a leader did not answer.
func (b *Bus) silence(stream string, asked time.Time, err error) {
	if _, denied := errors.AsType[*deniedError](err); !denied && b.clustered() && b.nc.IsConnected() && time.Since(asked) > tryPause {
		b.health.miss(stream, asked, "has no leader that answers")
	}
}

// known asks a stream which of the subjects hold a message.
func (b *Bus) known(ctx context.Context, stream string, subjects []string) ([]bool, error) {
	at := make(map[string][]int, len(subjects))
	for i, s := range subjects {
		at[s] = append(at[s], i)
	}
	known := make([]bool, len(subjects))
	for start := 0; start < len(subjects); start += maxMulti {
		part := subjects[start:min(start+maxMulti, len(subjects))]
		err := b.direct(ctx, stream, map[string]any{"multi_last": part}, func(m Stored) bool {
			for _, i := range at[m.Subject] {
				known[i] = true
			}
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	return known, nil
}

// since calls f with the messages of one subject that were stored at or after
// t, oldest first, until f answers false.
func (b *Bus) since(ctx context.Context, stream, subject string, t time.Time, f func(Stored) bool) error {
	if t.IsZero() {
		return b.after(ctx, stream, subject, 0, f)
	}
	return b.next(ctx, stream, map[string]any{"next_by_subj": subject, "batch": 256, "start_time": t.UTC()}, f)
}

// after is Since for the messages that follow a sequence.
func (b *Bus) after(ctx context.Context, stream, subject string, seq uint64, f func(Stored) bool) error {
	return b.next(ctx, stream, map[string]any{"next_by_subj": subject, "batch": 256, "seq": seq + 1}, f)
}

func (b *Bus) next(ctx context.Context, stream string, request map[string]any, f func(Stored) bool) error {
	for {
		n, more, last := 0, true, uint64(0)
		err := b.direct(ctx, stream, request, func(m Stored) bool {
			n, last = n+1, m.Sequence
			more = f(m)
			return more
		})
		if err != nil && n > 0 && more && b.clustered() && ctx.Err() == nil {
			err, n = nil, 256 // the rest from another replica
		}
		if err != nil || !more || n < 256 {
			return err
		}
		delete(request, "start_time")
		request["seq"] = last + 1
	}
}

// get reads one message by its sequence; found is false when it is gone.
func (b *Bus) get(ctx context.Context, stream string, seq uint64) (m Stored, found bool, err error) {
	err = b.direct(ctx, stream, map[string]any{"seq": seq}, func(s Stored) bool {
		m, found = s, s.Sequence == seq
		return false
	})
	return m, found, err
}

// purgeRequest says what a purge takes out: all below a filter, or all but the newest
// Keep, or what lies before a sequence.
type purgeRequest struct {
	Filter string `json:"filter"`
	Keep   int    `json:"keep,omitempty"`
	Before uint64 `json:"seq,omitempty"`
}

func (b *Bus) purge(ctx context.Context, stream string, r purgeRequest) error {
	if b.tight != nil {
		if err := b.tight(); err != nil {
			return fmt.Errorf("purge %s: %w", stream, err)
		}
	}
	if b.health.cutOff(stream) {
		return fmt.Errorf("purge %s %s: %w", stream, r.Filter, b.unavailable(stream, ""))
	}
	ctx, cancel := b.asking(ctx, stream, 10*time.Second)
	defer cancel()
	answer, err := b.api(ctx, "STREAM.PURGE", stream, r)
	if err != nil {
		return fmt.Errorf("purge %s %s: %w", stream, r.Filter, b.fault(stream, err))
	}
	if _, err := b.readAck(stream, answer); err != nil {
		b.refused(stream, err)
		return fmt.Errorf("purge %s %s: %w", stream, r.Filter, err)
	}
	return nil
}

// dropEach takes messages out by their sequences; what is gone already does not count.
func (b *Bus) dropEach(ctx context.Context, stream string, seqs []uint64) error {
	for _, seq := range seqs {
		if _, err := b.drop(ctx, stream, seq); err != nil {
			return err
		}
	}
	return nil
}

// drop takes one message out; found is false when it is gone already.
func (b *Bus) drop(ctx context.Context, stream string, seq uint64) (found bool, err error) {
	limited, cancel := b.onWire(ctx, min(questionAlone, b.commitPatience())) // once: of a second time nobody could say who it was
	defer cancel()
	request := events.Encode(map[string]any{"seq": seq, "no_erase": true})
	answer, err := b.request(limited, &nats.Msg{Subject: apiPrefix + "STREAM.MSG.DELETE." + stream, Data: request})
	if err == nil {
		_, err = b.readAck(stream, answer)
	} else {
		err = b.fault(stream, err)
	}
	if err == nil {
		return true, nil
	}
	if _, found, lost := b.getSure(ctx, stream, seq); lost == nil && !found {
		return false, nil
	}
	b.refused(stream, err)
	return false, fmt.Errorf("delete message %d of %s: %w", seq, stream, err)
}

// subjects lists the subjects below filter that hold messages, with their counts.
func (b *Bus) subjects(ctx context.Context, stream, filter string) (map[string]uint64, error) {
	var info *jetstream.StreamInfo
	err := b.tries(ctx, stream, questionAlone, func(ctx context.Context) error {
		s, err := b.js.Stream(ctx, stream)
		if err == nil {
			info, err = s.Info(ctx, jetstream.WithSubjectFilter(filter))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("subjects of %s: %w", stream, err)
	}
	return info.State.Subjects, nil
}

func decode[T any](m Stored) (T, error) {
	var v T
	if err := known(m); err != nil {
		return v, err
	}
	if err := json.Unmarshal(m.Data, &v); err != nil {
		return v, fmt.Errorf("message %d on %s: %w", m.Sequence, m.Subject, err)
	}
	return v, nil
}
