package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"spool.internal/gateway/client"
)

// marking is which files are marked, and how.
type marking struct {
	chooser
	consent
	dry bool

	lists []markList
	found int
}

// markList is a page of files that can be marked as run.
type markList struct {
	List  string `json:"list"`
	Count int    `json:"count"`
	Files []struct {
		Path string `json:"path"`
	} `json:"files"`
	Next string `json:"next_page_token"`
	Hint string `json:"hint"`
}

// mostInList is how many files the server puts into one list.
const mostInList = 5000

func filesMark() *cobra.Command {
	var o marking
	cmd := &cobra.Command{
		Use:   "mark JOB PATTERN",
		Short: "Mark files in the folder of a job as already run",
		Long: `Mark files in the folder of a job as already run, so that they do not run again: after
a restore, a move to another disk, or when a folder was renamed. A PATTERN with a slash
is matched against the path below the folder (** for any folders), one without a slash
against the name.

Disable the job before the files arrive, mark them, and enable it: the files in the
folder of an enabled job run as soon as they are complete. Only the files that the
command has shown are marked, none that arrived later.`,
		Example: "  spool files mark scans '2025/**'\n  spool files mark 6bc58441-1f60-4265-99f1-881c90ac65df '*' --yes",
		Args:    cobra.ExactArgs(2), ValidArgsFunction: completeJobs(1),
	}
	verb(cmd, func(ctx context.Context, s *session, args []string) error {
		id, err := o.job(ctx, s, args[0])
		if err != nil {
			return err
		}
		if err := o.look(ctx, s, id, args[1]); err != nil {
			return err
		}
		marked, err := o.mark(ctx, s, id)
		if err != nil {
			return err
		}
		answer := encode(map[string]any{"job_id": id, "found": o.found, "marked": marked, "dry_run": o.dry})
		if o.dry && s.out.plain() {
			return nil
		}
		return s.out.made(answer, id, "%d files are marked as run", marked)
	})
	o.chooser.declare(cmd.Flags())
	o.consent.declare(cmd.Flags())
	cmd.Flags().BoolVar(&o.dry, "dry-run", false, "show which files would be marked, and mark none")
	return cmd
}

// look lists what can be marked, and shows the first five, or all in a dry run.
func (o *marking) look(ctx context.Context, s *session, id, pattern string) error {
	for page := ""; ; {
		got, err := read[markList](s.MarkFiles(ctx, id, client.MarkFilesJSONRequestBody{Pattern: &pattern, PageToken: given(page), Limit: new(mostInList)}))
		if err != nil {
			return err
		}
		o.lists, o.found = append(o.lists, got.value), o.found+got.value.Count
		if page = got.value.Next; page == "" {
			break
		}
	}
	if hint := o.lists[0].Hint; hint != "" {
		fmt.Fprintln(s.err, "Note:", clean(hint))
	}
	fmt.Fprintf(s.err, "%d files in the folder have not run\n", o.found)
	shown := 0
	for _, l := range o.lists {
		for _, f := range l.Files {
			if shown++; shown > shownFirst && !o.dry {
				fmt.Fprintf(s.err, "  … and %d more\n", o.found-shownFirst)
				return nil
			}
			fmt.Fprintf(s.err, "  %s\n", clean(f.Path))
		}
	}
	return nil
}

// mark asks, and marks what was shown.
func (o *marking) mark(ctx context.Context, s *session, id string) (marked int, err error) {
	if o.dry || o.found == 0 {
		return 0, nil
	}
	if !o.yes {
		if err := ask(s.in, s.err, fmt.Sprintf("Mark %d files as run?", o.found)); err != nil {
			return 0, err
		}
	}
	for i, l := range o.lists {
		done, err := read[struct{ Marked int }](s.MarkFiles(ctx, id, client.MarkFilesJSONRequestBody{List: &l.List}))
		if err != nil {
			if err = s.explain(err); i > 0 {
				err = failure(Partly, "only %d of %d files are marked as run: %w", marked, o.found, err)
			}
			return marked, err
		}
		marked += done.value.Marked
	}
	return marked, nil
}
