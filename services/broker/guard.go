package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// guardSubject is the prefix of requests to the guard: spool.guard.<role>.<request>.
// nowhere is a subject without subscribers.
const (
	guardSubject = "spool.guard"
	nowhere      = "spool.nowhere"
)

// oneBroker is the queue group of what one of the brokers of a cluster answers, the nearest.
const oneBroker = "broker"

const (
	guardWorkers  = 32
	guardPatience = 10 * time.Second
)

// guard forwards requests of roles that a subject alone cannot bound: a consumer may push to a subject of
// its maker's choice, a purge may remove everything, a rollup removes what was there. It knows the role by
// the subject, which the role's account cannot choose.
type guard struct {
	nc *nats.Conn    // in Spool's account
	at chan struct{} // a place for each request that is being passed on

	tight func() error // why nothing is to be purged now
}

func newGuard(srv nats.InProcessConnProvider, creds []byte, tight func() error) (*guard, error) {
	nc, err := nats.Connect("", nats.InProcessServer(srv), nats.UserCredentialBytes(creds), nats.Name("spool-guard"),
		nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
	if err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	return openGuard(nc, tight)
}

func openGuard(nc *nats.Conn, tight func() error) (*guard, error) {
	g := &guard{nc, make(chan struct{}, guardWorkers), tight}
	if _, err := nc.QueueSubscribe(guardSubject+".*.>", oneBroker, g.take); err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	return g, nc.Flush()
}

func (g *guard) take(m *nats.Msg) {
	g.at <- struct{}{}
	go func() { // bounded by guardPatience
		defer func() { <-g.at }()
		role, request, _ := strings.Cut(strings.TrimPrefix(m.Subject, guardSubject+"."), ".")
		forward, err := judge(Role(role), request, m)
		if err == nil && strings.HasPrefix(request, "STREAM.PURGE.") {
			err = g.tight()
		}
		var answer *nats.Msg
		if err == nil {
			ctx, cancel := context.WithTimeout(context.Background(), guardPatience)
			defer cancel()
			answer, err = g.nc.RequestMsgWithContext(ctx, forward)
		}
		if err != nil {
			answer = &nats.Msg{Data: refusal(err)}
		}
		_ = m.RespondMsg(&nats.Msg{Header: answer.Header, Data: answer.Data}) // who asked has gone: nobody to be told
	}()
}

// refusal is an answer in the form of JetStream's API.
func refusal(err error) []byte {
	type fault struct {
		Code        int    `json:"code"`
		ErrCode     int    `json:"err_code"`
		Description string `json:"description"`
	}
	f := fault{403, 0, err.Error()}
	if events.CodeOf(err) == events.Full {
		f = fault{503, int(server.JSStreamStoreFailedF), err.Error()}
	}
	data, _ := json.Marshal(struct {
		Error fault `json:"error"`
	}{f})
	return data
}

// judge turns a request of a role to the guard into the request that the guard sends, or refuses it.
func judge(role Role, request string, m *nats.Msg) (*nats.Msg, error) {
	r, known := rightsOf(role), slices.Contains(Roles(), role)
	part := strings.Split(request, ".")
	if !known || len(part) < 2 {
		return nil, errors.New("no such right")
	}
	forward := &nats.Msg{Subject: "$JS.API." + request, Data: m.Data}
	switch {
	case part[0] == "PUBLISH":
		subject := strings.Join(part[1:], ".")
		if !slices.Contains(r.Once, subject) {
			return nil, errors.New("not allowed to publish " + subject)
		}
		forward = nats.NewMsg(subject)
		forward.Data = m.Data
		forward.Header.Set(nats.ExpectedLastSubjSeqHdr, "0")
		return forward, nil
	case strings.HasPrefix(request, "STREAM.PURGE.") && len(part) == 3:
		return forward, r.mayPurge(part[2], m.Data)
	case strings.HasPrefix(request, "CONSUMER.CREATE.") && len(part) >= 4:
		return forward, r.mayConsume(role, part[2], part[3], m.Data)
	case strings.HasPrefix(request, "CONSUMER.DELETE.") && len(part) == 4:
		if slices.Contains(r.Follow, part[2]) && strings.HasPrefix(part[3], string(role)+"-") {
			return forward, nil
		}
		if part[2] == jet.FilesStream && r.queue(part[2], part[3]) {
			return forward, nil
		}
	}
	return nil, errors.New("not allowed: " + request)
}

// queue reports whether a consumer is one of the role's queues.
func (r rights) queue(stream, name string) bool {
	return slices.ContainsFunc(r.Queues, func(q jet.RightsQueue) bool {
		return q.Stream == stream && (q.Name == name || strings.HasSuffix(q.Name, "*") && strings.HasPrefix(name, strings.TrimSuffix(q.Name, "*")))
	})
}

func (r rights) mayPurge(stream string, body []byte) error {
	var ask server.JSApiStreamPurgeRequest // the server's own type: both read the same out of it
	if err := json.Unmarshal(body, &ask); err != nil {
		return err
	}
	if ask.Subject == jet.Probe(stream) && slices.Contains(r.writes(), stream) {
		return nil
	}
	for _, f := range r.Purge[stream] {
		if within(ask.Subject, f) {
			return nil
		}
	}
	return errors.New("not allowed to purge " + stream + " " + ask.Subject)
}

// mayConsume allows a pull consumer with the role's own name, or one of its queues.
func (r rights) mayConsume(role Role, stream, name string, body []byte) error {
	var ask server.CreateConsumerRequest
	if err := json.Unmarshal(body, &ask); err != nil {
		return err
	}
	c := ask.Config
	if c.DeliverSubject != "" || c.DeliverGroup != "" {
		return errors.New("not allowed: a consumer that pushes")
	}
	if slices.Contains(r.Follow, stream) && strings.HasPrefix(name, string(role)+"-") {
		return nil
	}
	for _, q := range r.Queues {
		stem, many := strings.CutSuffix(q.Name, "*")
		if q.Stream == stream && (name == q.Name || many && strings.HasPrefix(name, stem)) &&
			len(c.FilterSubjects) == 0 && within(c.FilterSubject, q.Filter) {
			return nil
		}
	}
	return errors.New("not allowed: the consumer " + name + " of " + stream)
}

// within reports whether every subject that a filter matches is matched by another filter.
func within(filter, other string) bool {
	return filter != "" && jwt.Subject(filter).IsContainedIn(jwt.Subject(other))
}
