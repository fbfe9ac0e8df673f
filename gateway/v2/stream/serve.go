package stream

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

// serve answers one request; its error is for a request that got no answer yet.
func (s *Stream) serve(w http.ResponseWriter, r *http.Request) error {
	values, err := wire.Values(r, "job_id", "type", "last_event_id", "tail")
	if err != nil {
		return err
	}
	chosen, err := choose(values, s.Token(r))
	if err != nil {
		return err
	}
	from, known, err := lastEventID(r, values)
	if err != nil {
		return err
	}
	tail, err := readTail(values.Get("tail"))
	if err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(r.Context())
	defer end(nil)
	c := &client{
		selection: chosen, waiting: make(chan *event, maxWaiting), end: end,
		out: w, control: http.NewResponseController(w), at: from,
	}
	if err := s.hub.enter(c); err != nil {
		return err
	}
	defer s.hub.leave(c)
	if err := s.place(ctx, c, known); err != nil {
		return err
	}
	var last []*event
	if tail > 0 && known == 0 && r.Method != http.MethodHead {
		if last, err = s.tail(ctx, c, tail); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy that collects events delivers none
	if r.Method == http.MethodHead {
		return nil
	}
	_ = c.control.SetReadDeadline(time.Time{}) // the request is read; the listener's limit would end it
	err = s.stream(ctx, c, last, func() error {
		err := s.Verify(r)
		if events.CodeOf(err) == events.Unauthorized {
			return err
		}
		return nil // the tokens are not known for now: as good as before
	})
	if c.flush() == nil {
		_ = c.control.SetWriteDeadline(time.Time{}) // the connection serves other requests
	}
	if r.Context().Err() == nil && !errors.Is(err, errStopped) && events.CodeOf(err) != events.Unauthorized {
		s.Log.Info("a client of the events is cut off",
			"request_id", w.Header().Get(wire.HeaderRequestID), "user", c.token.Owner, "error", err.Error())
	}
	return nil
}

func choose(values url.Values, token events.Token) (selection, error) {
	c := selection{token: token, jobID: strings.ToLower(values.Get("job_id"))}
	if c.jobID != "" {
		if id, err := uuid.Parse(c.jobID); err != nil || id.String() != c.jobID {
			return c, events.Faultf(events.Invalid, "job_id", "%q is not the id of a job", c.jobID)
		}
	}
	wanted := strings.FieldsFunc(strings.Join(values["type"], ","), func(r rune) bool { return r == ',' })
	var err error
	c.of, err = chosen(wanted)
	return c, err
}

// lastEventID reads where a client left off, and of how many sources that tells; of none
// when it begins. The query is for clients that cannot set a header; the header is newer
// when both are there.
func lastEventID(r *http.Request, values url.Values) (at position, known int, err error) {
	id := r.Header.Get("Last-Event-Id")
	if id == "" {
		id = values.Get("last_event_id")
	}
	if id == "" {
		return position{}, 0, nil
	}
	return parsePosition(id)
}

// place decides where a client begins: where it left off, or with what is
// stored from now on.
func (s *Stream) place(ctx context.Context, c *client, known int) error {
	passed := s.hub.position()
	for i := range sources {
		resumes := i < known
		if resumes && c.at[i] <= passed[i] {
			continue
		}
		newest, err := s.Bus.FeedLast(ctx, sources[i].feed)
		switch {
		case err != nil:
			return err
		case !resumes:
			c.at[i] = newest
		case newest < c.at[i]:
			// What the client saw last was taken out of the stream, or the streams
			// were made anew and count from 1 again. Otherwise another gateway was
			// ahead of this one.
			c.at[i] = passed[i]
		}
	}
	return nil
}

// stream writes the last events and those that come, until the client or the gateway ends it.
func (s *Stream) stream(ctx context.Context, c *client, last []*event, alive func() error) error {
	if err := c.beat("retry: 1000"); err != nil {
		return err
	}
	for _, e := range last {
		if err := c.write(e); err != nil {
			return err
		}
	}
	if last != nil { // they are on their way, and no more of them come
		if err := c.beat(":"); err != nil {
			return err
		}
	}
	// Most of what was missed is read before live events begin to pile up.
	for _, until := range []func() position{s.hub.position, func() position { return s.hub.join(c) }} {
		if err := s.catchUp(ctx, c, until(), alive); err != nil {
			return err
		}
	}
	heartbeat, recheck := time.NewTicker(s.Heartbeat), time.NewTicker(s.Recheck)
	defer heartbeat.Stop()
	defer recheck.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case e := <-c.waiting:
			if err := c.writeAll(e); err != nil {
				return err
			}
		case <-recheck.C:
			if err := alive(); err != nil {
				return err
			}
		case <-heartbeat.C:
			if rest, ok := s.hub.rest(c); ok {
				for i := range sources {
					c.at[i] = max(c.at[i], rest[i])
				}
			}
			if err := c.beat(":"); err != nil {
				return err
			}
		}
	}
}

// writeAll writes an event and those that wait behind it.
func (c *client) writeAll(e *event) error {
	for range maxWaiting {
		if err := c.write(e); err != nil {
			return err
		}
		select {
		case e = <-c.waiting:
			continue
		default:
		}
		break
	}
	return c.flush()
}
