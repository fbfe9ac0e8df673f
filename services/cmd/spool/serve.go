package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/events/jet"
)

func serveCommand() *cobra.Command {
	s := &settings{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run every service in this process, with NATS inside",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), s, nil) },
	}
	s.declare(cmd, services...)
	return cmd
}

// ready is called once everything is started, with a connection of its own; demo uses it.
type ready func(context.Context, *instance, *jet.Bus) error

// serve runs the broker and every service until ctx ends.
func serve(ctx context.Context, s *settings, then ready) error {
	in, err := openStore(s)
	if err != nil {
		return err
	}
	if err := in.serve(ctx, then); err != nil {
		return errors.Join(stayLost(ctx, in.Process, s.common.listener(), err), in.Stop())
	}
	return in.Wait(ctx)
}

// serve starts everything, from the bottom up; what starts last stops first.
func (in *instance) serve(ctx context.Context, then ready) error {
	if err := in.openDrives(); err != nil {
		return err
	}
	if err := in.lookAround(); err != nil {
		return err
	}
	if err := in.startBroker(ctx); err != nil {
		return err
	}
	if in.bundle != nil {
		in.OnStop("others", in.last.end)
		defer func() { in.OnStop("others", in.last.begin(in)) }() // the first step of a stop
	}
	buses, err := in.connectAll(ctx)
	if err != nil {
		return err
	}
	for i, service := range services {
		began, bus := time.Now(), buses[i]
		in.OnStop(service.name+" connection", bus.Close)
		if err := in.readMarks(ctx, bus); err != nil {
			return err
		}
		if err := service.start(in, ctx, bus); err != nil {
			return err
		}
		in.present(service.name, bus)
		in.Log.Debug("started", "part", service.name, "took", time.Since(began).String())
	}
	in.presented()
	in.Go("readiness", in.AnnounceReady)
	if then == nil {
		return nil
	}
	bus, err := in.connect(ctx, "demo")
	if err != nil {
		return err
	}
	in.Go("demo", func(ctx context.Context) error {
		if err := then(ctx, in, bus); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	})
	return nil
}

// connectAll connects all services to the broker of this process, side by side. What a service does not get to
// close, since the start fails, is closed in the end.
func (in *instance) connectAll(ctx context.Context) ([]*jet.Bus, error) {
	buses, errs := make([]*jet.Bus, len(services)), make([]error, len(services))
	var all sync.WaitGroup
	for i, service := range services {
		all.Go(func() { buses[i], errs[i] = in.broker.Connect(ctx, service.name) })
	}
	all.Wait()
	for _, bus := range buses {
		if bus != nil {
			in.OnStop("connections", bus.Close)
			errs = append(errs, in.connected(bus))
		}
	}
	return buses, errors.Join(errs...)
}

// connect connects a service to the broker of this process.
func (in *instance) connect(ctx context.Context, name string) (*jet.Bus, error) {
	bus, err := in.broker.Connect(ctx, name)
	if err == nil {
		in.OnStop(name+" connection", bus.Close)
		err = in.connected(bus)
	}
	return bus, err
}

func (in *instance) connected(bus *jet.Bus) error {
	in.last.buses = append(in.last.buses, bus)
	return in.measure(bus)
}
