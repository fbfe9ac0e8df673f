package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/events/schedule"
)

func scheduleExplainCommand() *cobra.Command {
	var q question
	cmd := &cobra.Command{
		Use:   "explain EXPRESSION",
		Short: "Explain a cron expression: what it means, what may surprise, and when it runs next",
		Long: `Explain a cron expression: what it means, what about it may surprise, and when it runs
next. A run marked dst_gap replaces times that a change to summer time skips; a run
marked dst_fold has a wall time that comes twice, and runs the first time only.`,
		Example: `  spool schedule explain '30 2 * * *' --timezone Europe/Paris`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, t, err := q.read(args[0])
			if err != nil {
				return err
			}
			return explain(cmd.OutOrStdout(), s, t, q.count)
		},
	}
	q.flags(cmd.Flags())
	checked(cmd, q.check)
	return cmd
}

// endOfTime is the last year for which a schedule answers.
var endOfTime = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)

func explain(w io.Writer, s *schedule.Schedule, from time.Time, count int) error {
	fmt.Fprintln(w, s.Describe())
	for _, warning := range s.Warnings(from) {
		fmt.Fprintln(w, "Warning:", warning)
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "UTC\t%s\t\n", s.Location())
	for slot := range s.Slots(from, endOfTime) {
		local := slot.Time.In(s.Location()).Format("Mon 2006-01-02 15:04 -07:00")
		fmt.Fprintf(table, "%s\t%s\t%s\n", slot.Time.Format(time.RFC3339), local, slot.Mark)
		if count--; count == 0 {
			break
		}
	}
	return table.Flush()
}
