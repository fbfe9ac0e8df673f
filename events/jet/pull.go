package jet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events/wait"
)

// Pull takes messages off a queue, at most hold of them unsettled, and calls
// each with them one after the other until ctx ends; it then returns those
// that each has not seen. What this process is working on, or took off the queue,
// is not given to each a second time, also when the server redelivers it. It returns
// an error when the consumer is gone.
func (b *Bus) Pull(ctx context.Context, q Queue, hold int, each func(*Delivery)) error {
	k := b.desk(q)
	defer k.leave()
	cons, err := b.consumer(ctx, q)
	if err != nil && b.dropAway(ctx, q) {
		cons, err = b.consumer(ctx, q)
	}
	if err != nil {
		return err
	}
	k.open(cons)
	p := &puller{desk: k, cons: cons, hold: hold, msgs: make(chan *nats.Msg, 2*hold+64), inbox: b.nc.NewInbox()}
	p.sub, err = b.nc.ChanSubscribe(p.inbox, p.msgs)
	if err != nil {
		return fmt.Errorf("read %s: %w", q.stream, b.fault(q.stream, err))
	}
	ready := make(chan *Delivery, 2*hold)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	var fetchErr error
	wg.Go(func() {
		defer close(ready)
		fetchErr = p.fetch(ctx, ready)
		_ = p.sub.Unsubscribe() // so the server knows at once; what it gives to nobody would come again only after ackWait
		for len(p.msgs) > 0 {
			p.received(<-p.msgs, ready)
		}
	})
	for d := range ready {
		if ctx.Err() != nil {
			_ = d.Nak(0) // when this fails the message comes again by itself
			continue
		}
		each(d)
	}
	cancel()
	wg.Wait()
	return fetchErr
}

// How long one request for messages stands, and how often the server is to say
// meanwhile that it is there.
const (
	requestFor = 5 * time.Second
	sign       = time.Second

	besideEvery = 100 * time.Millisecond // between two looks at the queue beside
)

// puller asks for messages for one Pull. They come to one inbox, whichever request
// they answer: what a slow server sends late is received, too.
type puller struct {
	desk  *desk
	cons  jetstream.Consumer
	hold  int
	inbox string
	sub   *nats.Subscription
	msgs  chan *nats.Msg
	asked int // messages that the standing request may still bring
	quiet quiet
}

var errRequestOver = errors.New("the request is over")

// fetch asks for as many messages as there is room for, once a quarter is free:
// one by one would cost the queue a disk block a message.
func (p *puller) fetch(ctx context.Context, ready chan<- *Delivery) error {
	silence := time.NewTimer(0)
	defer silence.Stop()
	line := p.desk.bus.nextLine()
	patience := 3 * sign
	if p.desk.bus.beside() {
		patience = requestFor + 2*sign
	}
	p.quiet.heard()
	for ctx.Err() == nil {
		room := p.hold - p.desk.count() - p.desk.bus.onDesk(p.desk.queue.Beside)
		if p.asked == 0 && room > 0 && room >= p.hold/4 {
			p.ask(room)
			silence.Reset(patience)
		}
		var again <-chan time.Time
		if p.asked == 0 && p.desk.queue.Beside != nil { // whose desk wakes nobody here
			again = time.After(besideEvery)
		}
		var err error
		select {
		case msg := <-p.msgs:
			silence.Reset(patience)
			err = p.received(msg, ready)
		case <-p.desk.freed:
		case <-again:
		case <-line: // another connection: the server has forgotten the request
			line, p.asked = p.desk.bus.nextLine(), 0
		case <-silence.C:
			if p.asked > 0 {
				err = errRequestOver
			}
		case <-ctx.Done():
		}
		switch {
		case err == nil, ctx.Err() != nil:
		case !errors.Is(err, errRequestOver):
			return err
		default:
			p.asked = 0
			if err := p.answers(ctx); err != nil {
				return err
			}
			p.look(ctx) // requests that are lost are not heard of otherwise
			_ = wait.Sleep(ctx, 20*time.Millisecond)
		}
	}
	return nil
}

func (p *puller) ask(room int) {
	k := p.desk
	ask := map[string]any{"batch": room, "expires": requestFor}
	if !k.bus.beside() {
		ask["idle_heartbeat"] = sign
	}
	request, _ := json.Marshal(ask)
	subject := apiPrefix + "CONSUMER.MSG.NEXT." + k.queue.stream + "." + k.queue.Name
	_ = k.bus.nc.PublishRequest(subject, p.inbox, request) // silence follows when this is lost
	p.asked = room
}

// received takes in a message, or what the server says of the request.
func (p *puller) received(msg *nats.Msg, ready chan<- *Delivery) error {
	status := msg.Header.Get("Status")
	if status == "" || len(msg.Data) > 0 {
		p.asked = max(0, p.asked-1)
		p.quiet.heard()
		if d := p.desk.take(msg); d != nil {
			if err := known(d.Stored); err != nil { // it waits for a program that knows it
				p.desk.bus.log.Error("a message waits for a newer Spool", "error", err.Error())
				_ = d.Nak(newerAgain) // when this fails it comes again by itself
				return nil
			}
			if came := p.desk.queue.Came; came != nil {
				came(d)
			}
			ready <- d
		}
		return nil
	}
	switch {
	case status == "100":
		return nil
	case status == "408": // its time is over
		p.asked = 0
		p.desk.idle()
		p.look(p.desk.bus.life)
		return nil
	case status == "409" && strings.Contains(msg.Header.Get("Description"), "Deleted"):
		return jetstream.ErrConsumerDeleted
	default:
		return errRequestOver
	}
}
