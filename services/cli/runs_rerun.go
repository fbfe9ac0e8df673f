package cli

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"spool.internal/gateway/client"
)

// rerunning is which runs are run again.
type rerunning struct {
	chooser
	consent
	job, outcome, since, until string
}

func runsRerun() *cobra.Command {
	var r rerunning
	cmd := &cobra.Command{
		Use: "rerun [RUN…]", Short: "Run again what has run: by name, or all that failed since", ValidArgsFunction: completeJobs(0), Args: cobra.ArbitraryArgs,
		Long: `Run again what has run: of a file its content as it was, while that is kept. Of many, the
number is shown and a question is asked; at most 1,000 are run at a time, in their order.`,
		Example: "  spool runs rerun backup\n  spool runs rerun --since now-1d            # all that failed\n  spool runs rerun --job letters --outcome cancelled --yes",
	}
	verb(cmd, func(ctx context.Context, s *session, names []string) error {
		filtered := r.job != "" || r.since != ""
		if filtered == (len(names) > 0) {
			return misused("give the runs, or choose them by --job and --since, but not both")
		}
		if filtered {
			return r.many(ctx, s)
		}
		return r.each(ctx, s, names, func(id string) error {
			got, err := read[client.Triggered](s.Rerun(ctx, id, &client.RerunParams{IdempotencyKey: new(uuid.NewString())}))
			if err != nil {
				return err
			}
			return s.out.made(got.raw, got.value.TriggerId, "%s is run again: %s", id, got.value.TriggerId)
		})
	})
	r.chooser.declare(cmd.Flags())
	r.consent.declare(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&r.job, "job", "", "all of this job")
	f.StringVar(&r.outcome, "outcome", "", "all that came out so: failed, cancelled or ok (default: failed)")
	f.StringVar(&r.since, "since", "", "all that were triggered at or after it: "+timeForm)
	f.StringVar(&r.until, "until", "", "and before it: "+timeForm)
	oneOf(cmd, "outcome", "failed", "cancelled", "ok")
	_ = cmd.RegisterFlagCompletionFunc("job", completeJobs(0)) // the flag is there
	return cmd
}

// many counts, asks, and runs again.
func (r *rerunning) many(ctx context.Context, s *session) error {
	now := s.out.now()
	since, err := readTimeFlag("since", r.since, now)
	if err != nil {
		return err
	}
	until, err := readTimeFlag("until", r.until, now)
	if err != nil {
		return err
	}
	body := client.RerunManyJSONRequestBody{Filter: client.RerunManyJSONBody_Filter{
		Outcome: given(client.RerunManyJSONBodyFilterOutcome(r.outcome)), Since: since, Until: until, Username: r.owner(),
	}}
	if r.job != "" {
		id, err := r.chooser.job(ctx, s, r.job)
		if err != nil {
			return err
		}
		body.Filter.JobId = &id
	}
	counted, err := read[client.Reruns](s.RerunMany(ctx, body))
	if err != nil {
		return err
	}
	n := counted.value.Count
	if n == 0 {
		return s.out.made(counted.raw, "", "there are no such runs")
	}
	if !r.yes {
		if err := ask(s.in, s.err, fmt.Sprintf("Run %d runs again?", n)); err != nil {
			return err
		}
	}
	body.Expect = &n
	done, err := read[client.Reruns](s.RerunMany(ctx, body))
	if err != nil {
		return err
	}
	d := done.value
	if err := s.out.made(done.raw, "", "%d of %d are run again", d.Queued, d.Count); err != nil {
		return err
	}
	for i, skipped := range d.Skipped {
		if i == shownFirst || !s.out.plain() {
			break
		}
		fmt.Fprintf(s.err, "  %s: %s\n", clean(skipped.TriggerId), clean(skipped.Message))
	}
	switch {
	case d.Queued == d.Count:
		return nil
	case d.Stopped != nil:
		return failure(Partly, "%d were not run again: %s", d.Count-d.Queued, *d.Stopped)
	default:
		return failure(Partly, "%d were not run again; of these %d are left to another request", d.Count-d.Queued, d.Left)
	}
}
