package jet

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// How long is waited for answers. A server that is alone answers, or its connection is
// lost, which ends the wait; so it is given long. In a cluster the answer of a leader
// that died never comes, while the connection to another server stays: there a question is
// asked again, and a commit ends soon with an unknown outcome, about which the ledger is
// asked.
const (
	questionAlone = 5 * time.Second
	questionMost  = 3 * time.Second // in a cluster, over all tries
	questionTry   = 750 * time.Millisecond
	tryPause      = 100 * time.Millisecond // after an answer that says that nobody leads now
	commitAlone   = 10 * time.Second
	commitMost    = 2 * time.Second // in a cluster
)

// clustered reports whether the server is one of several. It stays so while there is no
// connection, until it is closed: then nothing is asked again.
func (b *Bus) clustered() bool {
	if b.nc.IsClosed() {
		return false
	}
	if b.nc.ConnectedClusterName() != "" {
		b.cluster.Store(true)
	} else if b.nc.IsConnected() {
		b.cluster.Store(false)
	}
	return b.cluster.Load()
}

// commitPatience bounds one commit, so that an unknown outcome is noticed and asked about.
func (b *Bus) commitPatience() time.Duration {
	if b.clustered() {
		return commitMost
	}
	return commitAlone
}

// asking bounds a question to a stream: alone by a time and the connection, in a cluster by
// less, but over whatever connections there are. While the stream is known to have no
// leader it is one try.
func (b *Bus) asking(ctx context.Context, stream string, alone time.Duration) (context.Context, context.CancelFunc) {
	if !b.clustered() {
		return b.onWire(ctx, alone)
	}
	most := min(alone, questionMost)
	if b.health.away(stream) > questionMost {
		most = questionTry
	}
	limited, cancel := context.WithTimeout(ctx, most)
	return wired{limited, ctx}, cancel
}

// request asks once. It ends at once when the server says that this is not allowed.
func (b *Bus) request(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
	ctx, done := b.untilDenied(ctx, func(s string) bool { return s == m.Subject })
	defer done()
	answer, err := b.nc.RequestMsgWithContext(ctx, m)
	return answer, deniedOr(ctx, err)
}

// result is how one try ended.
type result struct {
	answer *nats.Msg
	err    error
}

// question asks what may be asked twice until there is an answer, or ctx ends: in a
// cluster again and again, since what was asked may have died with a leader. Whichever
// answer comes first counts, so that one who is slow is not asked in vain.
func (b *Bus) question(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
	if !b.clustered() {
		return b.request(ctx, m)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results, open := make(chan result), 0
	ask := func() {
		answer, err := b.request(ctx, &nats.Msg{Subject: m.Subject, Data: m.Data})
		select {
		case results <- result{answer, err}:
		case <-ctx.Done():
		}
	}
	var last result
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-next.C:
			open++
			go ask() // ends with ctx, which ends with this call
			next.Reset(questionTry)
		case last = <-results:
			if open--; !nobody(last.answer, last.err) {
				return last.answer, last.err
			}
			if open == 0 {
				next.Reset(tryPause)
			}
		case <-ctx.Done():
			if last.answer == nil && last.err == nil {
				last.err = context.DeadlineExceeded
			}
			return last.answer, last.err
		}
	}
}

// nobody reports that an answer says only that nobody leads now, or an error that nothing
// could be asked now.
func nobody(answer *nats.Msg, err error) bool {
	if answer != nil && err == nil {
		return bytes.Contains(answer.Data, []byte(`"err_code":10008,`)) || bytes.Contains(answer.Data, []byte(`"err_code":10009,`))
	}
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		return api.ErrorCode == codeNotNow || api.ErrorCode == codeNotLeader
	}
	return errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) ||
		errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, nats.ErrConnectionReconnecting)
}

// tries asks by the client's library what may be asked twice. Each try in a cluster is
// given twice the time of the one before. The error is that of [Bus.fault].
func (b *Bus) tries(ctx context.Context, stream string, alone time.Duration, ask func(context.Context) error) error {
	limited, cancel := b.asking(ctx, stream, alone)
	defer cancel()
	limited, done := b.untilDenied(limited, func(s string) bool { return strings.HasPrefix(s, apiPrefix) && strings.Contains(s+".", "."+stream+".") })
	defer done()
	for try := questionTry; ; try *= 2 {
		one, end := limited, context.CancelFunc(func() {})
		if b.clustered() {
			one, end = context.WithTimeout(limited, try)
		}
		err := ask(one)
		late := one.Err() != nil
		end()
		if err == nil || !b.clustered() || limited.Err() != nil || !late && !nobody(nil, err) {
			return b.fault(stream, deniedOr(limited, err))
		}
		select {
		case <-time.After(tryPause):
		case <-limited.Done():
		}
	}
}
