package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"spool.internal/events/atomicfile"
	"spool.internal/gateway/client"
)

func jobsEdit() *cobra.Command {
	var c chooser
	var file string
	cmd := &cobra.Command{
		Use:   "edit JOB",
		Short: "Change the parameters of a job in your editor",
		Long: `Change the parameters of a job in $VISUAL, $EDITOR or vi, as YAML. A text that the server
refuses is opened again, with the reason on top. If the job was changed by somebody else
meanwhile, that is said and the text is opened again with both changes. An empty file
changes nothing. What is not stored is kept in a file, whose name is printed.

With -f the new parameters are read from a file, and no editor is opened.`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: completeJobs(1),
	}
	verb(cmd, func(ctx context.Context, s *session, args []string) error {
		id, err := c.job(ctx, s, args[0])
		if err != nil {
			return err
		}
		e := &edit{s: s, id: id}
		if err := e.load(ctx); err != nil {
			return err
		}
		if file != "" {
			text, err := readFile(s, file)
			if err != nil {
				return err
			}
			return e.store(ctx, text)
		}
		return e.run(ctx)
	})
	c.declare(cmd.Flags())
	cmd.Flags().StringVarP(&file, "filename", "f", "", "file with the new parameters, as YAML or JSON; - reads them from stdin")
	return cmd
}

// edit is one person changing one job.
type edit struct {
	s  *session
	id string

	job    row[client.JobDetails] // as it was read
	before json.RawMessage        // its parameters
	etag   string
}

func (e *edit) load(ctx context.Context) (err error) {
	if e.job, err = read[client.JobDetails](e.s.GetJob(ctx, e.id)); err != nil {
		return err
	}
	e.etag = e.job.header.Get("ETag")
	e.before, err = parametersOf(e.job.raw)
	return err
}

// run opens the editor until the job is stored, or the person gives up.
func (e *edit) run(ctx context.Context) error {
	body, err := toYAML(e.before)
	if err != nil {
		return err
	}
	why := ""
	for shown := ""; ; {
		head := e.head(why)
		text, err := e.open(ctx, head+string(cleanJSON(body)))
		if err != nil {
			return err
		}
		written := strings.TrimPrefix(text, head)
		if written == shown && why != "" { // what was refused already
			return e.keep(written, failure(Refused, "the job is as it was: %s", why))
		}
		shown = written
		body = []byte(written)
		after, err := fromYAML([]byte(text))
		switch {
		case strings.TrimSpace(withoutComments(written)) == "":
			return e.s.out.made(e.job.raw, e.job.value.Name, "nothing was changed")
		case err == nil:
			err = e.store(ctx, after)
		}
		if err == nil {
			return nil
		}
		refused, known := errors.AsType[*client.Error](err)
		switch {
		case known && refused.Status == http.StatusPreconditionFailed:
			if body, why, err = e.rebase(ctx, after); err != nil {
				return e.keep(written, err)
			}
			shown = ""
		case known && statusOf(refused.Status) != Refused:
			return e.keep(written, e.s.explain(err))
		default:
			why = err.Error()
		}
		if !isTerminal(e.s.in) { // nobody is there who could mend it
			return e.keep(written, failure(Refused, "the job is as it was: %s", why))
		}
	}
}

// head is what stands above the text. It has as many lines, whatever it says, so that the
// numbers of lines in errors stay right.
func (e *edit) head(why string) string {
	what := fmt.Sprintf("# Job %s (%s). Secrets are \"%s\" and stay as they are.", clean(e.job.value.Name), e.id, mask)
	if why == "" {
		why = "Lines that begin with # are left out. An empty file changes nothing."
	} else {
		why = "NOT STORED: " + clean(why)
	}
	return what + "\n# " + why + "\n\n"
}

func withoutComments(text string) string {
	var kept []string
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.HasPrefix(line, "#") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// open lets the person edit a text.
func (e *edit) open(ctx context.Context, text string) (string, error) {
	dir, err := os.MkdirTemp("", "spool-edit-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "job.yaml")
	if err := atomicfile.Write(file, []byte(text), 0o600); err != nil {
		return "", err
	}
	editor := cmp.Or(os.Getenv("VISUAL"), os.Getenv("EDITOR"), "vi")
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", editor+` "$1"`, "sh", file)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = e.s.in, e.s.err, e.s.err
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("the editor (%s) ended with %w; the job is as it was: name another by EDITOR", editor, err)
	}
	now, err := os.ReadFile(file)
	return string(now), err
}

// store sends what differs, for the job as it was read.
func (e *edit) store(ctx context.Context, after json.RawMessage) error {
	patch, err := patchBetween(e.before, after)
	if err != nil {
		return err
	}
	if len(patch) == 0 {
		return e.s.out.made(e.job.raw, e.job.value.Name, "nothing was changed")
	}
	changed, err := read[client.JobDetails](e.s.PatchJobWithBody(ctx, e.id, &client.PatchJobParams{IfMatch: &e.etag}, "application/merge-patch+json", bytes.NewReader(encode(patch))))
	if err != nil {
		return err
	}
	if e.s.out.plain() {
		e.s.warn(changed.value.Warnings)
	}
	return e.s.out.made(changed.raw, changed.value.Name, "job %s is changed%s", clean(changed.value.Name), nextRuns(e.s.out, changed.value))
}

// rebase puts the person's changes onto the job as somebody else has changed it.
func (e *edit) rebase(ctx context.Context, after json.RawMessage) (body []byte, why string, err error) {
	mine, err := patchBetween(e.before, after)
	if err != nil {
		return nil, "", err
	}
	old := e.before
	if err := e.load(ctx); err != nil {
		return nil, "", e.s.explain(err)
	}
	theirs, err := changesBetween(old, e.before)
	if err != nil {
		return nil, "", err
	}
	var what []string
	for _, c := range theirs {
		what = append(what, c.String())
	}
	both, err := patched(e.before, mine)
	if err != nil {
		return nil, "", err
	}
	body, err = toYAML(both)
	return body, fmt.Sprintf("the job was changed meanwhile%s: %s. Below are both changes; save to store them, empty the file to give up", e.by(ctx), strings.Join(what, "; ")), err
}

// by says who changed the job last, where that can be asked.
func (e *edit) by(ctx context.Context) string {
	most := 1
	page, err := read[client.HistoryPage](e.s.ListHistory(ctx, e.id, &client.ListHistoryParams{Limit: &most}))
	if err != nil || len(page.value.History) == 0 {
		return ""
	}
	return " by " + page.value.History[0].By
}

// keep puts a text that is not stored where the person finds it.
func (e *edit) keep(text string, why error) error {
	dir, err := os.MkdirTemp("", "spool-kept-")
	if err != nil {
		return errors.Join(why, err)
	}
	file := filepath.Join(dir, "job.yaml")
	if err := atomicfile.Write(file, []byte(text), 0o600); err != nil {
		return errors.Join(why, err)
	}
	fmt.Fprintf(e.s.err, "your text is kept in %s: spool jobs edit %s -f %s stores it\n", file, e.id, file)
	return why
}
