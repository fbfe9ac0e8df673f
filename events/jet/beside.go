package jet

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// commitEach stores messages each by itself, all sent before the first answer: what a wait for an answer costs is
// spent once for all of them. It calls stored with the index of each that the server has confirmed. The others may be
// stored or not; each must carry a message id, so that it can be sent again.
func (b *Bus) commitEach(ctx context.Context, stream string, msgs []message, stored func(i int)) {
	if b.refuses(stream) != nil {
		return
	}
	began := time.Now()
	ctx, cancel := b.onWire(ctx, b.commitPatience())
	defer cancel()
	defer b.whileTaken(stream, cancel)()
	ctx, done := b.untilDenied(ctx, func(s string) bool { return slices.ContainsFunc(msgs, func(m message) bool { return m.Subject == s }) })
	defer done()
	inbox := b.nc.NewRespInbox()
	answers := make(chan *nats.Msg, len(msgs))
	sub, err := b.nc.ChanSubscribe(inbox+".*", answers)
	if err != nil {
		return
	}
	defer sub.Unsubscribe() //nolint:errcheck // the answers that still come are not wanted
	sent := 0
	for i, m := range msgs {
		m.Header = b.stamp(m.Header)
		msg := m.wire()
		msg.Reply = inbox + "." + strconv.Itoa(i)
		if b.nc.PublishMsg(msg) != nil {
			break
		}
		sent++
	}
	for range sent {
		select {
		case m := <-answers:
			i, err := strconv.Atoi(m.Subject[strings.LastIndexByte(m.Subject, '.')+1:])
			if err != nil {
				continue
			}
			if _, err := b.readAck(stream, m); err == nil {
				b.figures.committed(stream, time.Since(began))
				stored(i)
			}
		case <-ctx.Done():
			return
		}
	}
}
