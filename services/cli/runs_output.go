package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"spool.internal/gateway/client"
)

// fetching is what of an output is fetched, and where to.
type fetching struct {
	chooser
	all, force bool
	zip, to    string
}

func runsOutput() *cobra.Command {
	var o fetching
	cmd := &cobra.Command{
		Use: "output RUN [FILE…]", Short: "List the files that a run has written, or fetch them", Args: cobra.MinimumNArgs(1), ValidArgsFunction: completeJobs(1),
		Long: `List the files that a run has written, or fetch some (FILE), all (--all), or all as one
archive (--zip). They are written below the folder of --to, with their folders; a part of
a name that would lead out of it, or is not for a terminal, becomes _. A file that is
there already is not replaced, unless --force says so. --to - prints one file.`,
		Example: "  spool runs output backup\n  spool runs output backup www.tar.gz --to /tmp\n  spool runs output backup --all --to restored\n  spool runs output backup --zip backup.zip",
	}
	verb(cmd, func(ctx context.Context, s *session, args []string) error {
		switch files := args[1:]; {
		case o.all && (len(files) > 0 || o.zip != "") || o.zip != "" && len(files) > 0:
			return misused("give files, --all or --zip, one of the three")
		case o.to == "-" && len(files) != 1:
			return misused("to: - prints one file: name it")
		}
		id, err := o.run(ctx, s, args[0])
		if err != nil {
			return err
		}
		switch {
		case o.zip != "":
			return o.archive(ctx, s, id)
		case o.all || len(args) > 1:
			return o.fetch(ctx, s, id, args[1:])
		}
		return list(s, outputTable(s.out), o.files(ctx, s, id))
	})
	o.declare(cmd.Flags())
	f := cmd.Flags()
	f.BoolVar(&o.all, "all", false, "fetch all files")
	f.StringVar(&o.zip, "zip", "", "fetch all files as one archive, and write it into this file")
	f.StringVar(&o.to, "to", ".", "folder for the files; - prints one")
	f.BoolVar(&o.force, "force", false, "replace files that are there")
	return cmd
}

// files lists what a run has written.
func (o *fetching) files(ctx context.Context, s *session, id string) iter.Seq2[row[client.OutputPage_Files], error] {
	return pages[client.OutputPage_Files]("files", 0, func(token *string, most int) (*http.Response, error) {
		return s.ListResultOutput(ctx, id, &client.ListResultOutputParams{PageToken: token, Limit: &most})
	})
}

func outputTable(p *printer) table[client.OutputPage_Files] {
	return table[client.OutputPage_Files]{
		columns: []column[client.OutputPage_Files]{
			{"file", func(f client.OutputPage_Files) string { return f.Path }},
			{"size", func(f client.OutputPage_Files) string { return size(int64(f.Size)) }},
			{"modified", func(f client.OutputPage_Files) string { return p.time(value(f.Modified), "") }},
			{"bytes", func(f client.OutputPage_Files) string { return strconv.Itoa(f.Size) }},
		},
		shown: 3,
		name:  func(f client.OutputPage_Files) string { return f.Path },
		empty: "It has written no files.",
	}
}

// size shows a number of bytes.
func size(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n)/1024, 0
	for f >= 1000 && unit < 4 {
		f, unit = f/1024, unit+1
	}
	return fmt.Sprintf("%.3g %ciB", f, "KMGTP"[unit])
}

// fetch writes files of a run into the folder; all, when none are named.
func (o *fetching) fetch(ctx context.Context, s *session, id string, names []string) error {
	if o.to == "-" {
		return copyTo(s.out.w, answered(s.GetResultOutputFile(ctx, id, names[0], nil)))
	}
	if len(names) == 0 {
		for one, err := range o.files(ctx, s, id) {
			if err != nil {
				return err
			}
			names = append(names, one.value.Path)
		}
	}
	into, err := openSaver(o.to, o.force)
	if err != nil {
		return err
	}
	defer into.close()
	saved := []fetched{}
	for i, name := range names {
		where, err := o.file(ctx, s, into, id, name)
		if err != nil {
			if err = s.explain(err); i > 0 {
				err = failure(Partly, "%d of %d files are fetched; %s: %w", i, len(names), clean(name), err)
			}
			return errors.Join(s.out.fetched(saved), err)
		}
		saved = append(saved, fetched{name, where})
	}
	return s.out.fetched(saved)
}

// fetched says where a file that was fetched is now.
type fetched struct {
	Path string `json:"path"`
	File string `json:"file"`
}

// fetched prints where files are.
func (p *printer) fetched(all []fetched) error {
	if p.form == "json" || p.form == "yaml" {
		return p.data(encode(all))
	}
	for _, one := range all {
		if err := p.line("%s", clean(one.File)); err != nil {
			return err
		}
	}
	return nil
}

func (o *fetching) file(ctx context.Context, s *session, into *saver, id, name string) (where string, err error) {
	resp, err := s.GetResultOutputFile(ctx, id, name, nil)
	if err != nil {
		return "", err
	}
	return s.keep(into, name, resp)
}

// keep writes the content of an answer into a file, and shows how far it is.
func (s *session) keep(into *saver, name string, resp *http.Response) (where string, err error) {
	defer resp.Body.Close()
	bar := s.progress(name, resp.ContentLength, true)
	defer bar.end()
	return into.save(name, io.TeeReader(resp.Body, bar))
}

// archive writes all files as one archive.
func (o *fetching) archive(ctx context.Context, s *session, id string) error {
	into, err := openSaver(filepath.Dir(o.zip), o.force)
	if err != nil {
		return err
	}
	defer into.close()
	resp, err := s.ListResultOutput(ctx, id, &client.ListResultOutputParams{Format: new(client.ListResultOutputParamsFormat("zip"))})
	if err != nil {
		return err
	}
	where, err := s.keep(into, filepath.Base(o.zip), resp)
	if err != nil {
		return err
	}
	return s.out.fetched([]fetched{{"", where}})
}

// copyTo prints the content of an answer.
func copyTo(w io.Writer, a answer) error {
	if a.err != nil {
		return a.err
	}
	defer a.resp.Body.Close()
	out, done := w, func() error { return nil }
	if isTerminal(w) {
		c := &cleanWriter{to: w}
		out, done = c, c.Close
	}
	_, err := io.Copy(out, a.resp.Body)
	if err = errors.Join(err, done()); err != nil {
		return fmt.Errorf("it broke off: %w", err)
	}
	return nil
}
