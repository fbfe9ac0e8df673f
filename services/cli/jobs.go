package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"spool.internal/events/schedule"
	"spool.internal/gateway/client"
)

// jobsCommand is the noun of what runs, and when.
func jobsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "jobs", Short: "List, make, change and run jobs"}
	cmd.AddCommand(
		jobsList(), jobsGet(), jobsCreate(), jobsEdit(), jobsCopy(), jobsDelete(), jobsEnable(), jobsDisable(),
		runCommand("run JOB…"), jobsHistory(), jobsDiff(), jobsApply(), jobsExport(),
	)
	return cmd
}

func jobsList() *cobra.Command {
	var f filter
	var sort string
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List jobs: how they stand, how they came out last, when they run next", Args: cobra.NoArgs,
		Example: "  spool jobs list --state failing\n  spool jobs list --sort next --limit 20 --columns name,next,schedule\n  spool jobs list --q invoices -o json",
	}
	verb(watchable(cmd), func(ctx context.Context, s *session, _ []string) error {
		asked, err := f.parameters(s.out.now())
		if err != nil {
			return err
		}
		asked.Sort = given(client.ListJobsParamsSort(sort))
		return list(s, jobTable(s.out), pages[client.Job]("jobs", limit, func(token *string, most int) (*http.Response, error) {
			asked.PageToken, asked.Limit = token, &most
			return s.ListJobs(ctx, asked)
		}))
	})
	f.declare(cmd)
	cmd.Flags().StringVar(&sort, "sort", "", "order: created, name, next, last or outcome (the worst first); a - in front turns it round")
	cmd.Flags().IntVar(&limit, "limit", 0, "list so many at most (default: all)")
	oneOf(cmd, "sort", "created", "name", "next", "last", "outcome", "-created", "-name", "-next", "-last", "-outcome")
	return cmd
}

// jobTable shows jobs.
func jobTable(p *printer) table[client.Job] {
	return table[client.Job]{
		columns: []column[client.Job]{
			{"name", func(j client.Job) string { return j.Name }},
			{"now", func(j client.Job) string { return nowWord(p, j) }},
			{"last", func(j client.Job) string { return lastWord(p, j) }},
			{"next", func(j client.Job) string { return nextWord(p, j) }},
			{"schedule", when},
			{"id", func(j client.Job) string { return j.JobId }},
			{"owner", func(j client.Job) string { return j.Username }},
			{"status", func(j client.Job) string { return strings.ToLower(string(j.Status)) }},
			{"mode", func(j client.Job) string { return string(j.Mode) }},
			{"outcome", func(j client.Job) string { return words(value(j.Outcome)) }},
			{"recent", recentWords},
			{"description", func(j client.Job) string { return value(j.Description) }},
			{"timezone", func(j client.Job) string { return value(j.Timezone) }},
			{"tags", func(j client.Job) string { return strings.Join(j.Tags, ", ") }},
			{"key", func(j client.Job) string { return value(j.Key) }},
			{"managed_by", func(j client.Job) string { return value(j.ManagedBy) }},
			{"created", func(j client.Job) string { return p.time(j.Created, value(j.Timezone)) }},
			{"disabled", func(j client.Job) string { return disabledWords(p, j.Disabled) }},
		},
		shown: 5,
		name:  func(j client.Job) string { return j.Name },
		empty: "There are no such jobs.",
	}
}

// words is an outcome as people read it.
func words[T ~string](outcome T) string { return strings.ReplaceAll(string(outcome), "_", " ") }

// when says in a few words when a job runs.
func when(j client.Job) string {
	if s := value(j.Schedule); s != "" {
		return s
	}
	return "for each file"
}

// nowWord says what a job is doing.
func nowWord(p *printer, j client.Job) string {
	now := string(value(j.Now))
	switch {
	case now == "running" && j.RunningSince != nil:
		return "running (" + rough(p.now().Sub(*j.RunningSince)) + ")"
	case now != "":
		return words(now)
	case j.Status == "DISABLED":
		return "disabled"
	default:
		return "idle"
	}
}

// lastWord says how the last finished execution came out.
func lastWord(p *printer, j client.Job) string {
	word := words(value(j.Outcome))
	if j.LastResult != nil && string(j.LastResult.Outcome) == string(value(j.Outcome)) {
		word += " (" + p.away(j.LastResult.Ended) + ")"
	}
	return word
}

// nextWord says when a job runs next.
func nextWord(p *printer, j client.Job) string {
	switch {
	case j.NextRun != nil:
		return p.time(*j.NextRun, value(j.Timezone))
	case j.Status == "DISABLED" && j.Disabled != nil && j.Disabled.Until != nil:
		return "disabled until " + p.wall(*j.Disabled.Until, value(j.Timezone))
	case j.Status == "DISABLED":
		return "disabled"
	case j.Mode == "automatic":
		return "when a file comes"
	case schedule.IsReboot(value(j.Schedule)):
		return "at the start of the machine"
	default:
		return "never"
	}
}

// recentWords shows the last executions by their outcomes, newest first.
func recentWords(j client.Job) string {
	var all []string
	for _, one := range j.Recent {
		all = append(all, words(one.Outcome))
	}
	return strings.Join(all, ", ")
}

func disabledWords(p *printer, d *client.Disabled) string {
	if d == nil {
		return ""
	}
	text := fmt.Sprintf("by %s, %s", d.By, p.away(d.At))
	if d.Until != nil {
		text += ", until " + p.wall(*d.Until, "")
	}
	if d.Reason != nil {
		text += ": " + *d.Reason
	}
	return text
}

func jobsGet() *cobra.Command {
	var c chooser
	cmd := &cobra.Command{Use: "get JOB", Short: "Show a job: how it stands, its next runs, what may surprise, its parameters", Args: cobra.ExactArgs(1), ValidArgsFunction: completeJobs(1)}
	verb(watchable(cmd), func(ctx context.Context, s *session, args []string) error {
		id, err := c.job(ctx, s, args[0])
		if err != nil {
			return err
		}
		return one(s, func() (row[client.JobDetails], error) { return read[client.JobDetails](s.GetJob(ctx, id)) },
			func(j client.JobDetails) string { return j.Name }, showJob)
	})
	c.declare(cmd.Flags())
	return cmd
}

// showJob prints a job for people.
func showJob(p *printer, one row[client.JobDetails]) error {
	j := one.value
	var row client.Job
	if err := decode(one.raw, &row); err != nil {
		return err
	}
	zone := value(j.Timezone)
	f := fields{
		{"name", j.Name},
		{"id", j.JobId},
		{"owner", j.Username},
		{"now", nowWord(p, row)},
		{"last", lastWord(p, row)},
		{"recent", recentWords(row)},
		{"disabled", disabledWords(p, j.Disabled)},
		{"schedule", when(row)},
		{"meaning", value(j.Description)},
		{"time zone", zone},
		{"tags", strings.Join(j.Tags, ", ")},
		{"key", value(j.Key)},
		{"managed by", value(j.ManagedBy)},
		{"created", p.time(j.Created, zone)},
	}
	for i, t := range j.NextRuns {
		f = append(f, field{[]string{"next runs", ""}[min(i, 1)], p.time(t, zone)})
	}
	if len(j.NextRuns) == 0 {
		f = append(f, field{"next run", nextWord(p, row)})
	}
	if w := j.Watch; w != nil {
		f = append(f, field{"folder", fmt.Sprintf("%s, %s%s", w.HostPath, w.State, reason(w.Reason))}, field{"", fmt.Sprintf("%d files wait", w.Pending)})
	}
	if r := j.Retrying; r != nil {
		f = append(f, field{"retrying", fmt.Sprintf("call %d, next %s: %s", r.Attempt, p.time(r.Next, zone), r.LastError)})
	}
	if w := j.Waiting; w != nil {
		f = append(f, field{"waiting", fmt.Sprintf("%d files, %d triggers, %d runs: %s", w.Files, w.Triggers, w.Runs, w.Reason)})
	}
	for i, warning := range j.Warnings {
		f = append(f, field{[]string{"warnings", ""}[min(i, 1)], warning})
	}
	if err := p.fields(f); err != nil {
		return err
	}
	return printParameters(p, one.raw)
}

// printParameters prints the parameters of a job as YAML.
func printParameters(p *printer, raw json.RawMessage) error {
	parameters, err := parametersOf(raw)
	if err != nil {
		return err
	}
	text, err := toYAML(parameters)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.w, "\nparameters:\n%s", indent(string(cleanJSON(text))))
	return err
}

func reason(text *string) string {
	if text == nil {
		return ""
	}
	return ": " + *text
}
