package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/events/spelling"
	"spool.internal/gateway/client"
)

// waiting says whether a command waits for the end of a run, and how long.
type waiting struct {
	wait, logs bool
	limit      string
}

func (w *waiting) declare(f *pflag.FlagSet) {
	f.BoolVar(&w.wait, "wait", false, "wait until the run has ended: exit status 0 when it is ok, 6 when it is not")
	f.BoolVar(&w.logs, "logs", false, "wait, and print what the run prints (under -o json on stderr)")
	f.StringVar(&w.limit, "timeout", "", "wait so long at most, such as 90s or 1h30m; then the exit status is 7, and the run goes on (default: as long as it takes)")
}

func (w *waiting) timeout() (time.Duration, error) {
	if w.limit == "" {
		return 0, nil
	}
	d, err := spelling.Duration(w.limit)
	if err != nil || d <= 0 {
		return 0, misused("timeout: %q is not a duration like 90s or 1h30m", w.limit)
	}
	return d, nil
}

// runCommand is spool run and spool jobs run, which are the same.
func runCommand(use string) *cobra.Command {
	var c chooser
	var w waiting
	cmd := &cobra.Command{
		Use:   use,
		Short: "Run jobs now, once, whatever their schedule; wait for the end with --wait or --logs",
		Long: `Run jobs now, once, whatever their schedule, also disabled ones. With --wait the command
ends when the run has: with status 0 when it is ok, 6 when it failed, was given up or was
cancelled, 7 when --timeout was over first. --logs prints meanwhile what the run
prints. Under -o json the last thing on stdout is the run as it is at the end. Ctrl-C ends
the waiting, not the run.`,
		Example: "  spool run backup --wait --logs --timeout 1h\n  spool run backup --wait -o json",
		Args:    cobra.MinimumNArgs(1), ValidArgsFunction: completeJobs(0),
	}
	verb(cmd, func(ctx context.Context, s *session, names []string) error {
		limit, err := w.timeout()
		if err != nil {
			return err
		}
		if (w.wait || w.logs) && len(names) > 1 {
			return misused("wait: one run can be waited for: name one job")
		}
		var ids []string
		for _, name := range names { // before any is run
			id, err := c.job(ctx, s, name)
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		if !w.wait && !w.logs {
			return trigger(ctx, s, names, ids)
		}
		asked, err := read[client.Triggered](s.TriggerJob(ctx, ids[0], &client.TriggerJobParams{IdempotencyKey: new(uuid.NewString())}))
		if err != nil {
			return err
		}
		return (&follower{s: s, id: asked.value.TriggerId, name: names[0], logs: w.logs}).follow(ctx, limit)
	})
	c.declare(cmd.Flags())
	w.declare(cmd.Flags())
	return cmd
}

// trigger runs jobs, and waits for none.
func trigger(ctx context.Context, s *session, names, ids []string) error {
	var all []json.RawMessage
	for i, id := range ids {
		asked, err := read[client.Triggered](s.TriggerJob(ctx, id, &client.TriggerJobParams{IdempotencyKey: new(uuid.NewString())}))
		if err != nil {
			err = s.explain(err)
			if i > 0 {
				return failure(Partly, "%d of %d jobs were asked to run; %s: %w", i, len(ids), names[i], err)
			}
			return err
		}
		all = append(all, asked.raw)
		switch s.out.form {
		case "table":
			err = s.out.line("%s is asked to run: %s", clean(names[i]), asked.value.TriggerId)
		case "name":
			err = s.out.line("%s", asked.value.TriggerId)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case s.out.form != "json" && s.out.form != "yaml":
		return nil
	case len(all) == 1:
		return s.out.data(all[0])
	default:
		return s.out.data(encode(all))
	}
}

// endWords says of an execution how it ended, for people.
func endWords(e client.Execution) string {
	text := words(e.Outcome)
	if e.Run != nil && e.Run.DurationMs != nil {
		text += " after " + took(time.Duration(*e.Run.DurationMs)*time.Millisecond)
	}
	if e.Why != nil && e.Outcome != "ok" {
		text += ": " + *e.Why
	}
	return text
}

// ending returns the error that an outcome ends a command with.
func ending(name string, e client.Execution) error {
	switch e.Outcome {
	case "ok":
		return nil
	case "failed", "gave_up", "cancelled":
		return &Error{Exit: RunFailed, Facts: map[string]any{"trigger_id": e.TriggerId, "outcome": e.Outcome}, error: fmt.Errorf("the run of %s (%s) has ended: %s", name, e.TriggerId, endWords(e))}
	default:
		return failure(Failed, "nobody tells how the run of %s (%s) ended: %s", name, e.TriggerId, endWords(e))
	}
}
