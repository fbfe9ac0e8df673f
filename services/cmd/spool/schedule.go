package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/events"
	"spool.internal/events/schedule"
)

func scheduleCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "schedule", Short: "Ask what a cron expression means; needs no server"}
	cmd.AddCommand(scheduleNextCommand(), scheduleExplainCommand())
	return cmd
}

// question has the flags of next and explain.
type question struct {
	timezone string
	from     string
	count    int
}

func (q *question) flags(f *pflag.FlagSet) {
	f.StringVar(&q.timezone, "timezone", "UTC", "time zone of the expression, such as Europe/Paris")
	f.StringVar(&q.from, "from", "", "only times strictly after this one, RFC 3339 (default: now)")
	f.IntVar(&q.count, "count", 5, "number of times to print")
}

// check reports all that is wrong with the flags.
func (q *question) check() error {
	_, err := zoneOf(q.timezone)
	if _, bad := time.Parse(time.RFC3339, q.from); q.from != "" && bad != nil {
		err = errors.Join(err, events.Faultf(events.Invalid, "from", "%q is not a time like 2026-03-28T00:00:00Z", q.from))
	}
	if q.count < 1 {
		err = errors.Join(err, events.Faultf(events.Invalid, "count", "%d is too small: give 1 or more", q.count))
	}
	return err
}

func (q *question) read(expression string) (*schedule.Schedule, time.Time, error) {
	zone, err := zoneOf(q.timezone)
	if err != nil {
		return nil, time.Time{}, err
	}
	s, err := schedule.ParseAny(expression, zone)
	if err != nil {
		return nil, time.Time{}, events.Faultf(events.Invalid, "schedule", "%s", err.Error())
	}
	from := time.Now()
	if q.from != "" {
		if from, err = time.Parse(time.RFC3339, q.from); err != nil {
			return nil, time.Time{}, err
		}
	}
	return s, from, nil
}

func scheduleNextCommand() *cobra.Command {
	var q question
	cmd := &cobra.Command{
		Use:     "next EXPRESSION",
		Short:   "Print the next times of a cron expression, in UTC",
		Example: `  spool schedule next '30 2 * * *' --timezone Europe/Paris --from 2026-03-28T00:00:00Z --count 3`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, t, err := q.read(args[0])
			if err != nil {
				return err
			}
			for range q.count {
				if t = s.Next(t); t.IsZero() {
					break
				}
				fmt.Fprintln(cmd.OutOrStdout(), t.UTC().Format(time.RFC3339))
			}
			return nil
		},
	}
	q.flags(cmd.Flags())
	checked(cmd, q.check)
	return cmd
}
