package cli

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"spool.internal/events"
	"spool.internal/gateway/client"
)

// runsCommand is the noun of what was started.
func runsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "runs", Short: "List runs, read their logs, fetch what they wrote, cancel them",
		Long: `List runs, read their logs, fetch what they wrote, cancel them.

A RUN is the id that spool runs list shows, such as cron:6bc58441-…:29401110; or a job,
by its id, name or key: then it is the newest run of that job.`,
	}
	cmd.AddCommand(runsList(), runsGet(), runsLogs(), runsCancel(), runsOutput(), runsAck(), runsRerun())
	return cmd
}

// run returns the id of the trigger that a person means: itself, or the newest of a job.
func (c *chooser) run(ctx context.Context, s *session, text string) (string, error) {
	if isTrigger(text) {
		return text, nil
	}
	id, err := c.job(ctx, s, text)
	if err != nil {
		return "", err
	}
	newest, err := read[client.ResultPage](s.ListResults(ctx, id, &client.ListResultsParams{Limit: new(1)}))
	if err != nil {
		return "", err
	}
	if len(newest.value.Results) == 0 {
		return "", failure(NotFound, "%s has not run: spool why %s says what it waits for", text, text)
	}
	return newest.value.Results[0].TriggerId, nil
}

// isTrigger reports whether a text has the form of the id of a trigger.
func isTrigger(text string) bool {
	kind, rest, _ := strings.Cut(text, ":")
	kinds := []events.Kind{events.KindCron, events.KindFile, events.KindManual, "retry"}
	return slices.Contains(kinds, events.Kind(kind)) && len(rest) > 36 && uuid.Validate(rest[:36]) == nil
}

// jobsByID tells of jobs whose ids stand in an answer, each asked for once.
type jobsByID struct {
	ctx  context.Context
	s    *session
	seen map[string]client.JobDetails
}

func (s *session) jobsByID(ctx context.Context) *jobsByID {
	return &jobsByID{ctx, s, map[string]client.JobDetails{}}
}

// of returns a job; one that cannot be had (any more) has its id for a name.
func (j *jobsByID) of(id string) client.JobDetails {
	job, ok := j.seen[id]
	if ok {
		return job
	}
	got, err := read[client.JobDetails](j.s.GetJob(j.ctx, id))
	if job = got.value; err != nil {
		job = client.JobDetails{JobId: id, Name: id}
	}
	j.seen[id] = job
	return job
}

func (j *jobsByID) zone(id string) string { return value(j.of(id).Timezone) }

func runsList() *cobra.Command {
	var c chooser
	var outcome, kind, from, to, q string
	var limit int
	cmd := &cobra.Command{
		Use: "list [JOB]", Short: "List runs, newest first: of one job, or of all", Args: cobra.MaximumNArgs(1), ValidArgsFunction: completeJobs(1),
		Example: "  spool runs list backup\n  spool runs list --outcome failed --from now-1d\n  spool runs list --limit 0 -o json",
	}
	verb(watchable(cmd), func(ctx context.Context, s *session, args []string) error {
		now := s.out.now()
		since, err := readTimeFlag("from", from, now)
		if err != nil {
			return err
		}
		until, err := readTimeFlag("to", to, now)
		if err != nil {
			return err
		}
		asked := &client.ListAllResultsParams{
			Outcome: given(outcome), Kind: given(client.Kind(kind)), From: since, To: until, Q: given(q), Username: c.owner(),
		}
		if len(args) == 1 {
			id, err := c.job(ctx, s, args[0])
			if err != nil {
				return err
			}
			asked.JobId = &id
		}
		return list(s, runTable(ctx, s), pages[client.Result]("results", limit, func(token *string, most int) (*http.Response, error) {
			asked.PageToken, asked.Limit = token, &most
			return s.ListAllResults(ctx, asked)
		}))
	})
	c.declare(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&outcome, "outcome", "", "only runs that came out so: ok, failed, gave_up, cancelled, running, waiting, retrying, called or not_kept")
	f.StringVar(&kind, "kind", "", "only runs that were started so: cron, file or manual")
	f.StringVar(&from, "from", "", "only runs triggered at or after it: "+timeForm)
	f.StringVar(&to, "to", "", "only runs triggered before it: "+timeForm)
	f.StringVar(&q, "q", "", "only runs of jobs with this in their name, a tag or the key, in any case")
	f.IntVar(&limit, "limit", 50, "list so many at most; 0 lists all")
	oneOf(cmd, "outcome", "ok", "failed", "gave_up", "cancelled", "running", "waiting", "retrying", "called", "not_kept")
	oneOf(cmd, "kind", "cron", "file", "manual")
	return cmd
}

// runTable shows runs.
func runTable(ctx context.Context, s *session) table[client.Result] {
	jobs, p := s.jobsByID(ctx), s.out
	return table[client.Result]{
		columns: []column[client.Result]{
			{"triggered", func(r client.Result) string { return p.time(r.Triggered, jobs.zone(r.JobId)) }},
			{"job", func(r client.Result) string { return jobs.of(r.JobId).Name }},
			{"outcome", func(r client.Result) string { return words(r.Outcome) }},
			{"took", func(r client.Result) string { return tookRun(r.Run) }},
			{"of", func(r client.Result) string { return ofWhat(p, r.Kind, r.File, r.Slot, jobs.zone(r.JobId)) }},
			{"id", func(r client.Result) string { return r.TriggerId }},
			{"why", func(r client.Result) string { return value(r.Why) }},
			{"kind", func(r client.Result) string { return string(r.Kind) }},
			{"exit", func(r client.Result) string { return exitOf(r.Run) }},
			{"calls", func(r client.Result) string { return strconv.Itoa(r.Attempts) }},
			{"run", func(r client.Result) string { return value(r.FlowJobId) }},
			{"job_id", func(r client.Result) string { return r.JobId }},
			{"rerun_of", func(r client.Result) string { return value(r.RerunOf) }},
		},
		shown: 6,
		name:  func(r client.Result) string { return r.TriggerId },
		empty: "There are no such runs.",
	}
}

// ofWhat says what a run is for: a slot, a file, or that somebody asked for it.
func ofWhat(p *printer, kind client.Kind, file *client.File, slot *time.Time, zone string) string {
	switch {
	case file != nil:
		return file.Path
	case slot != nil:
		return "slot " + p.wall(*slot, zone)
	case kind == "manual":
		return "asked for"
	default:
		return string(kind)
	}
}

func tookRun(r *client.Run) string {
	if r == nil || r.DurationMs == nil {
		return ""
	}
	return took(time.Duration(*r.DurationMs) * time.Millisecond)
}

func exitOf(r *client.Run) string {
	if r == nil || r.ExitStatus == nil {
		return ""
	}
	return strconv.Itoa(*r.ExitStatus)
}
