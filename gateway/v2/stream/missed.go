package stream

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
)

// Bounds of a page, which a client that resumes holds in memory.
const (
	pageEvents = 500
	pageBytes  = 1 << 20
	pageTime   = 5 * time.Second
)

// catchUp writes what is stored up to a position.
func (s *Stream) catchUp(ctx context.Context, c *client, until position, alive func() error) error {
	for i := range sources {
		if !c.needs(i) {
			c.at[i] = max(c.at[i], until[i])
			continue
		}
		for c.at[i] < until[i] {
			if err := alive(); err != nil {
				return err
			}
			page, reached, err := s.page(ctx, i, c.at[i], until[i])
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err != nil {
				if err := s.wait(ctx, c, err); err != nil {
					return err
				}
			}
			for _, e := range page {
				if err := c.write(e); err != nil {
					return err
				}
			}
			c.at[i] = max(c.at[i], reached)
			if err := c.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// wait bridges the time in which the broker is away.
func (s *Stream) wait(ctx context.Context, c *client, why error) error {
	if events.CodeOf(why) != events.Unavailable {
		return why
	}
	if err := c.beat(": the store is away"); err != nil {
		return err
	}
	return wait.Sleep(ctx, time.Second)
}

// page reads the next events of one source above after, up to and with until,
// and says how far it has come: that can be short of until when the page is
// full or the broker slow.
func (s *Stream) page(ctx context.Context, i int, after, until uint64) (page []*event, reached uint64, err error) {
	select {
	case s.pages <- struct{}{}:
		defer func() { <-s.pages }()
	case <-ctx.Done():
		return nil, after, context.Cause(ctx)
	}
	newest, err := s.Bus.FeedLast(ctx, sources[i].feed)
	if err != nil {
		return nil, after, err
	}
	if newest <= after {
		return nil, until, nil // what was there is gone
	}
	limit, cancel := context.WithTimeout(ctx, pageTime)
	defer cancel()
	var at atomic.Uint64
	at.Store(after)
	var watch sync.WaitGroup
	watch.Go(func() { s.watchEnd(limit, cancel, i, &at, until) })
	bytes := 0
	err = s.Bus.FeedAfter(limit, sources[i].feed, after, func(m jet.FeedEntry) {
		if limit.Err() != nil {
			return
		}
		if m.Sequence <= until {
			if e := s.event(limit, i, m); e != nil {
				page, bytes = append(page, e), bytes+len(e.data)
			}
			if limit.Err() != nil {
				return // and the next page begins with it
			}
		}
		at.Store(min(m.Sequence, until))
		if m.Sequence >= until || len(page) == pageEvents || bytes >= pageBytes {
			cancel()
		}
	})
	cancel()
	watch.Wait()
	return page, at.Load(), err
}

// watchEnd ends a page when the rest of it was taken out of the stream: then no
// message shows that the end is reached.
func (s *Stream) watchEnd(ctx context.Context, end func(), i int, at *atomic.Uint64, until uint64) {
	for wait.Sleep(ctx, retry) == nil {
		newest, err := s.Bus.FeedLast(ctx, sources[i].feed)
		if reached := at.Load(); err == nil && newest < until && reached >= newest {
			end()
			at.CompareAndSwap(reached, until)
			return
		}
	}
}
