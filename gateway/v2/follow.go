package v2

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"spool.internal/events"
	"spool.internal/events/wait"
)

// How a follower of a log is served.
const (
	followWait  = 2 * time.Second        // for which a runner holds a request back where the log ends
	followRest  = 300 * time.Millisecond // between two looks at a run that waits, or is between attempts
	followPiece = 32 << 10               // of a line that is longer
	followPart  = time.Second            // after which the beginning of a line is shown that does not end
	heartbeat   = 15 * time.Second
	clientWait  = 10 * time.Second // for which a client may take nothing
)

// follower shows one client a log while it grows.
type follower struct {
	a       *API
	s       *story
	out     http.ResponseWriter
	control *http.ResponseController
	wrote   time.Time

	runner, host string
	ask          events.LogAsk // what is asked for next
	rest         []byte        // the beginning of a line
	restAt       int64         // where it stands; -1: it has no place yet
	since        time.Time     // since when it waits for its end
	known        bool          // the end of the run is known, and what is left is read
	said         string        // how the run stood when that was said last
}

// followLog serves a log as events until its run has ended.
func (a *API) followLog(w http.ResponseWriter, r *http.Request, s *story, place int64, end tail) error {
	if _, _, err := s.runnerOf("log"); err != nil && !(events.CodeOf(err) == events.NotFound && s.ended().IsZero() && s.outcome() != events.OutcomeNotKept) {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a proxy that collects events delivers none
	if r.Method == http.MethodHead {
		return nil
	}
	f := &follower{a: a, s: s, out: w, control: http.NewResponseController(w)}
	f.ask = events.LogAsk{Offset: place, Most: events.MaxPart, Wait: followWait}
	if place < 0 {
		f.ask.Offset, f.ask.Lines, f.ask.Bytes = 0, end.lines, end.bytes
	}
	_ = f.control.SetReadDeadline(time.Time{}) // the request is read; the listener's limit would end it
	err := f.run(r.Context())
	if f.flush() == nil {
		_ = f.control.SetWriteDeadline(time.Time{}) // the connection serves other requests
	}
	if err != nil && r.Context().Err() == nil {
		a.Log.Info("a follower of a log is cut off", "trigger_id", s.id, "error", err.Error())
	}
	return nil
}

// run shows the log until the run has ended, its runner is away, or the client has gone: that is
// the error.
func (f *follower) run(ctx context.Context) error {
	if err := f.write("retry: 1000\n\n"); err != nil {
		return err
	}
	for {
		if err := f.stands(); err != nil {
			return err
		}
		over, err := f.more(ctx)
		if over || err != nil {
			return err
		}
		if time.Since(f.wrote) > heartbeat {
			if err := f.write(":\n\n"); err != nil {
				return err
			}
		}
	}
}

// more shows what has come, and looks how the run stands where nothing has; over says that the end is told.
func (f *follower) more(ctx context.Context) (over bool, err error) {
	runner, host, err := f.s.runnerOf("log")
	if err != nil { // it has not begun, or never will
		if ended := f.s.ended(); !ended.IsZero() {
			return true, f.end(false, f.s.last())
		}
		return f.look(ctx)
	}
	if f.runner != "" && runner != f.runner { // the next attempt is on another machine, which begins a log of its own
		f.ask.Offset, f.ask.Printed = 0, 0
	}
	f.runner, f.host = runner, host
	f.ask.FlowJobID = f.s.flow
	part, text, err := f.a.asks().AskLog(ctx, runner, f.ask)
	switch {
	case ctx.Err() != nil:
		return true, ctx.Err()
	case events.CodeOf(err) == events.Full:
		return false, wait.Sleep(ctx, followRest)
	case err != nil && f.known:
		return true, f.end(false, f.s.last()+"; the rest of its log: "+runnerAway(err, host).Error())
	case err != nil:
		return true, f.end(true, runnerAway(err, host).Error())
	}
	f.ask.Lines, f.ask.Bytes, f.ask.Printed = 0, 0, part.Printed
	if len(text) > 0 {
		if part.Offset >= 0 {
			f.ask.Offset = part.Offset + int64(len(text))
		} else {
			f.ask.Offset = part.Size
		}
		return false, f.show(part.Offset, text)
	}
	if part.Offset >= 0 { // of the tail of what is empty
		f.ask.Offset = max(f.ask.Offset, part.Offset)
	}
	if part.Live {
		return false, f.showRest(false)
	}
	if f.known {
		if err := f.showRest(true); err != nil {
			return true, err
		}
		return true, f.end(false, f.s.last())
	}
	return f.look(ctx)
}

// look reads how the run stands now. What its log holds then is read once more before its end is told.
func (f *follower) look(ctx context.Context) (over bool, err error) {
	rest := followRest
	if outcome := f.s.outcome(); outcome == events.OutcomeWaiting || outcome == events.OutcomeRetrying {
		rest = time.Second
	}
	if err := wait.Sleep(ctx, rest); err != nil {
		return true, err
	}
	s, err := f.a.storyOf(ctx, f.s.job, f.s.id)
	if events.CodeOf(err) == events.NotFound { // it became a verdict, or its job is deleted
		return true, f.end(false, err.Error())
	}
	if err == nil { // else the store is away: the log may go on
		f.s, f.known = s, !s.ended().IsZero()
	}
	return false, nil
}

// last says how the run ended.
func (s *story) last() string {
	if x := s.show(); x.Why != "" {
		return x.Why
	}
	return string(s.outcome())
}

// stands says how the run stands, when that has changed.
func (f *follower) stands() error {
	outcome, says := f.s.outcome(), ""
	switch started, ok := f.s.phases[events.Started]; {
	case ok && outcome == events.OutcomeRunning:
		says = fmt.Sprintf("attempt %d runs on %s", started.Attempt, hostOf(started))
	case f.s.ended().IsZero():
		says = f.s.last()
	default:
		return nil // that is told at the end
	}
	if f.said == string(outcome)+says {
		return nil
	}
	f.said = string(outcome) + says
	if err := f.event("state", -1, map[string]any{"outcome": outcome, "says": says}); err != nil {
		return err
	}
	return f.flush()
}

func hostOf(ev events.RunEvent) string {
	if ev.Process == nil {
		return "another endpoint"
	}
	return ev.Process.Host
}

// show shows text that stands at a place, or has none yet (-1), line by line.
func (f *follower) show(at int64, text []byte) error {
	if len(f.rest) > 0 && (f.restAt < 0) != (at < 0) {
		if err := f.showRest(true); err != nil {
			return err
		}
	}
	if len(f.rest) == 0 {
		f.restAt = at
	}
	f.rest = append(f.rest, text...)
	for {
		n := bytes.IndexByte(f.rest, '\n') + 1
		if n == 0 && len(f.rest) >= followPiece || n > followPiece {
			n = followPiece
		}
		if n == 0 {
			f.since = time.Now()
			return f.flush()
		}
		if err := f.line(f.rest[:n]); err != nil {
			return err
		}
		f.rest = f.rest[n:]
	}
}

// showRest shows the beginning of a line that does not end, after a while or at once.
func (f *follower) showRest(now bool) error {
	if len(f.rest) == 0 || !now && time.Since(f.since) < followPart {
		return nil
	}
	err := f.line(f.rest)
	f.rest = nil
	if err != nil {
		return err
	}
	return f.flush()
}

func (f *follower) line(text []byte) error {
	if f.restAt < 0 {
		return f.event("latest", -1, map[string]any{"text": string(text)})
	}
	at := f.restAt
	f.restAt += int64(len(text))
	return f.event("line", f.restAt, map[string]any{"offset": at, "text": string(text)})
}

// end tells how the run ended, or that its runner is away.
func (f *follower) end(isAway bool, says string) error {
	data := map[string]any{"outcome": f.s.outcome(), "says": says}
	if isAway {
		data["away"] = true
	}
	if err := f.event("end", -1, data); err != nil {
		return err
	}
	return f.flush()
}

// event writes an event; one with a place has that as its id.
func (f *follower) event(name string, id int64, data any) error {
	head := "event: " + name + "\n"
	if id >= 0 {
		head += fmt.Sprintf("id: %d\n", id)
	}
	f.wrote = time.Now()
	_ = f.control.SetWriteDeadline(time.Now().Add(clientWait))
	_, err := fmt.Fprintf(f.out, "%sdata: %s\n\n", head, events.Encode(data))
	return err
}

func (f *follower) write(text string) error {
	f.wrote = time.Now()
	_ = f.control.SetWriteDeadline(time.Now().Add(clientWait))
	if _, err := f.out.Write([]byte(text)); err != nil {
		return err
	}
	return f.flush()
}

func (f *follower) flush() error {
	_ = f.control.SetWriteDeadline(time.Now().Add(clientWait)) // not every connection has deadlines
	return f.control.Flush()
}
