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
	"github.com/nats-io/nats.go/micro"

	"spool.internal/events"
)

// Gateways ask the runner that has a run: what is on its host alone. A runner answers for
// its data folder, whose id stands in the events of the runs that it has started; any of a
// pool answers for the runs that wait. Large answers come in parts, each of which is asked
// for: so none is larger than [events.MaxPart], and who asks says how fast.

// Bounds of one runner.
const (
	askedAtOnce = 512 // requests; above it who asks is told to come again
	askPatience = 3 * time.Second
)

// Where runners are asked, by gateways alone: the id of a runner's data folder, or its pool.
const (
	askLogsFilter    = "spool.log.*"
	askOutputsFilter = "spool.output.*"
	askCancelsFilter = "spool.cancel.*"
)

func logSubject(runner string) string    { return "spool.log." + runner }
func outputSubject(runner string) string { return "spool.output." + runner }
func cancelSubject(runner string) string { return "spool.cancel." + runner }

// cancelWaitingSubject is answered by one of the runners of a pool. No id of a runner, which
// is a UUID, begins like that.
func cancelWaitingSubject(pool string) string { return "spool.cancel.pool_" + poolOf(pool) }

// ErrRunnerAway says that no runner answers a request.
var ErrRunnerAway = errors.New("the runner does not answer")

// RunAnswers are what a runner does when it is asked. The bytes of an answer are at most
// [events.MaxPart].
type RunAnswers struct {
	Log    func(context.Context, events.LogAsk) (events.LogPart, []byte, error)
	Output func(context.Context, events.OutputAsk) (events.OutputPart, []byte, error)
	Cancel func(context.Context, events.CancelAsk) (events.CancelPart, error)
}

// AnswerRuns answers gateways for the runner whose data folder has the id, and for the
// runs of its pool that wait, until ctx has ended.
func (b *Bus) AnswerRuns(ctx context.Context, id, pool string, a RunAnswers) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	places := make(chan struct{}, askedAtOnce)
	serve := func(answer func(context.Context, []byte) (any, []byte, error)) micro.HandlerFunc {
		return func(r micro.Request) { b.answerRun(ctx, &wg, places, r, answer) }
	}
	cancel := func(ctx context.Context, q events.CancelAsk) (events.CancelPart, []byte, error) {
		part, err := a.Cancel(ctx, q)
		return part, nil, err
	}
	output := func(ctx context.Context, q events.OutputAsk) (events.OutputPart, []byte, error) {
		part, data, err := a.Output(ctx, q)
		if q.Limit > 0 && err == nil {
			data = events.Encode(part.Files)
		}
		return part, data, err
	}
	service, err := micro.AddService(b.nc, micro.Config{Name: "spool-runner", Version: "1.0.0", Description: "what is on the host of a runner"})
	if err != nil {
		return fmt.Errorf("answer gateways: %w", err)
	}
	for _, e := range []struct {
		name, subject string
		handle        micro.Handler
	}{
		{"log", logSubject(id), serve(answering(a.Log))},
		{"output", outputSubject(id), serve(answering(output))},
		{"cancel", cancelSubject(id), serve(answering(cancel))},
		{"cancel-waiting", cancelWaitingSubject(pool), serve(answering(cancel))},
	} {
		recordIn(e.subject)
		if err = service.AddEndpoint(e.name, e.handle, micro.WithEndpointSubject(e.subject)); err != nil {
			break
		}
	}
	if err == nil {
		<-ctx.Done()
	}
	stop() // who waits for more of a log
	if ended := service.Stop(); err == nil && !b.nc.IsClosed() {
		err = ended
	}
	if err != nil {
		return fmt.Errorf("answer gateways: %w", err)
	}
	return nil
}

// answerRun answers one request, beside others as long as there are places.
func (b *Bus) answerRun(ctx context.Context, wg *sync.WaitGroup, places chan struct{}, r micro.Request, answer func(context.Context, []byte) (any, []byte, error)) {
	select {
	case places <- struct{}{}:
	default:
		b.reply(r.Reply(), nil, nil, events.Faultf(events.Full, "", "the runner has too many requests at once: try again"))
		return
	}
	wg.Go(func() {
		defer func() { <-places }()
		part, data, err := answer(ctx, r.Data())
		b.reply(r.Reply(), part, data, err)
	})
}

// answering reads a request for a typed function.
func answering[Q, A any](f func(context.Context, Q) (A, []byte, error)) func(context.Context, []byte) (any, []byte, error) {
	return func(ctx context.Context, body []byte) (any, []byte, error) {
		var q Q
		if err := json.Unmarshal(body, &q); err != nil {
			return nil, nil, events.Faultf(events.Invalid, "", "the request is of another version of Spool")
		}
		part, data, err := f(ctx, q)
		return part, data, err
	}
}

// headerPart holds what an answer says beside its bytes.
const headerPart = "Spool-Part"

// reply answers a request. A fault is as NATS services give it; nobody is told when it
// cannot be sent: who asked has gone.
func (b *Bus) reply(to string, part any, data []byte, err error) {
	m := nats.NewMsg(to)
	if err == nil {
		m.Header.Set(headerPart, string(events.Encode(part)))
		m.Data = data
	} else {
		fault, ok := errors.AsType[*events.Error](err)
		if !ok {
			b.log.Error("a request of a gateway failed", "error", err.Error())
			fault = &events.Error{Code: events.Unavailable, Message: "the runner could not do it: its log says why"}
		}
		m.Header.Set(headerFault, strings.ReplaceAll(fault.Message, "\n", " "))
		m.Header.Set(headerFaultCode, string(fault.Code))
		m.Data = events.Encode(fault)
	}
	_ = b.nc.PublishMsg(m)
}

// AskLog asks a runner for a part of the log of a run. The error is [ErrRunnerAway] when
// it does not answer.
func (b *Bus) AskLog(ctx context.Context, runner string, q events.LogAsk) (events.LogPart, []byte, error) {
	return askRunner[events.LogPart](ctx, b, logSubject(runner), q, q.Wait)
}

// AskOutput asks a runner for what a run has written.
func (b *Bus) AskOutput(ctx context.Context, runner string, q events.OutputAsk) (events.OutputPart, []byte, error) {
	part, data, err := askRunner[events.OutputPart](ctx, b, outputSubject(runner), q, 0)
	if q.Limit > 0 && err == nil {
		err = json.Unmarshal(data, &part.Files)
		data = nil
	}
	return part, data, err
}

// AskCancel asks for the end of a run: the runner that has it, or, where runner is empty,
// any runner of the pool in whose queue it waits.
func (b *Bus) AskCancel(ctx context.Context, runner, pool string, q events.CancelAsk) (events.CancelPart, error) {
	subject := cancelSubject(runner)
	if runner == "" {
		subject = cancelWaitingSubject(pool)
	}
	part, _, err := askRunner[events.CancelPart](ctx, b, subject, q, 0)
	return part, err
}

// askRunner asks, and waits for the answer for longer than it may be held back.
func askRunner[A any](ctx context.Context, b *Bus, subject string, q any, held time.Duration) (part A, data []byte, err error) {
	recordOut(subject)
	limited, cancel := context.WithTimeout(ctx, held+askPatience)
	defer cancel()
	m, err := b.request(limited, &nats.Msg{Subject: subject, Data: events.Encode(q)})
	switch {
	case err != nil && ctx.Err() != nil:
		return part, nil, ctx.Err()
	case err != nil:
		return part, nil, fmt.Errorf("%w: %w", ErrRunnerAway, err)
	case m.Header.Get(headerFaultCode) != "":
		fault := &events.Error{}
		if json.Unmarshal(m.Data, fault) != nil || fault.Message == "" {
			fault = &events.Error{Code: events.Unavailable, Message: m.Header.Get(headerFault)}
		}
		return part, nil, fault
	}
	if err := json.Unmarshal([]byte(m.Header.Get(headerPart)), &part); err != nil {
		return part, nil, fmt.Errorf("answer of a runner on %s: %w", subject, err)
	}
	return part, m.Data, nil
}
