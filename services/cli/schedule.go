package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/events"
	"spool.internal/events/schedule"
)

// scheduleCommand is the noun of cron expressions.
func scheduleCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "schedule", Short: "Ask what a cron expression means; needs no server"}
	cmd.AddCommand(scheduleNext(), scheduleExplain())
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
	f.StringVar(&q.from, "from", "", "only times strictly after this one (default: now): "+timeForm)
	f.IntVar(&q.count, "count", 5, "number of times to print")
}

// check reports all that is wrong with the flags.
func (q *question) check() error {
	_, err := q.zone()
	if _, bad := q.begin(time.Now()); bad != nil {
		err = errors.Join(err, bad)
	}
	if q.count < 1 {
		err = errors.Join(err, events.Faultf(events.Invalid, "count", "%d is too small: give 1 or more", q.count))
	}
	return err
}

func (q *question) zone() (*time.Location, error) {
	zone, err := schedule.LoadLocation(q.timezone)
	if err != nil {
		return nil, events.Faultf(events.Invalid, "timezone", "%s", err.Error())
	}
	return zone, nil
}

func (q *question) begin(now time.Time) (time.Time, error) {
	if q.from == "" {
		return now, nil
	}
	from, err := readTime(q.from, now, time.Local)
	if err != nil {
		return now, events.Faultf(events.Invalid, "from", "%s", err.Error())
	}
	return from, nil
}

func (q *question) read(expression string, now time.Time) (*schedule.Schedule, time.Time, error) {
	zone, err := q.zone()
	if err != nil {
		return nil, now, err
	}
	s, err := schedule.ParseAny(expression, zone)
	if err != nil {
		return nil, now, misused("%w", events.Faultf(events.Invalid, "schedule", "%s", err.Error()))
	}
	from, err := q.begin(now)
	return s, from, err
}

// command makes a verb of an expression.
func (q *question) command(cmd *cobra.Command, show func(*printer, *schedule.Schedule, time.Time) error) *cobra.Command {
	cmd.Args = cobra.ExactArgs(1)
	q.flags(cmd.Flags())
	cmd.PreRunE = func(*cobra.Command, []string) error { return q.check() }
	return offline(cmd, func(_ context.Context, s *session, args []string) error {
		expression, from, err := q.read(args[0], s.out.now())
		if err != nil {
			return err
		}
		return show(s.out, expression, from)
	})
}

func scheduleNext() *cobra.Command {
	q := &question{}
	return q.command(&cobra.Command{
		Use:     "next EXPRESSION",
		Short:   "Print the next times of a cron expression, in UTC",
		Example: `  spool schedule next '30 2 * * *' --timezone Europe/Paris --from 2026-03-28T00:00:00Z --count 3`,
	}, func(p *printer, s *schedule.Schedule, t time.Time) error {
		times := []string{}
		for range q.count {
			if t = s.Next(t); t.IsZero() {
				break
			}
			times = append(times, t.UTC().Format(time.RFC3339))
		}
		if p.form == "json" || p.form == "yaml" {
			return p.data(encode(times))
		}
		for _, t := range times {
			if err := p.line("%s", t); err != nil {
				return err
			}
		}
		return nil
	})
}

func scheduleExplain() *cobra.Command {
	q := &question{}
	return q.command(&cobra.Command{
		Use:   "explain EXPRESSION",
		Short: "Explain a cron expression: what it means, what may surprise, and when it runs next",
		Long: `Explain a cron expression: what it means, what about it may surprise, and when it runs
next. A run marked dst_gap replaces times that a change to summer time skips; a run
marked dst_fold has a wall time that comes twice, and runs the first time only.`,
		Example: `  spool schedule explain '30 2 * * *' --timezone Europe/Paris`,
	}, func(p *printer, s *schedule.Schedule, from time.Time) error {
		e := explain(s, from, q.count)
		if p.form == "json" || p.form == "yaml" {
			return p.data(encode(e))
		}
		return e.print(p.w)
	})
}

// explanation is what an expression means, in the words of POST /schedule/preview.
type explanation struct {
	Description string          `json:"description"`
	Timezone    string          `json:"timezone"`
	Next        []explainedSlot `json:"next"`
	Warnings    []string        `json:"warnings"`
}

type explainedSlot struct {
	UTC   time.Time `json:"utc"`
	Local time.Time `json:"local"`
	Mark  string    `json:"mark,omitempty"`
}

// endOfTime is the last year for which a schedule answers.
var endOfTime = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)

func explain(s *schedule.Schedule, from time.Time, count int) explanation {
	e := explanation{s.Describe(), s.Location().String(), []explainedSlot{}, append([]string{}, s.Warnings(from)...)}
	for slot := range s.Slots(from, endOfTime) {
		e.Next = append(e.Next, explainedSlot{slot.Time.UTC(), slot.Time.In(s.Location()), string(slot.Mark)})
		if count--; count == 0 {
			break
		}
	}
	return e
}

func (e explanation) print(w io.Writer) error {
	fmt.Fprintln(w, e.Description)
	for _, warning := range e.Warnings {
		fmt.Fprintln(w, "Warning:", warning)
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "UTC\t%s\t\n", e.Timezone)
	for _, slot := range e.Next {
		fmt.Fprintf(table, "%s\t%s\t%s\n", slot.UTC.Format(time.RFC3339), slot.Local.Format("Mon 2006-01-02 15:04 -07:00"), slot.Mark)
	}
	return table.Flush()
}
