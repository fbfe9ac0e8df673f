package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/events/reserve"
	"spool.internal/services/broker"
)

// onMachine is how a command reaches the machine that it runs on.
type onMachine struct{ data string }

func (m *onMachine) flags(f *pflag.FlagSet) {
	f.StringVar(&m.data, "data", "spool-data", "data folder of the machine, whose spool runs")
}

// admin connects to the machine of the data folder.
func (m *onMachine) admin(ctx context.Context) (*broker.Admin, error) {
	return broker.Control(ctx, m.data, "")
}

// withAdmin runs something on the machine of the data folder.
func (m *onMachine) withAdmin(ctx context.Context, f func(*broker.Admin) error) error {
	a, err := m.admin(ctx)
	if err != nil {
		return err
	}
	defer a.Close()
	return f(a)
}

func clusterStatusCommand() *cobra.Command {
	var m onMachine
	form := "table"
	cmd := &cobra.Command{
		Use: "status", Short: "Show the machines of a cluster, and each stream's leader and copies", Args: cobra.NoArgs,
		Long: `Show the machines of a cluster, and each stream's leader and copies. Exit status 1 says that
something is not as it is to be; the last lines say what.`,
		Example: "  spool cluster status --data /var/lib/spool\n  spool cluster status -o json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return m.withAdmin(cmd.Context(), func(a *broker.Admin) error {
				c, err := a.Look(cmd.Context())
				if err != nil {
					return err
				}
				if err := printCluster(cmd.OutOrStdout(), c, form); err != nil {
					return err
				}
				if !c.Whole {
					return exit{exitFailed, errors.New("the cluster is not whole: " + c.Why[0] + more(len(c.Why)-1))}
				}
				return nil
			})
		},
	}
	m.flags(cmd.Flags())
	cmd.Flags().StringVarP(&form, "output", "o", form, "what is printed: table or json")
	checked(cmd, func() error {
		if form != "table" && form != "json" {
			return fmt.Errorf("output: %q is neither table nor json", form)
		}
		return nil
	})
	return cmd
}

func more(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", and %d more", n)
}

func printCluster(w io.Writer, c *broker.Cluster, form string) error {
	if form == "json" {
		to := json.NewEncoder(w)
		to.SetIndent("", "  ")
		return to.Encode(c)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "cluster %s (%s), led by %s\n\nMACHINE\tSTATE\tLEADS\tADDRESS\tVERSION\tRUNS SINCE\tCERTIFICATE ENDS\n", c.Name, c.ID, cmp.Or(c.Leader, "nobody"))
	for _, m := range c.Machines {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\n", m.Name, m.State, m.Leads, cmp.Or(m.Address, "-"), cmp.Or(m.Version, "-"), moment(m.Since, time.DateTime), moment(m.Certificate, time.DateOnly))
	}
	fmt.Fprintln(t, "\nSTREAM\tLEADER\tCOPIES\tMESSAGES\tCONSUMERS\tSIZE")
	for _, s := range c.Streams {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%s\n", s.Name, cmp.Or(s.Leader, "none"), copies(s), s.Messages, s.Consumers, reserve.Size(int64(s.Bytes)))
	}
	if !c.Whole {
		fmt.Fprintln(t)
	}
	for _, why := range c.Why {
		fmt.Fprintln(t, why)
	}
	return t.Flush()
}

// copies names the machines with a copy, beside the leader, and what they lack.
func copies(s broker.StreamState) string {
	var all []string
	for _, r := range s.Replicas {
		switch {
		case r.Away:
			all = append(all, r.Machine+" (away)")
		case !r.Current:
			all = append(all, fmt.Sprintf("%s (behind by %d)", r.Machine, r.Lag))
		default:
			all = append(all, r.Machine)
		}
	}
	return cmp.Or(strings.Join(all, ", "), "none")
}

func moment(t time.Time, form string) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(form)
}
