package cli

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"spool.internal/gateway/client"
)

// mostAsked is how many jobs are asked about a file, when nobody says which.
const mostAsked = 200

func filesWhere() *cobra.Command {
	var c chooser
	var job string
	cmd := &cobra.Command{
		Use: "where PATH", Short: "Say where a file is: what it waits for, or how its run came out", Args: cobra.ExactArgs(1),
		Long: `Say where a file is: what it waits for, or how its run came out, step by step; also when
it is gone. PATH is a path on a drive, or one below the folder that a job watches. Without
--job all jobs that watch a folder are asked, 200 at most, and those answer that know it.
The exit status is 3 when none does.`,
		Example: "  spool files where admin/repo/fs/Office/scans/report.pdf\n  spool files where report.pdf --job scans",
	}
	verb(watchable(cmd), func(ctx context.Context, s *session, args []string) error {
		w := &whereabouts{ctx: ctx, s: s, path: args[0]}
		if job != "" {
			id, err := c.job(ctx, s, job)
			if err != nil {
				return err
			}
			j, err := read[client.Job](s.GetJob(ctx, id))
			if err != nil {
				return err
			}
			w.jobs, w.sure = []client.Job{j.value}, true
		} else if err := w.watching(c.owner()); err != nil {
			return err
		}
		return one(s, w.find, func(all []whereabout) string { return w.path }, showWhere)
	})
	c.declare(cmd.Flags())
	cmd.Flags().StringVar(&job, "job", "", "the job whose folder it is in")
	_ = cmd.RegisterFlagCompletionFunc("job", completeJobs(0)) // the flag is there
	return cmd
}

// whereabouts asks jobs about a file.
type whereabouts struct {
	ctx  context.Context
	s    *session
	path string
	jobs []client.Job
	sure bool // that it is theirs, whatever they know
}

// whereabout is what a job knows of a file.
type whereabout struct {
	JobID string          `json:"job_id"`
	Job   string          `json:"job"`
	Path  string          `json:"path"`
	Why   json.RawMessage `json:"why"`

	why client.Why
}

// watching finds the jobs that watch a folder, and of these those in whose folder it lies.
func (w *whereabouts) watching(owner *string) error {
	all := pages[client.Job]("jobs", mostAsked, func(token *string, most int) (*http.Response, error) {
		return w.s.ListJobs(w.ctx, &client.ListJobsParams{Mode: new(client.ListJobsParamsMode("automatic")), Username: owner, Limit: &most, PageToken: token})
	})
	for one, err := range all {
		if err != nil {
			return err
		}
		_, inside := below(inputOf(one.value.Parameters), w.path)
		if inside && !w.sure {
			w.jobs, w.sure = nil, true
		}
		if inside || !w.sure {
			w.jobs = append(w.jobs, one.value)
		}
	}
	return nil
}

// find asks each job.
func (w *whereabouts) find() (found row[[]whereabout], _ error) {
	for _, j := range w.jobs {
		name := w.path
		if rest, inside := below(inputOf(j.Parameters), w.path); inside {
			name = rest
		}
		why, err := read[client.Why](w.s.ExplainJob(w.ctx, j.JobId, &client.ExplainJobParams{File: &name}))
		if err != nil {
			return found, err
		}
		if w.sure || why.value.Code != "never_seen" && why.value.Code != "absent" {
			found.value = append(found.value, whereabout{j.JobId, j.Name, name, why.raw, why.value})
		}
	}
	if len(found.value) == 0 {
		return found, failure(NotFound, "no job that you may see knows a file %q: give its path below the folder that a job watches, or on the drive", w.path)
	}
	found.raw = encode(found.value)
	return found, nil
}

// showWhere prints what jobs know of a file: the sentence, and its steps.
func showWhere(p *printer, found row[[]whereabout]) error {
	for i, one := range found.value {
		if i > 0 {
			if err := p.line(""); err != nil {
				return err
			}
		}
		if err := p.line("%s: %s", clean(one.Job), clean(one.why.Sentence)); err != nil {
			return err
		}
		var steps []string
		for _, step := range value(one.why.Facts.Timeline) {
			steps = append(steps, clean(step.Text))
		}
		if len(steps) == 0 {
			continue
		}
		if err := p.line("  %s", strings.Join(steps, " ─ ")); err != nil {
			return err
		}
	}
	return nil
}

func filesReprocess() *cobra.Command {
	var c chooser
	cmd := &cobra.Command{
		Use: "reprocess JOB PATH…", Short: "Run files again, as they lie in the folder of a job now", Args: cobra.MinimumNArgs(2), ValidArgsFunction: completeJobs(1),
		Long: `Run files again, as they lie in the folder of a job now; PATH is below that folder. When a
file is gone from there, the content that was taken of it last is run, while that is kept.`,
		Example: "  spool files reprocess scans report.pdf 2026/scan1.pdf",
	}
	verb(cmd, func(ctx context.Context, s *session, args []string) error {
		id, err := c.job(ctx, s, args[0])
		if err != nil {
			return err
		}
		for i, name := range args[1:] {
			if err := reprocess(ctx, s, id, name); err != nil {
				if err = s.explain(err); i > 0 {
					err = failure(Partly, "%d of %d files are run again; %s: %w", i, len(args)-1, clean(name), err)
				}
				return err
			}
		}
		return nil
	})
	c.declare(cmd.Flags())
	return cmd
}

func reprocess(ctx context.Context, s *session, job, name string) error {
	body := client.ReprocessFileJSONRequestBody{Path: &name}
	if !utf8.ValidString(name) {
		body = client.ReprocessFileJSONRequestBody{PathB64: new([]byte(name))}
	}
	got, err := read[client.Triggered](s.ReprocessFile(ctx, job, &client.ReprocessFileParams{IdempotencyKey: new(uuid.NewString())}, body))
	if err != nil {
		return err
	}
	if got.value.TriggerId == "" { // the watcher takes it
		return s.out.made(encode(map[string]string{"job_id": job, "path": name}), name, "%s runs again, as it lies there", clean(name))
	}
	return s.out.made(got.raw, got.value.TriggerId, "%s is gone; what was taken of it is run again: %s", clean(name), got.value.TriggerId)
}
