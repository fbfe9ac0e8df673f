package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"spool.internal/services/broker"
	"spool.internal/services/broker/cluster"
)

func clusterRescueCommand() *cobra.Command {
	var m onMachine
	var yes bool
	cmd := &cobra.Command{
		Use: "rescue", Short: "Go on with the one machine that is left when the others are lost for good", Args: cobra.NoArgs,
		Long: `Go on with the one machine that is left when the others are lost for good. What was stored last
may be on the lost ones only, and is lost then. They must never start again: empty their
disks.

Run it on the machine that is left. Then name the lost ones no more in the bundles, make two
more machines, and start them: every stream is copied to them by itself.`,
		Example: "  spool cluster rescue --data /var/lib/spool\n  spool cluster remove m2 m3 --data /var/lib/spool --dir prod.bundle\n  spool cluster add m4=10.0.0.4 m5=10.0.0.5 --dir prod.bundle",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return m.withAdmin(cmd.Context(), func(a *broker.Admin) error {
				c, err := a.Look(cmd.Context())
				if err != nil {
					return err
				}
				if c.Leader != "" {
					return fmt.Errorf("the cluster has a leader, %s: there is nothing to rescue", c.Leader)
				}
				return rescue(cmd, a, c, m.data, yes)
			})
		},
	}
	m.flags(cmd.Flags())
	cmd.Flags().BoolVar(&yes, "yes", false, "do it without asking")
	return cmd
}

// rescue makes the cluster one of the machine that is left.
func rescue(cmd *cobra.Command, a *broker.Admin, c *broker.Cluster, data string, yes bool) error {
	mark, err := cluster.ReadMark(data)
	if err != nil {
		return err
	}
	var lost []string
	for _, one := range c.Machines {
		if one.State == broker.Away || one.State == broker.NotJoined || one.State == broker.Stranger {
			lost = append(lost, one.Name)
		}
	}
	if left := len(c.Machines) - len(lost); left != 1 {
		return fmt.Errorf("%d machines answer, of %s: a rescue is for one that is left alone, and with a majority the cluster goes on by itself", left, strings.Join(names(c), ", "))
	}
	what := fmt.Sprintf("%s and what it has become the cluster. %s count as lost for good: what was stored last may be on them only, and is lost then, "+
		"and work of the last moments may be done again. They must never start again. Go on with %s alone", mark.Machine, strings.Join(lost, " and "), mark.Machine)
	if err := agree(cmd, yes, what); err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if err := a.Rescue(cmd.Context(), lost, said(out)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "everything goes on, with one copy of each stream: spool cluster remove %s --dir …, spool cluster add two more, and start them; spool cluster status says when every stream has three copies\n", strings.Join(lost, " "))
	return err
}

func said(w io.Writer) func(string) { return func(what string) { fmt.Fprintln(w, what) } }
