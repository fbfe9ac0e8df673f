package v2

import (
	"context"
	"errors"
	"io"
	"net/http"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/wire"
)

// remote is a file that a runner has, read part by part as it is needed.
type remote struct {
	read func(offset int64) (text []byte, err error)
	size int64
	at   int64
	part []byte // what is known of it
	from int64  // where that begins
}

func (f *remote) Read(p []byte) (int, error) {
	if f.at >= f.size {
		return 0, io.EOF
	}
	if f.at < f.from || f.at >= f.from+int64(len(f.part)) {
		text, err := f.read(f.at)
		if err != nil {
			return 0, err
		}
		if len(text) == 0 {
			return 0, io.ErrUnexpectedEOF // it has become shorter
		}
		f.part, f.from = text, f.at
	}
	n := copy(p, f.part[f.at-f.from:])
	n = int(min(int64(n), f.size-f.at))
	f.at += int64(n)
	return n, nil
}

func (f *remote) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += f.size
	}
	if offset < 0 {
		return 0, errors.New("a place before the beginning")
	}
	f.at = offset
	return offset, nil
}

// asks is the bus on which runners are asked.
func (a *API) asks() *jet.Bus {
	if a.Runners != nil {
		return a.Runners
	}
	return a.Bus
}

// runnerOf names the runner that has the run of an execution, and its host; what says why there
// is none, as its log or what it has written.
func (s *story) runnerOf(what string) (id, host string, err error) {
	started, ok := s.phases[events.Started]
	switch {
	case ok && started.Process != nil && started.Process.Runner != "":
		return started.Process.Runner, started.Process.Host, nil
	case ok && started.Process != nil:
		return "", "", events.Faultf(events.NotFound, "trigger_id",
			"the run was started by an older version of Spool, which did not say where its %s is: look at runs/%s in the data folder of the runner on %s", what, s.flow, started.Process.Host)
	}
	switch outcome := s.outcome(); {
	case ok, outcome == events.OutcomeCalled:
		return "", "", s.notOurs(what)
	case outcome == events.OutcomeNotKept:
		return "", "", events.Faultf(events.NotFound, "trigger_id", "what became of the run is not kept any more, nor is its %s", what)
	case s.ended().IsZero():
		return "", "", events.Faultf(events.NotFound, "trigger_id", "the run has not started: it has no %s yet", what)
	default:
		return "", "", events.Faultf(events.NotFound, "trigger_id", "no run began: there is no %s (%s)", what, outcome)
	}
}

// notOurs says who has the run of a foreign endpoint.
func (s *story) notOurs(what string) error {
	named := "which named no run"
	if s.flow != "" {
		named = "which has the run as " + s.flow
	}
	return wire.Refuse(http.StatusConflict, events.Conflict, "trigger_id", "the endpoint is not the built-in runner: ask it, %s, for its %s", named, what)
}

// runnerAway says that a runner does not answer, and on which host that is.
func runnerAway(err error, host string) error {
	if !errors.Is(err, jet.ErrRunnerAway) {
		return err
	}
	return events.Faultf(events.Unavailable, "", "the runner on %s does not answer: it may be stopped, or its machine away; what it has is there again when it is back", host)
}

// partOf reads parts of the log of a run.
func (a *API) partOf(ctx context.Context, runner, host, flow string) func(offset int64) ([]byte, error) {
	return func(offset int64) ([]byte, error) {
		_, text, err := a.asks().AskLog(ctx, runner, events.LogAsk{FlowJobID: flow, Offset: offset, Most: events.MaxPart})
		return text, runnerAway(err, host)
	}
}
