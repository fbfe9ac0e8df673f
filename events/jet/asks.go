package jet

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// How many requests of subscribers are worked on at once, and wait for that.
const (
	askWorkers = 16
	askRoom    = 1024
)

// Headers of an answer that is a fault, as NATS services give them.
const (
	headerFault     = "Nats-Service-Error"
	headerFaultCode = "Nats-Service-Error-Code"
)

// AnswerTriggers answers what subscribers ask for, with a status of HTTP and a body,
// until ctx has ended. Of all who do so one gets each request. Whose request it is
// says its subject, which the account of the subscriber gives it.
func (b *Bus) AnswerTriggers(ctx context.Context, answer func(ctx context.Context, subscriber string, body []byte) (status int, text []byte)) error {
	asked := make(chan *nats.Msg, askRoom)
	sub, err := b.nc.ChanQueueSubscribe(askTriggersFilter, "gateway", asked)
	if err != nil {
		return fmt.Errorf("answer subscribers: %w", err)
	}
	var wg sync.WaitGroup
	for range askWorkers {
		wg.Go(func() {
			for {
				select {
				case m := <-asked:
					name := strings.TrimPrefix(m.Subject, askTriggerPrefix+".")
					status, text := answer(ctx, name, m.Data)
					reply := nats.NewMsg(m.Reply)
					reply.Data = text
					if status >= 300 {
						reply.Header.Set(headerFaultCode, strconv.Itoa(status))
						reply.Header.Set(headerFault, "see the body")
					}
					_ = b.nc.PublishMsg(reply) // who asked has gone, or wants no answer: nobody to be told
				case <-ctx.Done():
					return
				}
			}
		})
	}
	<-ctx.Done()
	err = sub.Unsubscribe()
	wg.Wait()
	if b.nc.IsClosed() {
		return nil
	}
	return err
}
