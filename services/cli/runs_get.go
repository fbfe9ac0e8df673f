package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/gateway/client"
)

func runsGet() *cobra.Command {
	var c chooser
	cmd := &cobra.Command{
		Use: "get RUN", Short: "Show one run: how it ended, why, and what happened step by step", Args: cobra.ExactArgs(1), ValidArgsFunction: completeJobs(1),
		Example: "  spool runs get backup                    # the newest run of a job\n  spool runs get cron:6bc58441-1f60-4265-99f1-881c90ac65df:29401110 -o json",
	}
	verb(watchable(cmd), func(ctx context.Context, s *session, args []string) error {
		id, err := c.run(ctx, s, args[0])
		if err != nil {
			return err
		}
		jobs := s.jobsByID(ctx)
		return one(s, func() (row[client.Execution], error) { return read[client.Execution](s.GetResult(ctx, id)) },
			func(e client.Execution) string { return e.TriggerId },
			func(p *printer, got row[client.Execution]) error {
				return showExecution(p, got.value, jobs.zone(got.value.JobId))
			})
	})
	c.declare(cmd.Flags())
	return cmd
}

// showExecution prints an execution for people.
func showExecution(p *printer, e client.Execution, zone string) error {
	at := func(t *time.Time) string { return p.time(value(t), zone) }
	f := fields{
		{"run", e.TriggerId},
		{"job", e.JobName},
		{"outcome", words(e.Outcome)},
		{"why", value(e.Why)},
		{"acknowledged", ackWords(p, e.Ack, zone)},
		{"of", ofWhat(p, e.Kind, e.File, e.Slot, zone)},
		{"asked by", value(e.By)},
		{"rerun of", value(e.RerunOf)},
		{"triggered", p.time(e.Triggered, zone)},
	}
	if q := e.Queued; q != nil {
		f = append(f, field{"waits", q.Reason}, field{"calls", calls(q.Calls)}, field{"last error", value(q.LastError)}, field{"next call", at(q.Next)})
	}
	if r := e.Run; r != nil {
		f = append(f,
			field{"run id", value(e.FlowJobId)}, field{"started", at(r.Started)}, field{"ended", at(r.Ended)}, field{"took", tookRun(r)}, field{"exit", exitOf(r)},
			field{"message", value(r.Message)}, field{"waits", value(r.Waits)}, field{"next attempt", at(r.Next)}, field{"output folder", r.OutputFolder}, field{"output", outputWords(r)},
			field{"without", strings.Join(value(r.Unmet), ", ")},
		)
		if r.Result != nil {
			f = append(f, field{"result", string(encode(r.Result))})
		}
	} else if h := e.HttpResult; h != nil {
		f = append(f, field{"answer", strings.TrimSpace(h.Status + " " + h.Response)})
	}
	if e.Runner != nil {
		f = append(f, field{"runner", e.Runner.Host})
	}
	for _, n := range e.Notices {
		f = append(f, field{string(n.Channel), strings.TrimSpace(words(n.State) + " " + value(n.Message))})
	}
	if err := p.fields(f); err != nil || len(e.Timeline) == 0 {
		return err
	}
	if err := p.line(""); err != nil {
		return err
	}
	for _, step := range e.Timeline {
		if err := p.line("%s  %-12s %s", p.wall(step.At, zone), words(step.Step), clean(stepWords(step))); err != nil {
			return err
		}
	}
	return nil
}

func stepWords(step client.Execution_Timeline) string {
	text := step.Says
	if step.Channel != nil {
		text = string(*step.Channel) + ": " + text
	}
	if step.Attempt != nil && *step.Attempt > 1 {
		text += fmt.Sprintf(" (attempt %d)", *step.Attempt)
	}
	return text
}

func ackWords(p *printer, a *client.Ack, zone string) string {
	if a == nil {
		return ""
	}
	text := "by " + a.By + ", " + p.wall(a.At, zone)
	if note := value(a.Note); note != "" {
		text += ": " + note
	}
	return text
}

func calls(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n) + " have failed"
}

func outputWords(r *client.Run) string {
	if r.OutputCount == nil {
		return ""
	}
	if *r.OutputCount == 1 {
		return "1 file"
	}
	return strconv.Itoa(*r.OutputCount) + " files"
}
