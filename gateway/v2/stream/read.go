package stream

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"spool.internal/events"
	"spool.internal/events/sorting"
)

// Ask is which events somebody wants to read, without following them.
type Ask struct {
	Token events.Token
	Query url.Values // job_id and type, as GET /api/v2/events reads them
	After string     // the events behind this position; empty: the last ones
	Most  int        // how many, at most 5,000; of more the last
}

// Happened is an event as somebody may see it.
type Happened struct {
	Kind  string
	At    time.Time // when it was stored; of a system event since when it is so
	JobID string    // empty: it is about no job
	Data  json.RawMessage
}

// Reading is what has happened, in the order in which it was stored.
type Reading struct {
	Events   []Happened
	Position string // up to which that is; the next reading begins behind it
}

// Read reads what has happened. Of what is longer ago than the newest 8,192 messages of a
// source it tells nothing.
func (s *Stream) Read(ctx context.Context, ask Ask) (Reading, error) {
	chosen, err := choose(ask.Query, ask.Token)
	if err == nil {
		err = s.hub.check()
	}
	if err != nil {
		return Reading{}, err
	}
	c := &client{selection: chosen}
	ask.Most = min(ask.Most, maxRead)
	until, known := s.hub.position(), 0
	if ask.After != "" {
		if c.at, known, err = parsePosition(ask.After); err != nil {
			return Reading{}, err
		}
	}
	var all []*event
	for i := range sources {
		if !c.needs(i) {
			continue
		}
		of, err := s.readOf(ctx, c, span{i, c.at[i], until[i]}, readLimits{ask.Most, i < known})
		if err != nil {
			return Reading{}, err
		}
		all = append(all, of...)
	}
	read := Reading{Position: until.String()}
	for _, e := range all {
		h := Happened{kinds[e.kind].name, e.at, e.jobID, e.dataFor(ask.Token)}
		if e.kind == kindSystem {
			if known > 0 && e.at.Sub(e.turned) > freshTime { // a role says all the time how it is
				continue
			}
			h.At = e.turned
		}
		read.Events = append(read.Events, h)
	}
	sorting.Stably(read.Events, func(a, b Happened) int { return a.At.Compare(b.At) })
	read.Events = read.Events[max(len(read.Events)-ask.Most, 0):]
	return read, nil
}

// freshTime is how long after it has changed what a role says of itself is news.
const freshTime = 15 * time.Second

const maxRead = 5000

// readLimits bound a reading.
type readLimits struct {
	most    int
	resumes bool // it begins behind a position
}

// readOf reads one source up to the end of a span, from its beginning on where that is a place.
func (s *Stream) readOf(ctx context.Context, c *client, of span, limits readLimits) ([]*event, error) {
	if !limits.resumes || of.after > of.until { // the streams were made anew and count from 1 again
		c.at[of.source] = of.until
		return s.lastOf(ctx, c, of.source, limits.most)
	}
	of.after = max(of.after, of.until-min(of.until, looks[len(looks)-1]))
	return s.between(ctx, c, of, limits.most)
}
