package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func filesCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "files", Short: "Manage the files in the folders of jobs"}
	cmd.AddCommand(filesMarkCommand())
	return cmd
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

// markOptions are the flags of the command.
type markOptions struct {
	remote
	dry, yes bool
	output   string
}

func filesMarkCommand() *cobra.Command {
	var o markOptions
	cmd := &cobra.Command{
		Use:   "mark JOB PATTERN",
		Short: "Mark files in the folder of a job as already run",
		Long: `Mark files in the folder of a job as already run, so that they do not run again: after
a restore, a move to another disk, or when a folder was renamed. JOB is the id or the
name of the job. A PATTERN with a slash is matched against the path below the folder
(** for any folders), one without a slash against the name.

Disable the job before the files arrive, mark them, and enable it: the files in the
folder of an enabled job run as soon as they are complete. Only the files that the
command has shown are marked, none that arrived later.`,
		Example: `  spool files mark scans '2025/**'
  spool files mark 6bc58441-1f60-4265-99f1-881c90ac65df '*' --yes`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.output != "" && o.output != "json" {
				return wrongFlag("output", "%q is not json", o.output)
			}
			c, err := o.open()
			if err != nil {
				return err
			}
			id, err := c.jobID(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return c.markFiles(cmd, id, args[1], o)
		},
	}
	o.flags(cmd.Flags())
	cmd.Flags().BoolVar(&o.dry, "dry-run", false, "show which files would be marked, and mark none")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "mark without asking")
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "json: print the result as one JSON object")
	return cmd
}

func (c *client) markFiles(cmd *cobra.Command, id, pattern string, o markOptions) error {
	path := "/api/v2/jobs/" + id + "/files/mark"
	var lists []markList
	count := 0
	for page := ""; ; {
		var l markList
		if err := c.call(cmd.Context(), http.MethodPost, path, map[string]any{"pattern": pattern, "page_token": page, "limit": 5000}, &l); err != nil {
			return err
		}
		lists, count = append(lists, l), count+l.Count
		if page = l.Next; page == "" {
			break
		}
	}
	showMarkable(cmd.ErrOrStderr(), lists, count, o.dry)
	marked := 0
	if !o.dry && count > 0 {
		if !o.yes {
			if err := agree(cmd.InOrStdin(), cmd.ErrOrStderr(), fmt.Sprintf("Mark %d files as run?", count)); err != nil {
				return err
			}
		}
		for _, l := range lists {
			var done struct {
				Marked int `json:"marked"`
			}
			if err := c.call(cmd.Context(), http.MethodPost, path, map[string]string{"list": l.List}, &done); err != nil {
				return fmt.Errorf("only %d of %d files are marked as run: %w", marked, count, err)
			}
			marked += done.Marked
		}
	}
	if o.output == "json" {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"job_id": id, "found": count, "marked": marked, "dry_run": o.dry})
	}
	if !o.dry {
		fmt.Fprintf(cmd.OutOrStdout(), "%d files are marked as run\n", marked)
	}
	return nil
}

// showMarkable prints the number of files and the first five of them, or all in a dry run.
func showMarkable(w io.Writer, lists []markList, count int, all bool) {
	for _, l := range lists[:1] {
		if l.Hint != "" {
			fmt.Fprintln(w, "Note:", l.Hint)
		}
	}
	fmt.Fprintf(w, "%d files in the folder have not run\n", count)
	shown := 0
	for _, l := range lists {
		for _, f := range l.Files {
			if shown++; shown > 5 && !all {
				fmt.Fprintf(w, "  … and %d more\n", count-5)
				return
			}
			fmt.Fprintf(w, "  %s\n", oneLineText(f.Path))
		}
	}
}

// agree asks the person at the terminal; without a terminal it is an error.
func agree(in io.Reader, w io.Writer, question string) error {
	f, ok := in.(*os.File)
	if !ok || !isTerminal(f) {
		return exit{2, errors.New("nothing was marked, because there is no terminal to ask at: give --yes to mark the files, or --dry-run to see them")}
	}
	fmt.Fprint(w, question, " [y/N] ")
	answer, _ := bufio.NewReader(f).ReadString('\n') // no answer is no
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return exit{1, errors.New("nothing was marked")}
	}
	return nil
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	null, nerr := os.Stat(os.DevNull)
	return err == nil && nerr == nil && info.Mode()&os.ModeCharDevice != 0 && !os.SameFile(info, null)
}

// jobID returns the id of a job, given its id or its name.
func (c *client) jobID(ctx context.Context, text string) (string, error) {
	if uuid.Validate(text) == nil {
		return strings.ToLower(text), nil
	}
	var found []string
	query := url.Values{"q": {text}, "limit": {"1000"}}
	for {
		var page struct {
			Jobs []struct {
				ID       string `json:"job_id"`
				Name     string `json:"name"`
				Username string `json:"username"`
			} `json:"jobs"`
			Next string `json:"next_page_token"`
		}
		if err := c.call(ctx, http.MethodGet, "/api/v2/jobs?"+query.Encode(), nil, &page); err != nil {
			return "", err
		}
		for _, j := range page.Jobs {
			if j.Name == text {
				found = append(found, j.ID)
			}
		}
		if page.Next == "" {
			break
		}
		query.Set("page_token", page.Next)
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", exit{3, fmt.Errorf("you have no job named %q: give its id, or its whole name", text)}
	default:
		return "", exit{2, fmt.Errorf("%d jobs are named %q: give the id of one of them: %s", len(found), text, strings.Join(found, ", "))}
	}
}
