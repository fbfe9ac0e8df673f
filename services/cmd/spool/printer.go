package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/sorting"
)

// printer prints results and runs as they happen. They come on two streams; they are
// printed in the order in which they happened, as far as that is known within settle.
type printer struct {
	out   io.Writer
	shown string

	ended chan struct{} // closed at the end of the first file's run
	once  sync.Once
}

const settle = 200 * time.Millisecond

type line struct {
	at   time.Time
	text string
	end  bool
}

func clock(t time.Time) string { return t.Local().Format("15:04:05.000") }

// follow prints until ctx ends; wait for the group to know that it has stopped.
func (p *printer) follow(ctx context.Context, bus *jet.Bus) *sync.WaitGroup {
	p.ended = make(chan struct{})
	lines := make(chan line, 64)
	var wg sync.WaitGroup
	put := func(l line) {
		select {
		case lines <- l:
		case <-ctx.Done():
		}
	}
	wg.Go(func() {
		_ = bus.Results("").Follow(ctx, jet.Newest, func(m jet.Entry[events.Result]) {
			if r, err := m.Value(); err == nil {
				put(p.result(r))
			}
		})
	})
	wg.Go(func() {
		_ = bus.Runs(events.Started, "").And(bus.Runs(events.Ended, "")).Follow(ctx, jet.Newest, func(m jet.Entry[events.RunEvent]) {
			if ev, err := m.Value(); err == nil {
				put(p.run(ev))
			}
		})
	})
	wg.Go(func() { p.print(ctx, lines) })
	return &wg
}

// firstEnd waits for the first run of a file to end, so that a new user sees one before
// the instructions. It gives up after a while.
func (p *printer) firstEnd(ctx context.Context) {
	select {
	case <-p.ended:
	case <-time.After(15 * time.Second):
	case <-ctx.Done():
	}
}

func (p *printer) print(ctx context.Context, lines <-chan line) {
	var waiting []line
	tick := time.NewTicker(settle / 4)
	defer tick.Stop()
	for {
		select {
		case l := <-lines:
			waiting = append(waiting, l)
			sorting.Stably(waiting, func(a, b line) int { return a.at.Compare(b.at) })
		case <-tick.C:
			for len(waiting) > 0 && time.Since(waiting[0].at) > settle {
				fmt.Fprintf(p.out, "%s %s\n", clock(waiting[0].at), waiting[0].text)
				if waiting[0].end {
					p.once.Do(func() { close(p.ended) })
				}
				waiting = waiting[1:]
			}
		case <-ctx.Done():
			return
		}
	}
}

func (p *printer) result(r events.Result) line {
	what := string(r.Kind)
	switch r.Kind {
	case events.KindFile:
		what = "file " + r.File.Path
	case events.KindCron:
		what = "tick " + r.Minute.Time().Local().Format("15:04")
	}
	if r.Status != events.OK {
		return line{r.TriggeredAt, what + ": ERROR " + r.HTTP.Status + " " + strings.TrimSpace(r.HTTP.Response), false}
	}
	return line{r.TriggeredAt, what + " accepted as " + r.FlowJobID, false}
}

func (p *printer) run(ev events.RunEvent) line {
	if ev.Phase == events.Started {
		return line{ev.At, "run started " + ev.FlowJobID, false}
	}
	took := ev.At.Sub(ev.StartedAt).Round(time.Millisecond)
	text := fmt.Sprintf("run ended %s %d ms", ev.Status, took.Milliseconds())
	dropped := strings.HasPrefix(ev.TriggerID, string(events.KindFile)+":")
	if ev.Status != events.OK {
		return line{ev.At, text + ": " + oneLineText(ev.Message), dropped}
	}
	out := strings.TrimPrefix(ev.OutputFolder, demoDrive+"/")
	return line{ev.At, text + " → " + filepath.Join(p.shown, "demo", filepath.FromSlash(out)), dropped}
}

func oneLineText(s string) string { return strings.Join(strings.Fields(s), " ") }
