package main

import (
	"context"
	"time"

	"spool.internal/events/jet"
	"spool.internal/events/wait"
)

// hold keeps the services of a restored store from beginning anything, until spool release.
type hold struct {
	why      string
	released chan struct{} // closed when it is over
}

// releaseEvery is how often a held process asks whether it may go on.
const releaseEvery = time.Second

// readMarks reads once what the store says of itself: whether it is on hold. Bus refuses one
// of a newer form before that.
func (in *instance) readMarks(ctx context.Context, bus *jet.Bus) error {
	if in.marked {
		return nil
	}
	m, err := bus.Marks(ctx)
	if err != nil {
		return err
	}
	in.marked = true
	if m.Held == "" {
		return nil
	}
	in.hold.Store(&hold{m.Held, make(chan struct{})})
	in.Log.Warn("on hold: nothing is fired, dispatched or run until spool release", "why", m.Held)
	in.OnNote("hold", func() []string {
		if why := in.held(); why != "" {
			return []string{"nothing is fired, dispatched or run until spool release: " + why}
		}
		return nil
	})
	in.Go("hold", func(ctx context.Context) error { return in.awaitRelease(ctx, bus) })
	return nil
}

func (in *instance) awaitRelease(ctx context.Context, bus *jet.Bus) error {
	for wait.Sleep(ctx, releaseEvery) == nil {
		if m, err := bus.Marks(ctx); err == nil && m.Held == "" {
			in.Log.Info("released: everything goes on")
			close(in.hold.Load().released)
			break
		}
	}
	<-ctx.Done()
	return nil
}

// held says why nothing may begin; "" = it may.
func (in *instance) held() string {
	h := in.hold.Load()
	if h == nil {
		return ""
	}
	select {
	case <-h.released:
		return ""
	default:
		return h.why
	}
}

// afterHold runs a service once the store is on hold no more. Until then it is as ready as it can be.
func (in *instance) afterHold(name string, s part) part {
	if in.hold.Load() == nil || name == "gateway" { // people look at the store while it is held
		return s
	}
	return &heldPart{in, s}
}

// part is a service that runs in this process.
type part interface {
	Run(context.Context) error
	Check() error
}

type heldPart struct {
	in *instance
	part
}

func (h *heldPart) Run(ctx context.Context) error {
	select {
	case <-h.in.hold.Load().released:
		return h.part.Run(ctx)
	case <-ctx.Done():
		return nil
	}
}

func (h *heldPart) Check() error {
	if h.in.held() != "" {
		return nil
	}
	return h.part.Check()
}
