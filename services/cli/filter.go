package cli

import (
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/gateway/client"
)

// filter chooses jobs by what they are, as GET /jobs does.
type filter struct {
	chooser
	q, state, status, mode, tag, key, managedBy, had string
	failedSince, nextBefore                          string
}

func (f *filter) declare(cmd *cobra.Command) {
	set := cmd.Flags()
	f.chooser.declare(set)
	set.StringVar(&f.q, "q", "", "only jobs with this in their name, a tag or the key, in any case")
	set.StringVar(&f.state, "state", "", "only jobs that stand like this: failing, running, waiting, retrying, never_ran, disabled, ok, failed, gave_up, cancelled, called or not_kept")
	set.StringVar(&f.status, "status", "", "only jobs that are ENABLED or DISABLED")
	set.StringVar(&f.mode, "mode", "", "only jobs of this mode: cron or automatic")
	set.StringVar(&f.tag, "tag", "", "only jobs with this tag")
	set.StringVar(&f.key, "key", "", "only the job with this spool.key")
	set.StringVar(&f.managedBy, "managed-by", "", "only jobs with this spool.managed_by")
	set.StringVar(&f.had, "had", "", "only jobs that had slots with this verdict in the last 24 hours: missed, skipped, superseded or disabled")
	set.StringVar(&f.failedSince, "failed-since", "", "only jobs of which any execution has failed since then: "+timeForm)
	set.StringVar(&f.nextBefore, "next-before", "", "only jobs whose next run is due by then: "+timeForm)
	oneOf(cmd, "state", "failing", "running", "waiting", "retrying", "never_ran", "disabled", "ok", "failed", "gave_up", "cancelled", "called", "not_kept")
	oneOf(cmd, "status", "ENABLED", "DISABLED")
	oneOf(cmd, "mode", "cron", "automatic")
	oneOf(cmd, "had", "missed", "skipped", "superseded", "disabled")
}

// oneOf completes the values of a flag.
func oneOf(cmd *cobra.Command, flag string, values ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
}

// words returns what was given, by the names of the API.
func (f *filter) words(now time.Time) (map[string]string, error) {
	words := map[string]string{}
	for name, text := range map[string]string{
		"q": f.q, "state": f.state, "status": f.status, "mode": f.mode, "tag": f.tag, "key": f.key, "managed_by": f.managedBy, "had": f.had, "username": f.username,
	} {
		if text != "" {
			words[name] = text
		}
	}
	for name, text := range map[string]string{"failed-since": f.failedSince, "next-before": f.nextBefore} {
		t, err := readTimeFlag(name, text, now)
		if err != nil {
			return nil, err
		}
		if t != nil {
			words[map[string]string{"failed-since": "failed_since", "next-before": "next_before"}[name]] = t.UTC().Format(time.RFC3339)
		}
	}
	return words, nil
}

// readTimeFlag reads the time of a flag; nil when there is none.
func readTimeFlag(name, text string, now time.Time) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	t, err := readTime(text, now, time.Local)
	if err != nil {
		return nil, misused("%s: %w", name, err)
	}
	return &t, nil
}

// parameters are those of GET /jobs.
func (f *filter) parameters(now time.Time) (*client.ListJobsParams, error) {
	since, err := readTimeFlag("failed-since", f.failedSince, now)
	if err != nil {
		return nil, err
	}
	before, err := readTimeFlag("next-before", f.nextBefore, now)
	if err != nil {
		return nil, err
	}
	return &client.ListJobsParams{
		Q: given(f.q), State: given(client.JobState(f.state)), Status: given(client.ListJobsParamsStatus(f.status)), Mode: given(client.ListJobsParamsMode(f.mode)),
		Tag: given(f.tag), Key: given(f.key), ManagedBy: given(f.managedBy), Had: given(client.ListJobsParamsHad(f.had)), Username: f.owner(),
		FailedSince: since, NextBefore: before,
	}, nil
}

// changed reports whether any of the flags was given.
func (f *filter) changed(set *pflag.FlagSet) bool {
	return slices.ContainsFunc([]string{"q", "state", "status", "mode", "tag", "key", "managed-by", "had", "failed-since", "next-before"}, set.Changed)
}
