package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/events/jet"
	"spool.internal/events/reserve"
	"spool.internal/services/broker"
)

// setup makes Spool's streams on a NATS that is not Spool's own.
type setup struct {
	nats     natsOptions
	replicas int
	maxStore int64
	results  int64
	wait     time.Duration
	dryRun   bool
	print    bool
	keys     string
}

func setupCommand() *cobra.Command {
	s := &setup{}
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Make Spool's streams on a NATS of your own, or bring them up to date",
		Long: `Make Spool's streams on a NATS of your own, or bring them up to date. It prints what is
and what will be, setting by setting, does it, and waits until each stream has a leader
and all its replicas are current. Roles that start earlier wait for the streams.

Running it again changes nothing. A stream never shrinks.

With --print-permissions it prints accounts and users for the configuration of the
servers, one for each role, which can do what that role does and nothing else. One
or more "spool guard" must run beside them.`,
		Example: `  spool setup --nats-url tls://n1:4222,tls://n2:4222,tls://n3:4222 --nats-creds setup.creds --replicas 3 --dry-run
  spool setup --nats-url tls://n1:4222,tls://n2:4222,tls://n3:4222 --nats-creds setup.creds --replicas 3
  spool setup --print-permissions --keys keys > spool.conf    # keys/setup.creds, keys/guard.creds, keys/cron.creds, …`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
			return s.run(cmd.Context(), cmd.OutOrStdout(), log)
		},
	}
	f := cmd.Flags()
	s.nats.flags(f, true)
	f.Lookup("nats-creds").Usage = "credentials file of a user that may make streams"
	f.IntVar(&s.replicas, "replicas", 1, "copies of each stream, on as many servers: 1, 3 or 5")
	sizeVar(f, &s.maxStore, "max-store", jet.FullStore, "disk space for all streams together on each server, such as 10GiB")
	f.Int64Var(&s.results, "results-per-job", 1000, "results kept per job")
	durationVar(f, &s.wait, "wait", 2*time.Minute, "how long to wait for the server, and for leaders and replicas")
	f.BoolVar(&s.print, "print-permissions", false, "print the accounts and users of Spool's roles as a part of a NATS server's configuration, and do nothing else")
	f.StringVar(&s.keys, "keys", "", "with --print-permissions: folder with the keys of the users, as role.creds for --nats-creds; those that are missing are made")
	f.BoolVar(&s.dryRun, "dry-run", false, "print what would be done, and do nothing")
	checked(cmd, s.check)
	return cmd
}

func (s *setup) check() error {
	var faults []error
	switch {
	case s.print && s.keys == "":
		return errors.New("keys: is required with --print-permissions: the folder in which the keys of the users are, or will be")
	case s.print:
		return nil
	case s.keys != "":
		faults = append(faults, errors.New("keys: is for --print-permissions only"))
	}
	if s.replicas != 1 && s.replicas != 3 && s.replicas != 5 {
		faults = append(faults, fmt.Errorf("replicas: %d is not 1, 3 or 5", s.replicas))
	}
	if s.results < 1 {
		faults = append(faults, fmt.Errorf("results-per-job: %d is less than 1", s.results))
	}
	if s.wait <= 0 {
		faults = append(faults, fmt.Errorf("wait: %s is not more than 0", s.wait))
	}
	return errors.Join(append(faults, s.nats.check(&settings{role: setupRole}))...)
}

// setupRole is the name under which streams are made.
const setupRole = "setup"

func (s *setup) run(ctx context.Context, out io.Writer, log *slog.Logger) error {
	if s.print {
		public, err := broker.ForeignKeys(s.keys)
		if err != nil {
			return fmt.Errorf("keys: %w", err)
		}
		return broker.ForeignConfig(out, public)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.wait, fmt.Errorf("not done after %s (--wait)", s.wait))
	defer cancel()
	bus, err := jet.Connect(ctx, s.nats.options(setupRole, log))
	if err != nil {
		return err
	}
	return errors.Join(s.bring(ctx, bus, out), limited(bus.Close))
}

func (s *setup) bring(ctx context.Context, bus *jet.Bus, out io.Writer) error {
	var plan []jet.Change
	err := bus.Patiently(ctx, "servers that have just started", func(ctx context.Context) (err error) {
		plan, err = bus.Plan(ctx, jet.Topology{Store: s.maxStore, Replicas: s.replicas, ResultsPerJob: s.results})
		return err
	})
	if err != nil {
		return err
	}
	changed := printPlan(out, plan)
	switch {
	case s.dryRun:
		return done(out, changed, "to be changed; nothing was done (--dry-run)")
	case changed > 0:
		if err := bus.Patiently(ctx, "servers that have just started", func(ctx context.Context) error { return bus.Apply(ctx, plan) }); err != nil {
			return err
		}
	}
	if err := bus.AwaitReplicas(ctx, func(why string) { fmt.Fprintf(out, "waiting: %s\n", why) }); err != nil {
		return fmt.Errorf("the streams are made, but not ready: %w", err)
	}
	return done(out, changed, "changed; all have a leader and every replica is current")
}

func done(out io.Writer, changed int, what string) error {
	_, err := fmt.Fprintf(out, "%d streams %s\n", changed, what)
	return err
}

// printPlan prints the difference, and counts the streams that change.
func printPlan(out io.Writer, plan []jet.Change) (changed int) {
	for _, c := range plan {
		switch {
		case len(c.Fields) == 0:
			fmt.Fprintf(out, "  %s\n", c.Stream)
			continue
		case c.New:
			fmt.Fprintf(out, "+ %s\n", c.Stream)
		default:
			fmt.Fprintf(out, "~ %s\n", c.Stream)
		}
		changed++
		for _, f := range c.Fields {
			is, will := settingText(f.Name, f.Is), settingText(f.Name, f.Will)
			switch {
			case f.Is == "":
				fmt.Fprintf(out, "    + %s: %s\n", f.Name, will)
			case f.Will == "":
				fmt.Fprintf(out, "    - %s: %s\n", f.Name, is)
			default:
				fmt.Fprintf(out, "    ~ %s: %s -> %s\n", f.Name, is, will)
			}
		}
	}
	return changed
}

// settingText writes sizes and times as a person does.
func settingText(name, value string) string {
	var n int64
	if _, err := fmt.Sscan(value, &n); err != nil {
		return value
	}
	switch name {
	case "max_bytes":
		return reserve.Size(n)
	case "max_age", "duplicate_window":
		return time.Duration(n).String()
	}
	return value
}
