package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"spool.internal/gateway/client"
)

// putting is how files are put where.
type putting struct {
	chooser
	job                            string
	ifAbsent, keepBoth, executable bool

	folder bool // the destination is a folder
	to     string
}

func filesPut() *cobra.Command {
	var o putting
	cmd := &cobra.Command{
		Use: "put FILE… PATH", Short: "Put files onto a drive, such as into the folder of a job", Args: cobra.MinimumNArgs(1),
		Long: `Put files onto a drive: into a folder that exists, or ends in a slash, under their own
names; else one file under this path. --job puts them into the folder of a job instead. A
FILE of - is what comes on stdin.

A file has its name when it is whole, so a job that watches the folder runs once, then.
What is there already is replaced, unless --if-absent (refuse; the exit status is 4) or
--keep-both (as name (2).ext) say otherwise. An upload that breaks off leaves nothing, and
begins anew when it is tried again. On a terminal a bar shows how far it is.`,
		Example: "  spool files put report.pdf admin/repo/fs/Office/scans/\n  spool files put *.pdf --job scans --keep-both\n  pg_dump shop | spool files put - admin/repo/fs/Office/shop.sql",
	}
	verb(cmd, func(ctx context.Context, s *session, args []string) error {
		if o.ifAbsent && o.keepBoth {
			return misused("keep-both: is given with --if-absent: choose one")
		}
		files, err := o.destination(ctx, s, args)
		if err != nil {
			return err
		}
		return o.all(ctx, s, files)
	})
	o.declare(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&o.job, "job", "", "put them into the folder of this job")
	f.BoolVar(&o.ifAbsent, "if-absent", false, "refuse to replace a file")
	f.BoolVar(&o.keepBoth, "keep-both", false, "replace nothing: give the new file a number")
	f.BoolVar(&o.executable, "executable", false, "make the file a program")
	_ = cmd.RegisterFlagCompletionFunc("job", completeJobs(0)) // the flag is there
	return cmd
}

// destination reads where to, and returns the files.
func (o *putting) destination(ctx context.Context, s *session, args []string) ([]string, error) {
	if o.job != "" {
		id, err := o.chooser.job(ctx, s, o.job)
		if err != nil {
			return nil, err
		}
		j, err := read[client.JobDetails](s.GetJob(ctx, id))
		if err != nil {
			return nil, err
		}
		if o.to, o.folder = inputOf(j.value.Parameters), true; o.to == "" {
			return nil, failure(Refused, "%s has no folder", j.value.Name)
		}
		return args, nil
	}
	files := args[:len(args)-1]
	o.to = args[len(args)-1]
	if len(files) == 0 {
		return nil, misused("give the files, and where to: a path such as admin/repo/fs/Office/scans/, or --job")
	}
	o.folder = strings.HasSuffix(o.to, "/") || len(files) > 1
	if !o.folder {
		resp, err := s.HeadFile(ctx, o.to, nil)
		if refused, ok := errors.AsType[*client.Error](err); err != nil && (!ok || refused.Status != http.StatusNotFound) {
			return nil, err
		}
		if err == nil {
			_ = resp.Body.Close() // of HEAD
			o.folder = resp.Header.Get("Content-Type") == "application/json"
		}
	}
	return files, nil
}

// stored says where a file is that was put.
type stored struct {
	File    string `json:"file"` // of the person
	Path    string `json:"path"` // on the drive
	Renamed bool   `json:"renamed,omitempty"`
}

func (o *putting) all(ctx context.Context, s *session, files []string) error {
	for _, name := range files { // before any is put
		if name == "-" && o.folder {
			return misused("- has no name: give a whole path, such as admin/repo/fs/Office/scans/report.pdf")
		}
		if info, err := os.Stat(name); name != "-" && (err != nil || info.IsDir()) {
			if err == nil {
				err = fmt.Errorf("%s is a folder: give its files", name)
			}
			return misused("%w", err)
		}
	}
	put := []stored{}
	for i, name := range files {
		one, err := o.one(ctx, s, name)
		if err != nil {
			if err = s.explain(err); i > 0 {
				err = failure(Partly, "%d of %d files are put; %s: %w", i, len(files), clean(name), err)
			}
			return errors.Join(s.out.stored(put), err)
		}
		put = append(put, one)
	}
	return s.out.stored(put)
}

func (p *printer) stored(all []stored) error {
	if p.form == "json" || p.form == "yaml" {
		return p.data(encode(all))
	}
	for _, one := range all {
		if err := p.line("%s", clean(one.Path)); err != nil {
			return err
		}
	}
	return nil
}

// one puts one file.
func (o *putting) one(ctx context.Context, s *session, name string) (stored, error) {
	put := stored{File: name, Path: o.to}
	if o.folder {
		put.Path = folderPath(o.to, filepath.Base(name))
	}
	content, length := s.in, int64(-1)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return put, err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return put, err
		}
		content, length = f, info.Size()
	}
	asked := &client.PutFileParams{}
	if o.executable {
		asked.Executable = new(true)
	}
	if o.ifAbsent {
		asked.IfNoneMatch = new(client.PutFileParamsIfNoneMatch("*"))
	}
	if o.keepBoth {
		asked.Rename = new(client.PutFileParamsRename("keep-both"))
	}
	bar := s.progress(filepath.Base(name), length, true)
	defer bar.end()
	body := io.NopCloser(io.TeeReader(content, bar))
	got, err := read[client.StoredFile](s.PutFileWithBody(ctx, put.Path, asked, "application/octet-stream", body, func(_ context.Context, r *http.Request) error {
		if length == 0 {
			r.Body = http.NoBody
		}
		r.ContentLength = length
		r.Header.Set("Expect", "100-continue") // what is refused is not sent first
		return nil
	}))
	if got.value.Path != "" {
		put.Path, put.Renamed = got.value.Path, got.value.Renamed
	}
	return put, err
}
