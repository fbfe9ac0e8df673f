package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"spool.internal/gateway/client"
)

func runsLogs() *cobra.Command {
	var c chooser
	var follow bool
	var tail string
	cmd := &cobra.Command{
		Use: "logs RUN", Short: "Print what a run prints", Args: cobra.ExactArgs(1), ValidArgsFunction: completeJobs(1),
		Long: `Print what a run prints, on whatever machine it is. On a terminal what could move the
cursor or change colours is spelled out; another program gets the bytes as they are.
With -f it goes on until the run has ended, also when the server starts again meanwhile;
Ctrl-C ends the reading, not the run. With -o json each part is one line, an object with
its text.`,
		Example: "  spool runs logs backup --tail 100\n  spool runs logs -f backup",
	}
	verb(cmd, func(ctx context.Context, s *session, args []string) error {
		if s.out.form == "yaml" || s.out.form == "name" {
			return misused("output: a log is printed as it is, or as json")
		}
		id, err := c.run(ctx, s, args[0])
		if err != nil {
			return err
		}
		from := &logFrom{out: s.out.w, tail: tail}
		if s.out.form == "json" {
			from.out = &logLines{s.out, id}
		}
		if follow {
			return followLog(ctx, s, id, from)
		}
		return printLog(ctx, s, id, from)
	})
	c.declare(cmd.Flags())
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on while the run prints, until it has ended")
	cmd.Flags().StringVar(&tail, "tail", "", "the end alone: so many lines, such as 200, or bytes, such as 64KiB")
	return cmd
}

// printLog prints the log as far as it has come.
func printLog(ctx context.Context, s *session, id string, from *logFrom) (err error) {
	resp, err := s.GetResultLog(ctx, id, &client.GetResultLogParams{Tail: given(from.tail)})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if isTerminal(from.out) {
		w := &cleanWriter{to: from.out}
		defer func() { err = errors.Join(err, w.Close()) }()
		from.out = w
	}
	if _, err := io.Copy(from.out, resp.Body); err != nil {
		return fmt.Errorf("the log broke off: %w", err)
	}
	return nil
}

// logLines prints parts of a log as JSON.
type logLines struct {
	p  *printer
	id string
}

func (l *logLines) Write(text []byte) (int, error) {
	return len(text), l.p.ndjson(encode(map[string]string{"trigger_id": l.id, "text": string(text)}))
}

func runsCancel() *cobra.Command {
	var c chooser
	cmd := &cobra.Command{
		Use: "cancel RUN…", Short: "End runs, whatever they wait for", Args: cobra.MinimumNArgs(1), ValidArgsFunction: completeJobs(0),
		Long: `End runs: what was not called yet is not called any more, what waits does not start, and
what goes on is asked to stop, and killed 3 s later. The exit status is 4 when it has ended already.`,
		Example: "  spool runs cancel backup\n  spool runs cancel manual:6bc58441-1f60-4265-99f1-881c90ac65df:0197f2c4",
	}
	verb(cmd, func(ctx context.Context, s *session, args []string) error {
		return c.each(ctx, s, args, func(id string) error {
			got, err := read[client.Execution](s.CancelResult(ctx, id))
			if err != nil {
				return err
			}
			text := "is asked to end"
			if got.value.Outcome == "cancelled" {
				text = "is cancelled"
			}
			return s.out.made(got.raw, id, "%s of %s %s", id, clean(got.value.JobName), text)
		})
	})
	c.declare(cmd.Flags())
	return cmd
}

// each does something to each run that was named. They are looked up before the first is touched.
func (c *chooser) each(ctx context.Context, s *session, names []string, do func(id string) error) error {
	var ids []string
	for _, name := range names {
		id, err := c.run(ctx, s, name)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	for i, id := range ids {
		err := do(id)
		if err == nil {
			continue
		}
		if err = s.explain(err); i > 0 {
			return failure(Partly, "%d of %d are done; %s: %w", i, len(ids), id, err)
		}
		return err
	}
	return nil
}

func runsAck() *cobra.Command {
	var c chooser
	var note string
	var undo bool
	cmd := &cobra.Command{
		Use: "ack RUN…", Short: "Say that somebody has seen a failure; its job is no longer failing for it", Args: cobra.MinimumNArgs(1), ValidArgsFunction: completeJobs(0),
		Example: "  spool runs ack backup --note 'the NAS was down, ran again by hand'",
	}
	verb(cmd, func(ctx context.Context, s *session, args []string) error {
		return c.each(ctx, s, args, func(id string) error {
			if undo {
				_, err := read[any](s.UnacknowledgeResult(ctx, id))
				if err != nil {
					return err
				}
				return s.out.made(encode(map[string]string{"trigger_id": id}), id, "%s is not acknowledged any more", id)
			}
			got, err := read[client.Execution](s.AcknowledgeResult(ctx, id, client.AcknowledgeResultJSONRequestBody{Note: given(note)}))
			if err != nil {
				return err
			}
			return s.out.made(got.raw, id, "%s of %s is acknowledged", id, clean(got.value.JobName))
		})
	})
	c.declare(cmd.Flags())
	cmd.Flags().StringVar(&note, "note", "", "a sentence for those who ask")
	cmd.Flags().BoolVar(&undo, "undo", false, "take it back")
	return cmd
}
