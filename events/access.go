package events

import (
	"slices"
	"strings"
)

// Access is the part of the drives that somebody reaches. The zero value
// reaches nothing. It is judged here, for whoever asks, and nowhere else; what
// was asked for once goes on with the paths that it has.
type Access struct {
	All   bool     // everything
	Paths []string // beginnings of logical paths as [ReadGrants] gives them
}

// ReadGrants reads paths that a token is to reach: an owner, a repository, a
// drive or something on it. Each stands for all below it, by whole names, and
// ends with a slash.
func ReadGrants(field string, paths []string) ([]string, error) {
	if len(paths) == 0 {
		return nil, Faultf(Invalid, field, "names no path: leave it out for the paths of the owner")
	}
	if len(paths) > MaxGrants {
		return nil, Faultf(Invalid, field, "has %d paths; at most %d are allowed", len(paths), MaxGrants)
	}
	var all []string
	for _, s := range paths {
		names, err := splitPath(field, s)
		switch {
		case err != nil:
			return nil, err
		case len(names) == 0, len(names) > 2 && names[2] != "fs":
			return nil, Faultf(Invalid, field, "%q must have the form owner/, owner/repo/, or owner/repo/fs/drive/path", s)
		}
		if grant := strings.Join(names, "/") + "/"; !slices.Contains(all, grant) {
			all = append(all, grant)
		}
	}
	return all, nil
}

// MaxGrants is how many paths a token may have.
const MaxGrants = 100

// Reaches reports whether p lies in what may be reached.
func (a Access) Reaches(p Path) bool {
	return a.All || slices.ContainsFunc(a.Paths, func(grant string) bool { return strings.HasPrefix(p.String()+"/", grant) })
}

// Check refuses a path that may not be reached, in the same words whatever lies there.
func (a Access) Check(field string, p Path) error {
	if a.Reaches(p) {
		return nil
	}
	return Faultf(Forbidden, field, "lies outside what this token reaches (%s): ask an administrator for a token with this path",
		strings.Join(a.Paths, ", "))
}

// On tells what of a drive, or of a folder on it, may be reached: the whole, or these
// parts of it; none is nothing.
func (a Access) On(p Path) (whole bool, parts []string) {
	if a.Reaches(p) {
		return true, nil
	}
	for _, grant := range a.Paths {
		if strings.HasPrefix(grant, p.String()+"/") {
			parts = append(parts, grant)
		}
	}
	return false, parts
}

// CheckJob refuses a job of which a path may not be reached. What was generated
// leads nowhere.
func (a Access) CheckJob(p *Parameters) error {
	if cwd := p.Options.Run.Cwd; cwd != (Path{}) {
		if err := a.Check("spool.run.cwd", cwd); err != nil {
			return err
		}
	}
	for key, to := range p.Options.After.folders() {
		if err := a.Check("spool.after."+key, to); err != nil {
			return err
		}
	}
	return a.checkAll("flow_parameters.", p.BinaryPath, p.InputDir, p.OutputDir())
}

// CheckRun refuses a run of which a path may not be reached.
func (a Access) CheckRun(binary, input, output Path) error {
	return a.checkAll("", binary, input, output)
}

func (a Access) checkAll(prefix string, binary, input, output Path) error {
	for _, c := range []struct {
		field string
		path  Path
	}{{"binary_path", binary}, {"input_dir", input}, {"settings.output_dir", output}} {
		if c.path.Generated() {
			continue
		}
		if err := a.Check(prefix+c.field, c.path); err != nil {
			return err
		}
	}
	return nil
}

// CheckFile refuses to run a file again whose stage lies on a drive of which
// nothing may be reached. Nil, a run over a whole folder, is judged by its job.
func (a Access) CheckFile(f *File) error {
	if a.All || f == nil {
		return nil
	}
	stage, err := ParsePath("input_dir", f.InputDir)
	if err != nil {
		return err
	}
	drive := stage.Drive + "/"
	for _, grant := range a.Paths {
		if strings.HasPrefix(drive, grant) || strings.HasPrefix(grant, drive) {
			return nil
		}
	}
	return a.Check("input_dir", stage)
}
