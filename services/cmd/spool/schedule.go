package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/events"
	"spool.internal/events/schedule"
)

func scheduleCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "schedule", Short: "Ask what a cron expression means; needs no server"}
	cmd.AddCommand(scheduleNextCommand(), scheduleExplainCommand())
	return cmd
}

func scheduleNextCommand() *cobra.Command {
	var timezone, from string
	var count int
	cmd := &cobra.Command{
		Use:     "next EXPRESSION",
		Short:   "Print the next times of a cron expression, in UTC",
		Example: `  spool schedule next '30 2 * * *' --timezone Europe/Paris --from 2026-03-28T00:00:00Z --count 3`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			zone, err := zoneOf(timezone)
			if err != nil {
				return err
			}
			s, err := schedule.Parse(args[0], zone)
			if err != nil {
				return events.Faultf(events.Invalid, "schedule", "%s", err.Error())
			}
			t := time.Now()
			if from != "" {
				if t, err = time.Parse(time.RFC3339, from); err != nil {
					return events.Faultf(events.Invalid, "from", "%q is not a time like 2026-03-28T00:00:00Z", from)
				}
			}
			if count < 1 {
				return events.Faultf(events.Invalid, "count", "must be at least 1")
			}
			for range count {
				if t = s.Next(t); t.IsZero() {
					break
				}
				fmt.Fprintln(cmd.OutOrStdout(), t.UTC().Format(time.RFC3339))
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&timezone, "timezone", "UTC", "zone of the expression, as Europe/Paris")
	f.StringVar(&from, "from", "", "print times strictly after this one, RFC 3339 (default: now)")
	f.IntVar(&count, "count", 5, "how many")
	return cmd
}
