package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/events/jet"
	"spool.internal/events/sorting"
	"spool.internal/events/spelling"
	"spool.internal/events/wait"
	"spool.internal/services/broker"
)

// machines finds the machines that have runners, at a server that runs on this machine or at a NATS of
// another.
type machines struct {
	nats         natsOptions
	data, bundle string
}

func machineCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "machine", Short: "See the machines that run flows, and give up one that never comes back",
		Long: `See the machines of a cluster that run flows, and give up one that never comes back.
A machine that is away keeps its runs: they go on when it is back, and those on shared
drives may go on elsewhere before that (--takeover).`,
	}
	cmd.AddCommand(machineListCommand(), machineForgetCommand())
	return cmd
}

func (m *machines) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&m.data, "data", "", "data folder of a spool serve or spool broker that runs on this machine")
	f.StringVar(&m.bundle, "bundle", "", "with --data: the bundle that it was started with")
	f.StringVar(&m.nats.url, "nats-url", "", "in place of --data: where NATS listens, such as tls://n1:4222")
	f.StringVar(&m.nats.creds, "nats-creds", "", "with --nats-url: credentials file of a user that may do everything there, or of the runner")
	m.nats.natsTLS.flags(f)
}

func machineListCommand() *cobra.Command {
	var m machines
	cmd := &cobra.Command{
		Use: "list", Short: "List the machines that run flows, since when they are away, and the runs that they have",
		Example: "  spool machine list --data /srv/spool --bundle m1",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return m.with(cmd, func(ctx context.Context, bus *jet.Bus) error {
				all, err := bus.MachineLeases(ctx)
				if err == nil {
					err = printMachines(cmd.OutOrStdout(), all)
				}
				return err
			})
		},
	}
	m.flags(cmd)
	return cmd
}

func machineForgetCommand() *cobra.Command {
	var m machines
	patience := 30 * time.Second
	cmd := &cobra.Command{
		Use: "forget MACHINE", Short: "Give up a machine that never comes back, and its runs",
		Long: `Give up a machine that never comes back. Its runs whose files are all on shared drives
start again on another machine that serves these; its other runs end with ERROR, since
their files are gone with the machine. Jobs whose drive it alone served have none then.

Be sure that it is off: a machine that is only cut off may still run flows for half a
minute after it was heard of last, and a frozen one when it goes on. One that has given
a sign of life within the last minute is refused. A machine that comes back all the
same is taken in again, and its runs stay ended.`,
		Example: "  spool machine forget m2 --data /srv/spool --bundle m1",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return m.with(cmd, func(ctx context.Context, bus *jet.Bus) error {
				return forgetMachine(ctx, bus, cmd.OutOrStdout(), args[0], patience)
			})
		},
	}
	m.flags(cmd)
	durationVar(cmd.Flags(), &patience, "wait", patience, "how long to wait until the runners have dealt with its runs")
	return cmd
}

// with connects, and gives the connection back after f.
func (m *machines) with(cmd *cobra.Command, f func(context.Context, *jet.Bus) error) (err error) {
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	ctx := cmd.Context()
	var bus *jet.Bus
	switch {
	case m.nats.url == "" && m.data == "", m.nats.url != "" && m.data != "":
		return misuse{cmd, errors.New("--data or --nats-url: give one of them: the data folder of a spool that runs on this machine, or the address of NATS")}
	case m.nats.url != "":
		if err := errors.Join(natsURL(m.nats.url), m.nats.natsTLS.check()); err != nil {
			return misuse{cmd, err}
		}
		bus, err = jet.Connect(ctx, m.nats.options("machine", log))
	default:
		var admin *broker.Admin
		if admin, err = broker.Control(ctx, m.data, m.bundle); err == nil {
			defer admin.Close()
			bus, err = admin.Bus(ctx, "machine", log)
		}
	}
	if err != nil {
		return err
	}
	return errors.Join(f(ctx, bus), limited(bus.Close))
}

func printMachines(w io.Writer, all []jet.MachineLease) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "no machine has a runner of its own: without --bundle or --place runs belong to no machine")
		return err
	}
	sorting.By(all, func(a, b jet.MachineLease) int {
		return cmp.Or(cmp.Compare(a.Place, b.Place), cmp.Compare(a.Pool, b.Pool))
	})
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MACHINE\tPOOL\tSTATE\tLAST RENEWED\tTAKEOVER\tRUNS")
	for _, m := range all {
		takeover := "never"
		if m.Takeover > 0 {
			takeover = spelling.FormatDuration(m.Takeover)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\n", m.Place, m.Pool, stateOf(m), m.Renewed.UTC().Format(time.RFC3339), takeover, m.Runs)
	}
	return table.Flush()
}

// stateOf says how a machine is, for people.
func stateOf(m jet.MachineLease) string {
	switch {
	case m.Forgotten != nil:
		return "forgotten by " + m.Forgotten.By
	case m.Released:
		return "stopped"
	case m.Away():
		return "away"
	}
	return "there"
}

func forgetMachine(ctx context.Context, bus *jet.Bus, out io.Writer, name string, patience time.Duration) error {
	mine := func() (mine []jet.MachineLease, others []string, err error) {
		all, err := bus.MachineLeases(ctx)
		for _, m := range all {
			if m.Place == name {
				mine = append(mine, m)
			} else {
				others = append(others, m.Place)
			}
		}
		return mine, others, err
	}
	leases, others, err := mine()
	if err != nil {
		return err
	}
	if len(leases) == 0 {
		return fmt.Errorf("no machine %s is known: there are %s", name, cmp.Or(strings.Join(others, ", "), "none"))
	}
	for _, m := range leases {
		if !m.Away() {
			return fmt.Errorf("machine %s is there: its runner, on %s, has renewed its lease %s ago. Stop it first", name, m.Host, m.Age.Round(time.Second))
		}
	}
	runs := 0
	for _, m := range leases {
		runs += m.Runs
		if err := bus.ForgetMachine(ctx, m, whoAmI()); jet.IsConflict(err) {
			return fmt.Errorf("machine %s has just come back, and is not forgotten", name)
		} else if err != nil {
			return err
		}
	}
	if err := bus.ForgetPlace(ctx, name); err != nil {
		fmt.Fprintf(out, "what %s served is still remembered: %v\n", name, err)
	}
	fmt.Fprintf(out, "machine %s is forgotten; it had %d runs\n", name, runs)
	for left, deadline := runs, time.Now().Add(patience); left > 0; {
		if time.Now().After(deadline) {
			return fmt.Errorf("%d of its runs are still there after %s: the runners of other machines deal with them; spool machine list shows when they have", left, patience)
		}
		if err := wait.Sleep(ctx, time.Second); err != nil {
			return err
		}
		if leases, _, err = mine(); err != nil {
			return err
		}
		left = 0
		for _, m := range leases {
			left += m.Runs
		}
	}
	if runs > 0 {
		fmt.Fprintln(out, "all of them have ended or go on elsewhere: each says in its message which")
	}
	return nil
}

// whoAmI names who gives a command, for others.
func whoAmI() string {
	host, _ := os.Hostname()
	if u, err := user.Current(); err == nil {
		return u.Username + " on " + host
	}
	return "somebody on " + host
}
