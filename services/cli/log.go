package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"spool.internal/gateway/client"
)

// logFrom says what of a log is followed, and where it is printed.
type logFrom struct {
	out   io.Writer
	tail  string          // the end alone, as the API takes it; "" is all
	ended <-chan struct{} // closed when the run is known to have ended; nil: not known

	last *string // id of the last event
	open bool    // the last line had no end
}

// logEvent is the data of an event of a log.
type logEvent struct {
	Text    string `json:"text"`
	Outcome string `json:"outcome"`
	Says    string `json:"says"`
	Away    bool   `json:"away"`
}

// followLog prints what a run prints, while it does, until the run has ended or ctx. A server
// or runner that is away is waited for; so is a run that has not started.
func followLog(ctx context.Context, s *session, id string, from *logFrom) error {
	follow := true
	if isTerminal(from.out) { // another program gets the bytes as they are
		w := &cleanWriter{to: from.out}
		from.out = w
		defer w.Close() //nolint:errcheck // the terminal went away
	}
	for pause := pollFirst; ; pause = min(2*pause, pollMost) {
		asked := &client.GetResultLogParams{Follow: &follow, LastEventID: from.last}
		if from.last == nil {
			asked.Tail = given(from.tail)
		}
		over, err := from.read(s, answered(s.GetResultLog(ctx, id, asked)))
		switch {
		case ctx.Err() != nil:
			return nil
		case over:
			return from.finish()
		case err != nil && !passing(err):
			return err
		case from.isOver():
			if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status == http.StatusNotFound {
				err = nil // it never had a log
			}
			return errors.Join(err, from.finish())
		}
		if !sleep(ctx, pause) {
			return nil
		}
	}
}

func (l *logFrom) isOver() bool {
	select {
	case <-l.ended: // never, when it is nil
		return true
	default:
		return false
	}
}

// finish ends a last line that had no end.
func (l *logFrom) finish() error {
	if !l.open {
		return nil
	}
	_, err := io.WriteString(l.out, "\n")
	return err
}

// read prints one stream; over means that the run has ended, and with it the log.
func (l *logFrom) read(s *session, stream answer) (over bool, err error) {
	if stream.err != nil {
		return false, stream.err
	}
	defer stream.resp.Body.Close()
	for e, err := range client.Events(stream.resp.Body) {
		if err != nil {
			return false, err
		}
		if e.ID != "" {
			id := e.ID
			l.last = &id
		}
		if e.Data == nil {
			continue
		}
		var data logEvent
		if err := json.Unmarshal(e.Data, &data); err != nil {
			return false, fmt.Errorf("the log: %w", err)
		}
		switch e.Type {
		case "line", "latest":
			l.open = !strings.HasSuffix(data.Text, "\n")
			if _, err := io.WriteString(l.out, data.Text); err != nil {
				return false, err
			}
		case "end":
			if data.Away {
				fmt.Fprintln(s.err, clean(data.Says))
				return false, nil
			}
			return true, nil
		}
	}
	return false, nil
}

// answer is what a call of the client returns.
type answer struct {
	resp *http.Response
	err  error
}

func answered(resp *http.Response, err error) answer { return answer{resp, err} }
