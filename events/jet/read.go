package jet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
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
	ctx, cancel := b.onWire(ctx, 5*time.Second)
	defer cancel()
	answer, err := b.api(ctx, streamGet, stream, map[string]string{"last_by_subj": subject})
	if err != nil {
		return Stored{}, false, fmt.Errorf("read %s %s: %w", stream, subject, transportError(err))
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
		return Stored{}, false, fmt.Errorf("read %s %s: %w", stream, subject, apiError(stream, r.Error.ErrCode, r.Error.Description))
	}
	m = Stored{Subject: r.Message.Subject, Sequence: r.Message.Seq, Time: r.Message.Time, Data: r.Message.Data}
	if len(r.Message.Header) > 0 {
		if m.header, err = nats.DecodeHeadersMsg(r.Message.Header); err != nil {
			return Stored{}, false, fmt.Errorf("read %s %s: %w", stream, subject, err)
		}
	}
	return m, true, nil
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
		if err != nil || !more || n < 256 {
			return err
		}
		delete(request, "start_time")
		request["seq"] = last + 1
	}
}

// getMany reads messages by their sequences, in one go: the requests do not
// wait for each other's answers. f is called in the order of the answers, with
// the index of the sequence; what is gone is left out.
func (b *Bus) getMany(ctx context.Context, stream string, seqs []uint64, f func(i int, m Stored)) error {
	inbox := b.nc.NewRespInbox()
	answers := make(chan *nats.Msg, len(seqs))
	sub, err := b.nc.ChanSubscribe(inbox+".*", answers)
	if err != nil {
		return fmt.Errorf("read %s: %w", stream, transportError(err))
	}
	defer sub.Unsubscribe() //nolint:errcheck // the answers that still come are not wanted
	for i, seq := range seqs {
		request := append(strconv.AppendUint([]byte(`{"seq":`), seq, 10), '}')
		if err := b.nc.PublishRequest(apiPrefix+directGet+"."+stream, inbox+"."+strconv.Itoa(i), request); err != nil {
			return fmt.Errorf("read %s: %w", stream, transportError(err))
		}
	}
	ctx, cancel := b.onWire(ctx, 5*time.Second)
	defer cancel()
	for range seqs {
		select {
		case m := <-answers:
			i, err := strconv.Atoi(m.Subject[len(inbox)+1:])
			if err != nil {
				return fmt.Errorf("read %s: %w", stream, err)
			}
			if _, err := directAnswer(stream, m, func(s Stored) bool { f(i, s); return false }); err != nil {
				return err
			}
		case <-ctx.Done():
			return fmt.Errorf("read %s: %w", stream, transportError(ctx.Err()))
		}
	}
	return nil
}

// get reads one message by its sequence; found is false when it is gone.
func (b *Bus) get(ctx context.Context, stream string, seq uint64) (m Stored, found bool, err error) {
	err = b.direct(ctx, stream, map[string]any{"seq": seq}, func(s Stored) bool {
		m, found = s, s.Sequence == seq
		return false
	})
	return m, found, err
}

// direct reads from any replica. A request without "batch" or "multi_last" has one answer.
func (b *Bus) direct(ctx context.Context, stream string, request map[string]any, f func(Stored) bool) error {
	recordRead(request)
	ctx, cancel := b.onWire(ctx, 5*time.Second)
	defer cancel()
	_, batch := request["batch"]
	if _, multi := request["multi_last"]; !batch && !multi {
		m, err := b.api(ctx, directGet, stream, request)
		if err != nil {
			return fmt.Errorf("read %s: %w", stream, transportError(err))
		}
		_, err = directAnswer(stream, m, f)
		return err
	}
	data, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("read %s: %w", stream, err)
	}
	inbox := b.nc.NewRespInbox()
	answers := make(chan *nats.Msg, maxMulti+1) // all that one request can bring, and its end
	sub, err := b.nc.ChanSubscribe(inbox, answers)
	if err != nil {
		return fmt.Errorf("read %s: %w", stream, transportError(err))
	}
	defer sub.Unsubscribe() //nolint:errcheck // the answers that still come are not wanted
	if err := b.nc.PublishRequest(apiPrefix+directGet+"."+stream, inbox, data); err != nil {
		return fmt.Errorf("read %s: %w", stream, transportError(err))
	}
	for {
		select {
		case m := <-answers:
			if more, err := directAnswer(stream, m, f); err != nil || !more {
				return err
			}
		case <-ctx.Done():
			return fmt.Errorf("read %s: %w", stream, transportError(ctx.Err()))
		}
	}
}

// directAnswer passes one answer on; more says that another may follow.
func directAnswer(stream string, m *nats.Msg, f func(Stored) bool) (more bool, err error) {
	switch status := m.Header.Get("Status"); {
	case status == "404" || status == "204" && len(m.Data) == 0: // nothing there; end of batch
		return false, nil
	case status == "503":
		return false, fmt.Errorf("read %s: %w", stream, transportError(nats.ErrNoResponders))
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
	ctx, cancel := b.onWire(ctx, 10*time.Second)
	defer cancel()
	answer, err := b.api(ctx, "STREAM.PURGE", stream, r)
	if err != nil {
		return fmt.Errorf("purge %s %s: %w", stream, r.Filter, transportError(err))
	}
	if _, err := readAck(stream, answer); err != nil {
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
	limited, cancel := b.onWire(ctx, 5*time.Second)
	defer cancel()
	answer, err := b.api(limited, "STREAM.MSG.DELETE", stream, map[string]any{"seq": seq, "no_erase": true})
	if err == nil {
		_, err = readAck(stream, answer)
	} else {
		err = transportError(err)
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
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return nil, fmt.Errorf("subjects of %s: %w", stream, transportError(err))
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return nil, fmt.Errorf("subjects of %s: %w", stream, transportError(err))
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
