package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"spool.internal/gateway/client"
)

func jobsHistory() *cobra.Command {
	var c chooser
	var limit int
	cmd := &cobra.Command{
		Use:   "history JOB [REVISION]",
		Short: "Show who changed a job, when, and what; or one change whole",
		Args:  cobra.RangeArgs(1, 2), ValidArgsFunction: completeJobs(1),
	}
	verb(cmd, func(ctx context.Context, s *session, args []string) error {
		id, err := c.job(ctx, s, args[0])
		if err != nil {
			return err
		}
		if len(args) == 2 {
			n, err := revision(args[1])
			if err != nil {
				return err
			}
			return one(s, func() (row[client.HistoryEntryDetails], error) {
				return read[client.HistoryEntryDetails](s.GetHistoryEntry(ctx, id, n))
			},
				func(e client.HistoryEntryDetails) string { return strconv.Itoa(e.N) }, showEntry)
		}
		return list(s, historyTable(s.out), pages[client.HistoryEntry]("history", limit, func(token *string, most int) (*http.Response, error) {
			return s.ListHistory(ctx, id, &client.ListHistoryParams{PageToken: token, Limit: &most})
		}))
	})
	c.declare(cmd.Flags())
	cmd.Flags().IntVar(&limit, "limit", 0, "list so many at most (default: all)")
	return cmd
}

func revision(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, misused("%q is not a revision: spool jobs history shows their numbers", text)
	}
	return n, nil
}

func historyTable(p *printer) table[client.HistoryEntry] {
	return table[client.HistoryEntry]{
		columns: []column[client.HistoryEntry]{
			{"revision", func(e client.HistoryEntry) string { return strconv.Itoa(e.N) }},
			{"when", func(e client.HistoryEntry) string { return p.time(e.At, "") }},
			{"who", func(e client.HistoryEntry) string { return e.By }},
			{"event", func(e client.HistoryEntry) string { return string(e.Event) }},
			{"changes", func(e client.HistoryEntry) string {
				if e.Event == "created" && len(e.Changes) == 0 {
					return "new"
				}
				return changeWords(e.Changes, e.Reason)
			}},
			{"from", func(e client.HistoryEntry) string { return e.From }},
			{"bulk", func(e client.HistoryEntry) string { return value(e.BulkId) }},
		},
		shown: 5,
		name:  func(e client.HistoryEntry) string { return strconv.Itoa(e.N) },
		empty: "Nothing is known of the job's history any more.",
	}
}

// changeWords shows changes on one line, or why it was disabled.
func changeWords(changes []client.Change, reason *string) string {
	var all []string
	if reason != nil {
		all = append(all, *reason)
	}
	for _, c := range changes {
		one := change{Field: c.Field}
		if c.Before != nil {
			one.Before = encode(c.Before)
		}
		if c.After != nil {
			one.After = encode(c.After)
		}
		all = append(all, one.String())
	}
	return strings.Join(all, "; ")
}

// showEntry prints one change for people.
func showEntry(p *printer, one row[client.HistoryEntryDetails]) error {
	e := one.value
	f := fields{
		{"revision", strconv.Itoa(e.N)},
		{"when", p.time(e.At, "")},
		{"who", e.By},
		{"from", e.From},
		{"event", string(e.Event)},
		{"reason", value(e.Reason)},
		{"name", e.Name},
		{"status", strings.ToLower(string(e.Status))},
		{"bulk", value(e.BulkId)},
	}
	for i, c := range e.Changes {
		f = append(f, field{[]string{"changes", ""}[min(i, 1)], changeWords([]client.Change{c}, nil)})
	}
	if err := p.fields(f); err != nil {
		return err
	}
	return printParameters(p, one.raw)
}

func jobsDiff() *cobra.Command {
	var c chooser
	var file string
	var exitZero bool
	cmd := &cobra.Command{
		Use:   "diff JOB [REVISION [REVISION]]",
		Short: "Show what differs between two revisions of a job, or between the job and a file",
		Long: `Show what differs: between two revisions of a job; between one and the job as it is now;
between the job and a file (-f); or, when there is neither, what the last change did. A
secret is "********" on both sides. As of diff, the exit status is 0 when they are the
same, 1 when they differ, and 2 or more when that cannot be said.`,
		Example: "  spool jobs diff backup 3 5\n  spool jobs diff backup -f backup.yaml",
		Args:    cobra.RangeArgs(1, 3), ValidArgsFunction: completeJobs(1),
	}
	verb(cmd, func(ctx context.Context, s *session, args []string) error {
		if file != "" && len(args) > 1 {
			return misused("filename: a file is compared with the job as it is now: leave out the revision")
		}
		d := &difference{s: s, file: file, exitZero: exitZero}
		err := d.between(ctx, &c, args)
		if e, ok := s.explain(err).(*Error); err != nil && (!ok || e.Exit == Failed && !e.Silent) {
			return failure(Misused, "%w", err) // 1 says that they differ
		}
		return err
	})
	c.declare(cmd.Flags())
	cmd.Flags().StringVarP(&file, "filename", "f", "", "file with the parameters of a job, as YAML or JSON; - reads them from stdin")
	cmd.Flags().BoolVar(&exitZero, "exit-zero", false, "exit with 0 when they differ, too")
	return cmd
}

type difference struct {
	s        *session
	file     string
	exitZero bool
}

func (d *difference) between(ctx context.Context, c *chooser, args []string) error {
	id, err := c.job(ctx, d.s, args[0])
	if err != nil {
		return err
	}
	before, after, err := d.sides(ctx, id, args[1:])
	if err != nil {
		return err
	}
	changes, err := changesBetween(before, after)
	if err != nil {
		return err
	}
	if d.s.out.plain() {
		for _, one := range changes {
			if err := d.s.out.line("%s", clean(one.String())); err != nil {
				return err
			}
		}
	} else if err := d.s.out.data(encode(append([]change{}, changes...))); err != nil {
		return err
	}
	if len(changes) == 0 || d.exitZero {
		return nil
	}
	return &Error{Exit: Failed, Silent: true, error: fmt.Errorf("%d fields differ", len(changes))}
}

// sides returns what is compared.
func (d *difference) sides(ctx context.Context, id string, revisions []string) (before, after json.RawMessage, err error) {
	if len(revisions) == 0 && d.file == "" {
		if revisions, err = d.last(ctx, id); err != nil {
			return nil, nil, err
		}
	}
	if len(revisions) == 2 {
		if after, err = d.at(ctx, id, revisions[1]); err != nil {
			return nil, nil, err
		}
	} else {
		j, err := read[client.JobDetails](d.s.GetJob(ctx, id))
		if err != nil {
			return nil, nil, err
		}
		if after, err = parametersOf(j.raw); err != nil {
			return nil, nil, err
		}
	}
	if d.file != "" {
		before = after
		after, err = readFile(d.s, d.file)
		return before, after, err
	}
	before, err = d.at(ctx, id, revisions[0])
	return before, after, err
}

// last returns the revision before the last change.
func (d *difference) last(ctx context.Context, id string) ([]string, error) {
	most := 2
	page, err := read[client.HistoryPage](d.s.ListHistory(ctx, id, &client.ListHistoryParams{Limit: &most}))
	if err != nil {
		return nil, err
	}
	h := page.value.History
	if len(h) == 0 {
		return nil, failure(NotFound, "nothing is known of the job's history any more")
	}
	return []string{strconv.Itoa(h[len(h)-1].N)}, nil
}

// at returns the parameters that a job had at a revision.
func (d *difference) at(ctx context.Context, id, text string) (json.RawMessage, error) {
	n, err := revision(text)
	if err != nil {
		return nil, err
	}
	e, err := read[client.HistoryEntryDetails](d.s.GetHistoryEntry(ctx, id, n))
	if err != nil {
		return nil, err
	}
	return parametersOf(e.raw)
}
