package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"spool.internal/gateway/client"
)

// follower waits for the end of one execution.
type follower struct {
	s    *session
	id   string // of the trigger
	name string // of the job, for people
	logs bool

	last  row[client.Execution] // what is known of it
	said  string                // what was said of it last
	ended chan struct{}         // closed when it has
	fault error                 // why its log is not shown
}

const (
	pollFirst = 50 * time.Millisecond
	pollMost  = time.Second
	// absence is how long a server may be away, or not know of what it has just taken.
	absence = time.Minute
	// calledGrace is how long an execution may be called before nobody is going to tell how
	// it ends: the runner tells at once that it has it.
	calledGrace = 5 * time.Second
)

// follow waits for the end, and prints it; limit 0 is as long as it takes.
func (f *follower) follow(ctx context.Context, limit time.Duration) error {
	wait, cancel := context.WithCancel(ctx)
	if limit > 0 {
		wait, cancel = context.WithTimeout(ctx, limit)
	}
	defer cancel()
	f.ended = make(chan struct{})
	var printing sync.WaitGroup
	if f.logs {
		out := f.s.out.w
		if !f.s.out.plain() {
			out = f.s.err
		}
		printing.Go(func() { f.fault = followLog(wait, f.s, f.id, &logFrom{out: out, ended: f.ended}) })
	}
	err := f.await(wait)
	close(f.ended)
	if err == nil { // what is on its way still comes
		rest := time.AfterFunc(absence, cancel)
		printing.Wait()
		rest.Stop()
	}
	cancel()
	printing.Wait()
	if f.fault != nil && wait.Err() == nil {
		fmt.Fprintln(f.s.err, "the log cannot be shown:", clean(f.s.explain(f.fault).Error()))
	}
	switch {
	case ctx.Err() != nil:
		return f.left(Failed, "you have stopped waiting")
	case errors.Is(err, context.DeadlineExceeded):
		return f.left(TimedOut, "it has not ended within "+limit.String())
	case err != nil:
		return err
	}
	return errors.Join(f.show(), ending(f.name, f.last.value))
}

// left ends the waiting for a run that goes on.
func (f *follower) left(exit int, why string) error {
	return errors.Join(f.show(), &Error{
		Exit: exit, Facts: map[string]any{"trigger_id": f.id},
		error: fmt.Errorf("%s; the run of %s goes on: spool runs logs -f %s follows it, spool runs cancel %s ends it", why, f.name, f.id, f.id),
	})
}

// show prints the execution as it is known.
func (f *follower) show() error {
	switch e := f.last; {
	case f.s.out.form == "name":
		return f.s.out.line("%s", f.id)
	case e.raw == nil && f.s.out.plain():
		return nil
	case e.raw == nil:
		return f.s.out.data(encode(map[string]string{"trigger_id": f.id}))
	case !f.s.out.plain():
		return f.s.out.data(e.raw)
	case f.logs:
		fmt.Fprintf(f.s.err, "%s: %s\n", clean(f.name), clean(endWords(e.value)))
		return nil
	default:
		return f.s.out.line("%s: %s", clean(f.name), clean(endWords(e.value)))
	}
}

// await asks for the execution until it has ended.
func (f *follower) await(ctx context.Context) error {
	answered, called := time.Now(), time.Time{}
	for pause := pollFirst; ; pause = min(2*pause, pollMost) {
		got, err := read[client.Execution](f.s.GetResult(ctx, f.id))
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && (!passing(err) || time.Since(answered) > absence):
			return err
		case err == nil:
			f.last, answered = got, time.Now()
			switch got.value.Outcome {
			case "waiting", "retrying", "running":
				called = time.Time{}
				f.tell(got.value)
			case "called":
				if called.IsZero() {
					called = answered
				}
				if answered.Sub(called) >= calledGrace {
					return nil
				}
			default:
				return nil
			}
		}
		if !sleep(ctx, pause) {
			return ctx.Err()
		}
	}
}

// tell says to a person at a terminal what the run waits for, once.
func (f *follower) tell(e client.Execution) {
	text := words(e.Outcome)
	if e.Why != nil {
		text += ": " + *e.Why
	}
	if text == f.said || !isTerminal(f.s.err) {
		return
	}
	f.said = text
	fmt.Fprintf(f.s.err, "%s: %s\n", clean(f.name), clean(text))
}

// passing reports whether an error may be over in a moment: the server starts again, or does
// not know yet what it has just taken.
func passing(err error) bool {
	refused, ok := errors.AsType[*client.Error](err)
	if !ok {
		return true // the connection
	}
	switch refused.Status {
	case http.StatusNotFound, http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return true
	}
	return false
}
