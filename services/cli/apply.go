package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"spool.internal/services/importer/manifest"
)

// apply makes the jobs of a server those of files.
type apply struct {
	consent
	file, prune              string
	dry, shadow, mass, quiet bool
}

func jobsApply() *cobra.Command {
	var a apply
	cmd := &cobra.Command{
		Use:   "apply -f FILE|DIR",
		Short: "Make and change jobs, so that they are what files say",
		Long: `Make and change jobs, so that they are what files say. A file is YAML or JSON:

  apiVersion: spool/v1
  managed_by: git:ops/jobs
  jobs:
    - key: backup
      name: nightly backup
      schedule: "30 2 * * *"
      run: {command: tar czf www.tar.gz -C /srv/www .}

A job is known by its key; its name may change. What a file does not say is taken away from
the job; secrets that are shown as ******** stay. A secret may be {file: PATH}. initially:
disabled makes a job disabled and leaves it alone afterwards; enabled: true or false says
what it is to be. All jobs are checked before the first is changed. To apply the same files
again, after an interruption or beside another who does, changes nothing more.

For each job a line is printed: + create, ~ change with its next runs before and after,
= same, - prune. With --dry-run nothing is stored, and the exit status is 1 when something
would be. --prune NAME deletes the jobs with that managed_by that the files do not have.`,
		Example: "  spool jobs apply -f jobs.yaml --dry-run\n  spool jobs apply -f jobs/ --prune git:ops/jobs",
		Args:    cobra.NoArgs,
	}
	verb(cmd, func(ctx context.Context, s *session, _ []string) error { return a.run(ctx, s) })
	set := cmd.Flags()
	a.declare(set)
	set.StringVarP(&a.file, "filename", "f", "", "file with jobs, or a folder with such files (.yaml, .yml, .json); - reads stdin")
	set.BoolVar(&a.dry, "dry-run", false, "show what would be done, and do nothing; the exit status is 1 when there is something")
	set.BoolVar(&a.quiet, "exit-zero", false, "with --dry-run: the exit status is 0 also when there is something to do")
	set.StringVar(&a.prune, "prune", "", "delete jobs with this managed_by, which has to be that of the files, that are not in the files")
	set.BoolVar(&a.mass, "allow-mass-delete", false, "with --prune: delete even more than half of them")
	set.BoolVar(&a.shadow, "shadow", false, "shadow disabled jobs: their slots show when they would run, and run nothing, until they are enabled")
	return cmd
}

func (a *apply) run(ctx context.Context, s *session) error {
	if a.file == "" {
		return misused("filename: is required: a file with jobs, or a folder with such files")
	}
	files, err := a.read(s)
	if err != nil {
		return err
	}
	p := &planner{session: s, shadow: a.shadow}
	for _, f := range files {
		for _, j := range f.Jobs {
			p.wanted = append(p.wanted, wanted{j, f.ManagedBy})
		}
	}
	if err := a.checkPrune(files); err != nil {
		return err
	}
	steps, err := p.plan(ctx)
	if err == nil && a.prune != "" {
		err = a.planPrune(ctx, p, &steps)
	}
	if err != nil {
		return err
	}
	if a.dry {
		return a.tell(s, steps)
	}
	return a.do(ctx, p, steps)
}

// read reads all files. Its error has all that is wrong with any of them.
func (a *apply) read(s *session) (files []*manifest.File, err error) {
	names, err := manifests(a.file)
	if err != nil {
		return nil, err
	}
	var faults []error
	seen := map[string]string{}
	for _, name := range names {
		var text []byte
		shown := name
		if name == "-" {
			shown = "stdin"
			text, err = io.ReadAll(io.LimitReader(s.in, longestFile))
		} else {
			text, err = os.ReadFile(name)
		}
		if err != nil {
			return nil, fmt.Errorf("filename: %w", err)
		}
		f, err := manifest.Parse(shown, text, beside(name))
		if err != nil {
			faults = append(faults, err)
			continue
		}
		for _, j := range f.Jobs {
			if at := seen[j.Key+"\x00"+j.ID]; at != "" {
				faults = append(faults, fmt.Errorf("%s: the key %q is that of the job at %s as well", j.Place, j.Key, at))
			}
			seen[j.Key+"\x00"+j.ID] = j.Place
		}
		files = append(files, f)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, &Error{Exit: Refused, error: err}
	}
	return files, nil
}

// manifests are the files that a name stands for.
func manifests(name string) ([]string, error) {
	info, err := os.Stat(name)
	if name == "-" || err == nil && !info.IsDir() {
		return []string{name}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("filename: %w", err)
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, fmt.Errorf("filename: %w", err)
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(e.Name())) && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, filepath.Join(name, e.Name()))
		}
	}
	if len(names) == 0 {
		return nil, misused("filename: there is no file .yaml, .yml or .json in %s", name)
	}
	return names, nil
}

// beside reads the files that a manifest names, relative to where it lies.
func beside(name string) manifest.Files {
	return func(path string) ([]byte, error) {
		if !filepath.IsAbs(path) && name != "-" {
			path = filepath.Join(filepath.Dir(name), path)
		}
		return os.ReadFile(path)
	}
}

// checkPrune refuses a value that is not the files' own: they would not have the jobs that
// are to stay.
func (a *apply) checkPrune(files []*manifest.File) error {
	if a.prune == "" {
		if a.mass {
			return misused("allow-mass-delete: is about --prune: give that, or leave this out")
		}
		return nil
	}
	for _, f := range files {
		if f.ManagedBy != a.prune {
			return misused("prune: %q is not the managed_by of %s, which is %q", a.prune, f.Name, f.ManagedBy)
		}
	}
	return nil
}
