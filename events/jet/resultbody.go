package jet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
)

// ResultBody is a stored result, unread.
type ResultBody []byte

// atOnce is how many results are asked for at once: what the server may hold for this client is bounded, and so is how
// long all of them may take.
const atOnce = 256

// ResultBodies reads the bodies of results by their sequences, until f answers false. f is called in the order of the
// answers, with the index of the sequence; what is gone is left out. Ascending sequences are read faster.
func (b *Bus) ResultBodies(ctx context.Context, seqs []uint64, f func(i int, r ResultBody) bool) error {
	near := uint64(nearRow)
	for start, more := 0, true; more && start < len(seqs); start += atOnce {
		q := many{stream: streamResults, seqs: seqs[start:min(start+atOnce, len(seqs))], bare: true, near: near}
		holes, err := b.getRows(ctx, q, func(i int, m Stored) bool {
			more = f(start+i, ResultBody(m.Data))
			return more
		})
		if err != nil {
			return err
		}
		if holes { // there will be others
			near = 1
		}
	}
	return nil
}

// What stands in a body before what a list shows of it. Inside a string the quotes would be escaped, and no object within
// a result has these keys. http_result stands last.
var (
	endedKey  = []byte(`,"ended_ns":`)
	statusKey = []byte(`,"status":`)
	answerKey = []byte(`,"http_result":`)
)

// Listed gives what a list shows of a result, without reading the rest: when it ended in ns since 1970, its status and
// its http_result, all as they are stored, which is JSON.
func (r ResultBody) Listed() (endedNS, status, answer json.RawMessage, err error) {
	_, rest, ok := bytes.Cut(r, endedKey)
	endedNS, rest, ok2 := bytes.Cut(rest, statusKey)
	end := bytes.IndexByte(rest, ',')
	at := bytes.Index(rest, answerKey)
	if !ok || !ok2 || end < 0 || at < end || len(rest) == at+len(answerKey) {
		return nil, nil, nil, fmt.Errorf("%.100q is not a result", []byte(r))
	}
	return json.RawMessage(endedNS), json.RawMessage(rest[:end]), json.RawMessage(rest[at+len(answerKey) : len(rest)-1]), nil
}
