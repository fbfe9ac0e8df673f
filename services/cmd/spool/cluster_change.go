package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"spool.internal/services/broker"
	"spool.internal/services/broker/cluster"
)

func clusterAddCommand() *cobra.Command {
	var dir string
	var renew bool
	cmd := &cobra.Command{
		Use: "add [NAME=ADDRESS…]", Short: "Make the bundle of another machine, or new certificates",
		Long: `Make the bundle of another machine, and name it in the bundles of the others; a machine that is
named again with another address moves there. With --renew every machine gets a new
certificate. Copy each bundle to its machine: those that run take in what has changed, within
seconds and without a restart.`,
		Example: "  spool cluster add --dir prod.bundle m4=10.0.0.4\n  spool cluster add --dir prod.bundle --renew",
		RunE: func(cmd *cobra.Command, args []string) error {
			more, err := cluster.ParseMachines(args)
			if err == nil && len(args) == 0 && !renew {
				err = errors.New("name a machine, as NAME=ADDRESS, or give --renew")
			}
			if err != nil {
				return misuse{cmd, err}
			}
			f, err := cluster.Open(dir)
			if err != nil {
				return err
			}
			all := f.Of().Machines
			for _, m := range more {
				all = append(slices.DeleteFunc(all, func(had cluster.Machine) bool { return had.Name == m.Name }), m)
			}
			return change(cmd, f, all, renew)
		},
	}
	bundleFolder(cmd, &dir)
	cmd.Flags().BoolVar(&renew, "renew", false, "make new certificates for all machines, which hold for two years")
	return cmd
}

func bundleFolder(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "dir", "", "folder that spool cluster init made, with ca.key and the bundles")
}

// change gives the bundles other machines, and says what is to be done with them.
func change(cmd *cobra.Command, f *cluster.Folder, machines []cluster.Machine, renew bool) error {
	if err := f.Change(machines, renew); err != nil {
		return err
	}
	for _, m := range machines {
		fmt.Fprintf(cmd.OutOrStdout(), "%s/%s  is for %s (%s)\n", f.Dir, m.Name, m.Name, m.Address)
	}
	fmt.Fprintln(cmd.OutOrStdout(), "copy each to its machine: those that run take in what has changed")
	return nil
}

func clusterRemoveCommand() *cobra.Command {
	var m onMachine
	var dir string
	var yes bool
	cmd := &cobra.Command{
		Use: "remove NAME…", Short: "Take machines out of a cluster for good", Args: cobra.MinimumNArgs(1),
		Long: `Take machines out of a cluster for good. Stop them first; their copies count no more. Their
names are barred for five minutes: give machines in their place others. Run it on a machine
that stays; with --dir the bundles name them no more, either.`,
		Example: "  spool cluster remove m3 --data /var/lib/spool --dir prod.bundle",
		RunE: func(cmd *cobra.Command, args []string) error {
			return m.withAdmin(cmd.Context(), func(a *broker.Admin) error {
				return remove(cmd, a, args, removal{dir, yes})
			})
		},
	}
	m.flags(cmd.Flags())
	bundleFolder(cmd, &dir)
	cmd.Flags().BoolVar(&yes, "yes", false, "do it without asking")
	return cmd
}

// removal is how machines are removed.
type removal struct {
	dir string // of the bundles
	yes bool
}

func remove(cmd *cobra.Command, a *broker.Admin, gone []string, how removal) error {
	c, err := a.Look(cmd.Context())
	if err != nil {
		return err
	}
	joined, err := removable(c, gone)
	if err != nil {
		return err
	}
	if err := agree(cmd, how.yes, fmt.Sprintf("Remove %s for good: what is nowhere else is lost", strings.Join(gone, " and "))); err != nil {
		return err
	}
	for _, name := range joined {
		if err := a.Remove(cmd.Context(), name); err != nil {
			return err
		}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "removed: %s\n", strings.Join(gone, ", "))
	if how.dir == "" {
		fmt.Fprintln(cmd.OutOrStdout(), "the bundles may still name what is removed: give --dir where they are")
		return nil
	}
	f, err := cluster.Open(how.dir)
	if err != nil {
		return err
	}
	return change(cmd, f, slices.DeleteFunc(f.Of().Machines, func(m cluster.Machine) bool { return slices.Contains(gone, m.Name) }), false)
}

// removable checks that machines can be removed, and gives those that NATS knows.
func removable(c *broker.Cluster, gone []string) (joined []string, err error) {
	for _, name := range gone {
		at := slices.IndexFunc(c.Machines, func(m broker.MachineState) bool { return m.Name == name })
		switch {
		case at < 0:
			return nil, exit{exitLost, fmt.Errorf("%s is no machine of the cluster: it has %s", name, strings.Join(names(c), ", "))}
		case c.Machines[at].State == broker.Current || c.Machines[at].State == broker.Behind:
			return nil, fmt.Errorf("%s runs: stop it first, so that it hands on what it leads", name)
		case c.Machines[at].State != broker.NotJoined:
			joined = append(joined, name)
		}
	}
	return joined, nil
}

func names(c *broker.Cluster) (all []string) {
	for _, m := range c.Machines {
		all = append(all, m.Name)
	}
	return all
}

// agree asks the person at the terminal.
func agree(cmd *cobra.Command, yes bool, what string) error {
	if yes {
		return nil
	}
	if in, ok := cmd.InOrStdin().(*os.File); !ok || !term.IsTerminal(int(in.Fd())) {
		return misuse{cmd, errors.New(what + ": nothing was done, because there is no terminal to ask at: give --yes")}
	}
	fmt.Fprint(cmd.ErrOrStderr(), what+"? [y/N] ")
	answer, _ := bufio.NewReader(cmd.InOrStdin()).ReadString('\n') // no answer is no
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was done")
	}
	return nil
}

func clusterStepDownCommand() *cobra.Command {
	var m onMachine
	cmd := &cobra.Command{
		Use: "step-down", Short: "Have other machines lead what this one leads", Args: cobra.NoArgs,
		Long: `Have other machines lead what this one leads, as before work on it. A stop does so by itself;
machines lead about as much again soon after.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			mark, err := cluster.ReadMark(m.data)
			if err != nil {
				return err
			}
			if mark == nil {
				return fmt.Errorf("%s is no data folder of a machine of a cluster", m.data)
			}
			return m.withAdmin(cmd.Context(), func(a *broker.Admin) error {
				n, err := a.StepDown(cmd.Context(), mark.Machine)
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), "%s leads nothing any more; it led %d streams\n", mark.Machine, n)
				}
				return err
			})
		},
	}
	m.flags(cmd.Flags())
	return cmd
}
