package cli

import (
	"context"

	"github.com/spf13/cobra"

	"spool.internal/gateway/client"
)

// whyCommand is the question that people ask most.
func whyCommand() *cobra.Command {
	var c chooser
	var at, file, run string
	cmd := &cobra.Command{
		Use: "why JOB", Short: "Say in a sentence why a job did not run, why a file waits, or how a run came out", Args: cobra.ExactArgs(1), ValidArgsFunction: completeJobs(1),
		Long: `Say in a sentence why something did or did not run: the job as it stands; what became of
the slot at a time (--at), or of the nearest where there is none; where a file is and what
it waits for (--file), also when it is gone; or how a run came out (--run). Times are in
the zone of the job. With -o json there are the code and the facts behind the sentence.`,
		Example: "  spool why backup\n  spool why backup --at 2026-11-23T02:30\n  spool why letters --file report.pdf",
	}
	verb(watchable(cmd), func(ctx context.Context, s *session, args []string) error {
		asked := &client.ExplainJobParams{File: given(file), TriggerId: given(run)}
		if len(notEmpty(at, file, run)) > 1 {
			return misused("give --at, --file or --run, one of the three")
		}
		id, err := c.job(ctx, s, args[0])
		if err != nil {
			return err
		}
		if at != "" {
			zone := s.out.zone(s.jobsByID(ctx).zone(id))
			t, err := readTime(at, s.out.now(), zone)
			if err != nil {
				return misused("at: %w", err)
			}
			asked.At = &t
		}
		return one(s, func() (row[client.Why], error) { return read[client.Why](s.ExplainJob(ctx, id, asked)) },
			func(w client.Why) string { return string(w.Code) },
			func(p *printer, got row[client.Why]) error { return p.line("%s", clean(got.value.Sentence)) })
	})
	c.declare(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&at, "at", "", "of the slot at this time: now-2h, 2026-11-23T14:00 (in the zone of the job) or RFC 3339")
	f.StringVar(&file, "file", "", "of the file with this path below the watched folder")
	f.StringVar(&run, "run", "", "of the run with this id, as spool runs list shows it")
	return cmd
}

// notEmpty returns the texts that are not empty.
func notEmpty(texts ...string) (some []string) {
	for _, text := range texts {
		if text != "" {
			some = append(some, text)
		}
	}
	return some
}
