package jet

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
)

// many asks for messages of a stream by their sequences. Of bare ones the body alone is told, without the headers: of
// what is a kilobyte long that is half the work of server and client. Bare ones that were stored soon after each other
// are asked for in rows: a request less for each.
type many struct {
	stream string
	seqs   []uint64
	bare   bool
	near   uint64 // how near each other those of a row lie; 1 = one after the other, 0 = no rows
}

// getMany reads messages by their sequences, in one go: the requests do not
// wait for each other's answers. f is called in the order of the answers, with
// the index of the sequence, until it answers false; what is gone is left out.
func (b *Bus) getMany(ctx context.Context, q many, f func(i int, m Stored) bool) error {
	_, err := b.getRows(ctx, q, f)
	return err
}

// getRows is getMany, and says whether a row lacked what is gone.
func (b *Bus) getRows(ctx context.Context, q many, f func(i int, m Stored) bool) (holes bool, err error) {
	ctx, cancel := b.asking(ctx, q.stream, questionAlone)
	defer cancel()
	subject := apiPrefix + directGet + "." + q.stream
	ctx, done := b.untilDenied(ctx, func(s string) bool { return s == subject })
	defer done()
	a := asked{bus: b, many: q, subject: subject, inbox: b.nc.NewRespInbox() + ".", f: f}
	answers := make(chan *nats.Msg, (2+nearRow)*len(q.seqs)) // some are asked for twice, and a row has an end
	sub, err := b.nc.ChanSubscribe(a.inbox+"*", answers)
	if err != nil {
		return a.holes, fmt.Errorf("read %s: %w", q.stream, b.fault(q.stream, err))
	}
	defer sub.Unsubscribe() //nolint:errcheck // the answers that still come are not wanted
	if err := a.ask(); err != nil {
		return a.holes, fmt.Errorf("read %s: %w", q.stream, b.fault(q.stream, err))
	}
	for a.open > 0 {
		m, err := b.nextAnswer(ctx, answers)
		if errors.Is(err, errSilent) {
			err = a.askAgain()
		} else if err != nil {
			err = deniedOr(ctx, err)
		}
		if err != nil {
			return a.holes, fmt.Errorf("read %s: %w", q.stream, b.fault(q.stream, err))
		}
		if m == nil {
			continue
		}
		if more, err := a.take(ctx, m); err != nil || !more {
			return a.holes, err
		}
	}
	return a.holes, nil
}

// A row is worth one request when it is so long: where the stream has lost messages the server counts what
// follows the row before it begins, for as long as some fifty requests take. Of those that lie near each other it is
// cheaper to have the others between them too.
const (
	leastRow = 64
	nearRow  = 4
)

// asked is the messages that many asks for while their answers come.
type asked struct {
	many
	bus            *Bus
	subject, inbox string
	f              func(i int, m Stored) bool

	answered []bool
	open     int          // not answered
	rows     map[int]*row // that have not ended, by the index of their first
	holes    bool         // a row had not all that lies between its first and its last
}

// row is messages that were stored soon after each other. Bare ones do not say which they are: they are told of when
// the end of the row has said that all have come, and are asked for one by one when not.
type row struct {
	n    int      // that are asked for
	came [][]byte // with those between them
}

func (a *asked) ask() error {
	a.open, a.answered, a.rows = len(a.seqs), make([]bool, len(a.seqs)), map[int]*row{}
	for i, n := 0, 0; i < len(a.seqs); i += n {
		for n = 1; i+n < len(a.seqs) && a.seqs[i+n]-a.seqs[i+n-1]-1 < a.near; n++ {
		}
		var err error
		if n < leastRow {
			err = a.askEach(i, n)
		} else {
			err = a.askRow(i, n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const rowPrefix = "r"

func (a *asked) askRow(from, n int) error {
	all := a.seqs[from+n-1] - a.seqs[from] + 1
	a.rows[from] = &row{n: n, came: make([][]byte, 0, all)}
	request := fmt.Appendf(nil, `{"seq":%d,"batch":%d,"no_hdr":true}`, a.seqs[from], all)
	return a.bus.nc.PublishRequest(a.subject, a.inbox+rowPrefix+strconv.Itoa(from), request)
}

// askAgain asks for all that is not answered.
func (a *asked) askAgain() error {
	clear(a.rows)
	return a.askEach(0, len(a.seqs))
}

// askEach asks for n messages from an index on, where they are not answered.
func (a *asked) askEach(from, n int) error {
	end := "}"
	if a.bare {
		end = `,"no_hdr":true}`
	}
	for i := from; i < from+n; i++ {
		if a.answered[i] {
			continue
		}
		request := append(strconv.AppendUint([]byte(`{"seq":`), a.seqs[i], 10), end...)
		if err := a.bus.nc.PublishRequest(a.subject, a.inbox+strconv.Itoa(i), request); err != nil {
			return err
		}
	}
	return nil
}

// take takes an answer; more says that others are wanted.
func (a *asked) take(ctx context.Context, m *nats.Msg) (more bool, err error) {
	name, inRow := strings.CutPrefix(m.Subject[len(a.inbox):], rowPrefix)
	i, err := strconv.Atoi(name)
	if err != nil {
		return false, fmt.Errorf("read %s: %w", a.stream, err)
	}
	if inRow {
		return a.takeOfRow(i, m)
	}
	if a.answered[i] {
		return true, nil
	}
	more = true
	if a.bare && len(m.Header) == 0 { // an answer that is no message has a header
		more = a.f(i, Stored{Sequence: a.seqs[i], Data: m.Data})
	} else if _, err := a.bus.directAnswer(a.stream, m, func(s Stored) bool { more = a.f(i, s); return false }); err != nil {
		if a.bus.clustered() && errors.Is(err, errUnsent) && ctx.Err() == nil {
			return true, nil // it is asked for again
		}
		return false, err
	}
	a.answer(i)
	return more, nil
}

func (a *asked) answer(i int) { a.answered[i], a.open = true, a.open-1 }

// takeOfRow takes a message of a row, or its end.
func (a *asked) takeOfRow(from int, m *nats.Msg) (more bool, err error) {
	r, ok := a.rows[from]
	if !ok {
		return true, nil
	}
	if len(m.Header) == 0 {
		r.came = append(r.came, m.Data)
		return true, nil
	}
	delete(a.rows, from)
	last := a.seqs[from+r.n-1]
	if uint64(len(r.came)) != last-a.seqs[from]+1 || m.Header.Get("Nats-Last-Sequence") != strconv.FormatUint(last, 10) {
		a.holes = true
		if err := a.askEach(from, r.n); err != nil { // its answers say what is amiss
			return false, fmt.Errorf("read %s: %w", a.stream, a.bus.fault(a.stream, err))
		}
		return true, nil
	}
	for i := from; i < from+r.n; i++ {
		if a.answered[i] {
			continue
		}
		a.answer(i)
		if !a.f(i, Stored{Sequence: a.seqs[i], Data: r.came[a.seqs[i]-a.seqs[from]]}) {
			return false, nil
		}
	}
	return true, nil
}
