package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/spf13/cobra"

	"spool.internal/events/jet"
	"spool.internal/services/broker"
	"spool.internal/services/daemon"
)

// guardRole stands beside a NATS of one's own.
const guardRole = "guard"

func guardCommand() *cobra.Command {
	s := &settings{role: guardRole}
	cmd := &cobra.Command{
		Use:   guardRole,
		Short: "Pass on, on a NATS of your own, what roles may not ask for by themselves",
		Long: `Pass on, on a NATS of your own, what roles may not ask for by themselves, because a
subject cannot bound it: consumers, which could push to any subject, and purges,
which could remove everything. The broker does the same on its own NATS. Roles wait while
none runs; run two or more, on different machines: they share the work.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runGuard(cmd.Context(), s) },
	}
	s.declare(cmd)
	return cmd
}

func runGuard(ctx context.Context, s *settings) error {
	log, err := s.common.prepare()
	if err != nil {
		return err
	}
	in := &instance{Process: daemon.New(log), set: s}
	if err := in.startGuard(ctx); err != nil {
		if ctx.Err() != nil {
			err = nil // stopped while it was waiting for NATS
		}
		return errors.Join(err, in.Stop())
	}
	return in.Wait(ctx)
}

func (in *instance) startGuard(ctx context.Context) error {
	o := in.set.nats.options(guardRole, in.log(guardRole))
	o.Needs = jet.Needs{Writes: jet.Streams()}
	bus, err := jet.Connect(ctx, o)
	if err != nil {
		return err
	}
	in.OnStop("connection", bus.Close)
	in.OnCheck("nats", bus.Check)
	if err := in.measure(bus); err != nil {
		return err
	}
	if err := broker.StandGuard(bus.NATS()); err != nil {
		return err
	}
	if _, err = in.Serve("http", in.set.common.listener(), http.NotFoundHandler()); err != nil {
		return err
	}
	in.Go("readiness", in.AnnounceReady)
	return nil
}
