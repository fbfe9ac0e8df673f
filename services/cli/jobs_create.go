package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"spool.internal/gateway/client"
)

// newJob are the flags of a job that is made by them.
type newJob struct {
	file                                                 string
	schedule, timezone, command, input, outputs, timeout string
	tags                                                 []string
	dry                                                  bool
	existing, key                                        string
}

func jobsCreate() *cobra.Command {
	var n newJob
	cmd := &cobra.Command{
		Use:   "create [NAME] [-- COMMAND [ARG…]]",
		Short: "Make a job, out of a file or of flags",
		Long: `Make a job. With -f the file holds what POST /api/v2/jobs takes, as YAML or JSON. Without
it, NAME, the flags and the command say what runs, and when: with --schedule at those
times, without it for every file that comes into --input.`,
		Example: `  spool jobs create backup --schedule '30 2 * * *' --command 'tar czf www.tar.gz -C /srv/www .'
  spool jobs create texts --input admin/repo/fs/Demo/in --command 'pdftotext "$SPOOL_FILE" "$SPOOL_STEM.txt"'
  spool jobs create report --schedule @daily --timezone Europe/Paris -- /usr/local/bin/report --all
  spool jobs create -f job.yaml --dry-run`,
		Args: cobra.ArbitraryArgs,
	}
	verb(cmd, func(ctx context.Context, s *session, args []string) error {
		body, err := n.body(s, args)
		if err != nil {
			return err
		}
		return create(ctx, s, body, n.dry)
	})
	n.flags(cmd)
	return cmd
}

func (n *newJob) flags(cmd *cobra.Command) {
	set := cmd.Flags()
	set.StringVarP(&n.file, "filename", "f", "", "file with the job, as YAML or JSON; - reads it from stdin")
	set.StringVar(&n.schedule, "schedule", "", "when it runs: five fields of cron, or @daily and its like")
	set.StringVar(&n.timezone, "timezone", "", "time zone of the schedule, such as Europe/Paris (default: the server's)")
	set.StringVar(&n.command, "command", "", "line for a shell that it runs")
	set.StringVar(&n.input, "input", "", "folder that it reads; without --schedule every file that comes into it is run")
	set.StringVar(&n.outputs, "output-folder", "", "folder that its runs write to (default: one of the job's own)")
	set.StringVar(&n.timeout, "run-timeout", "", "how long a run may take, such as 1h30m")
	set.StringVar(&n.existing, "existing", "", "what becomes of files that lie in --input already: run or mark")
	set.StringVar(&n.key, "key", "", "the name by which spool jobs apply knows it")
	set.StringArrayVar(&n.tags, "tag", nil, "a tag; may be given more than once")
	set.BoolVar(&n.dry, "dry-run", false, "say what would come of it, and make nothing")
	oneOf(cmd, "existing", "run", "mark")
}

// body returns the request, as the person means it.
func (n *newJob) body(s *session, args []string) (json.RawMessage, error) {
	dash := s.cmd.ArgsLenAtDash()
	if n.file != "" {
		if len(args) > 0 || n.schedule+n.timezone+n.command+n.input+n.outputs+n.timeout+n.existing+n.key != "" || len(n.tags) > 0 {
			return nil, misused("filename: says all of the job: leave out the other flags and arguments")
		}
		return readFile(s, n.file)
	}
	var line []string
	if dash >= 0 {
		args, line = args[:dash], args[dash:]
	}
	switch {
	case len(args) != 1:
		return nil, misused("spool jobs create requires one NAME, or -f FILE (quote a name that contains spaces)")
	case (n.command != "") == (len(line) > 0):
		return nil, misused("command: give what the job runs, as --command 'LINE' or after --, one of the two")
	case n.schedule == "" && n.input == "":
		return nil, misused("schedule: is required, or --input for a job that runs for every file")
	}
	job := map[string]any{"name": args[0]}
	run := map[string]any{"command": n.command}
	if len(line) > 0 {
		run["command"] = line
	}
	spool, settings := map[string]any{}, map[string]any{}
	put := func(into map[string]any, key, value string) {
		if value != "" {
			into[key] = value
		}
	}
	put(run, "timeout", n.timeout)
	put(job, "schedule", n.schedule)
	put(job, "input", n.input)
	put(spool, "timezone", n.timezone)
	put(spool, "key", n.key)
	put(settings, "output_dir", n.outputs)
	if len(n.tags) > 0 {
		settings["tags"] = n.tags
	}
	if n.existing != "" {
		job["watch"] = map[string]any{"existing": n.existing}
	}
	job["run"] = run
	if len(spool) > 0 {
		job["spool"] = spool
	}
	if len(settings) > 0 {
		job["settings"] = settings
	}
	return encode(job), nil
}

// readFile reads YAML or JSON from a file, or from stdin.
func readFile(s *session, name string) (json.RawMessage, error) {
	var text []byte
	var err error
	if name == "-" {
		text, err = io.ReadAll(io.LimitReader(s.in, longestFile))
		name = "stdin"
	} else {
		text, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, fmt.Errorf("filename: %w", err)
	}
	body, err := fromYAML(text)
	if err != nil {
		return nil, failure(Refused, "%s: %w", name, err)
	}
	return body, nil
}

// longestFile is more than the server takes.
const longestFile = 4 << 20

// create makes a job and says what came of it. The key makes one job of it, however often
// the request has to be sent.
func create(ctx context.Context, s *session, body json.RawMessage, dry bool) error {
	asked := &client.CreateJobParams{}
	if dry {
		asked.DryRun = new(client.CreateJobParamsDryRun("true"))
	} else {
		asked.IdempotencyKey = new(uuid.NewString())
	}
	made, err := read[client.JobDetails](s.CreateJobWithBody(ctx, asked, "application/json", bytes.NewReader(body)))
	if err != nil {
		return err
	}
	j := made.value
	if s.out.plain() {
		s.warn(j.Warnings)
	}
	if dry {
		return s.out.made(made.raw, j.Name, "job %s would be made%s", clean(j.Name), nextRuns(s.out, j))
	}
	return s.out.made(made.raw, j.Name, "job %s is made (%s)%s", clean(j.Name), j.JobId, nextRuns(s.out, j))
}

// nextRuns says when a job will run.
func nextRuns(p *printer, j client.JobDetails) string {
	runs := j.NextRuns
	if j.DryRun != nil {
		runs = j.DryRun.NextRuns.After
	}
	if len(runs) == 0 {
		return ""
	}
	return "; it runs next at " + p.time(runs[0], value(j.Timezone))
}

// warn prints warnings, for people.
func (s *session) warn(warnings []string) {
	for _, w := range warnings {
		fmt.Fprintln(s.err, "Warning:", clean(w))
	}
}

func jobsCopy() *cobra.Command {
	var c chooser
	var dry bool
	cmd := &cobra.Command{
		Use:   "copy JOB NAME",
		Short: "Make a job with the parameters of another, all but its secrets and its key",
		Long: `Make a job with the parameters of another, under a new name. Secrets are not copied,
since nobody is shown them, and neither are spool.key and spool.managed_by, which belong
to one job: what was left out is said. The copy is enabled and runs by the same schedule.`,
		Args: cobra.ExactArgs(2), ValidArgsFunction: completeJobs(1),
	}
	verb(cmd, func(ctx context.Context, s *session, args []string) error {
		id, err := c.job(ctx, s, args[0])
		if err != nil {
			return err
		}
		from, err := read[client.JobDetails](s.GetJob(ctx, id))
		if err != nil {
			return err
		}
		parameters, err := parametersOf(from.raw)
		if err != nil {
			return err
		}
		body, left, err := copied(parameters, args[1])
		if err != nil {
			return err
		}
		if len(left) > 0 {
			fmt.Fprintf(s.err, "not copied: %s\n", clean(strings.Join(left, ", ")))
		}
		return create(ctx, s, body, dry)
	})
	c.declare(cmd.Flags())
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would come of it, and make nothing")
	return cmd
}

// mask is what stands for a secret.
const mask = "********"

// copied returns the parameters of a copy, and what was left out.
func copied(parameters json.RawMessage, name string) (_ json.RawMessage, left []string, err error) {
	var all map[string]any
	d := json.NewDecoder(bytes.NewReader(parameters))
	d.UseNumber()
	if err := d.Decode(&all); err != nil {
		return nil, nil, err
	}
	all["name"] = name
	if spool, ok := all["spool"].(map[string]any); ok {
		for _, key := range []string{"key", "managed_by"} {
			if _, ok := spool[key]; ok {
				delete(spool, key)
				left = append(left, "spool."+key)
			}
		}
	}
	left = append(left, unmask("", all)...)
	slices.Sort(left)
	return encode(all), left, nil
}

// unmask takes out what is masked, and what is nothing without it, and returns where that was.
func unmask(path string, in any) (left []string) {
	switch in := in.(type) {
	case map[string]any:
		for key, value := range in {
			at := strings.TrimPrefix(path+"."+key, ".")
			if masked(value) {
				delete(in, key)
				left = append(left, at)
				continue
			}
			left = append(left, unmask(at, value)...)
		}
	case []any:
		for i, value := range in {
			left = append(left, unmask(fmt.Sprintf("%s[%d]", path, i), value)...)
		}
	}
	return left
}

// masked reports whether a value is a secret, or something about one that nobody can use
// without it: the file of a secret, a webhook whose URL is one, a list with one in it.
func masked(value any) bool {
	switch value := value.(type) {
	case string:
		return strings.Contains(value, mask)
	case []any:
		return slices.ContainsFunc(value, masked)
	case map[string]any:
		url, _ := value["url"].(string)
		file, _ := value["file"].(string)
		return strings.Contains(url, mask) || len(value) == 1 && file == mask
	}
	return false
}
