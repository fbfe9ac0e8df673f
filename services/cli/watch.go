package cli

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"time"
)

// watchEvery is how often what is watched is asked for.
const watchEvery = 2 * time.Second

// watchList shows a list again whenever it changes. On a terminal it is drawn in place; else
// each thing that is new or has changed is one line of JSON.
func watchList(s *session, t table[any], rows iter.Seq2[row[any], error]) error {
	if !s.out.terminal {
		seen := map[string]string{}
		return s.watching(func() error {
			now := map[string]string{}
			for one, err := range rows {
				if err != nil {
					return err
				}
				key := t.name(one.value)
				now[key] += string(one.raw)
				if seen[key] == now[key] {
					continue
				}
				if err := s.out.ndjson(one.raw); err != nil {
					return err
				}
			}
			seen = now
			return nil
		})
	}
	return s.redraw(func(p *printer) error {
		still := *s
		still.out = p
		return still.list(t, rows)
	})
}

// watchOne shows one thing again whenever it changes.
func watchOne[T any](s *session, fetch func() (row[T], error), show func(*printer, row[T]) error) error {
	if s.out.terminal {
		return s.redraw(func(p *printer) error {
			got, err := fetch()
			if err != nil {
				return err
			}
			return show(p, got)
		})
	}
	var before []byte
	return s.watching(func() error {
		got, err := fetch()
		if err != nil || bytes.Equal(got.raw, before) {
			return err
		}
		before = got.raw
		return s.out.ndjson(got.raw)
	})
}

// watching does something every two seconds, until the person has seen enough.
func (s *session) watching(look func() error) error {
	ctx := s.cmd.Context() // which Ctrl-C ends
	for {
		if err := look(); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if !sleep(ctx, watchEvery) {
			return nil
		}
	}
}

// redraw draws something in place.
func (s *session) redraw(draw func(*printer) error) error {
	return s.watching(func() error {
		var screen bytes.Buffer
		p := *s.out
		p.watch, p.w = false, &screen
		if err := draw(&p); err != nil {
			return err
		}
		_, err := io.WriteString(s.out.w, fmt.Sprintf("\x1b[H\x1b[2J%s\n%s\n", p.now().Format("15:04:05"), screen.String()))
		return err
	})
}
