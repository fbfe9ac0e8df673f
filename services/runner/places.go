package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/place"
)

// places are the files and folders of a run. Each is opened once, so that the flow gets what was
// checked, wherever its name leads later.
type places struct {
	list  []cell.Place
	open  []*os.File // of each
	users []*os.File // user namespaces for those that are Mapped; not ours to close

	binary, input, output, tmp, cwd int // which of them it is; -1 = there is none
}

// rights are the descriptors that a warm process gets with its command.
func (p *places) rights() []*os.File { return append(slices.Clone(p.open), p.users...) }

func (p *places) add(path string, access cell.Access, f *os.File) {
	real, err := realPath(f)
	if err != nil {
		real = path
	}
	p.list, p.open = append(p.list, cell.Place{Path: path, Real: real, Access: access}), append(p.open, f)
}

func (p *places) close() {
	for _, f := range p.open {
		_ = f.Close()
	}
}

// openPlaces opens the places of an attempt, in the order of their indexes. An [events.Error] ends the run.
func (r *Runner) openPlaces(a *attempt) (p *places, err error) {
	p = &places{binary: -1, input: -1, output: -1, cwd: -1}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if a.command() == nil {
		p.binary = len(p.list)
		if err := r.openGiven(a.run.BinaryPath, "binary_path", judgeBinary, cell.Run, p); err != nil {
			return p, err
		}
	} else if cwd := a.command().Cwd; cwd != "" {
		p.cwd = len(p.list)
		if err := r.openGiven(cwd, "spool.run.cwd", judgeFolder, cell.Run, p); err != nil {
			return p, err
		}
	}
	if !a.noInput() {
		p.input = len(p.list)
		if err := r.openGiven(a.run.InputDir, "input_dir", judgeInput, cell.Read, p); err != nil {
			return p, err
		}
	}
	p.output = len(p.list)
	if err := r.openOutput(a, p); err != nil { // last: it may be emptied
		return p, err
	}
	tmp, err := a.private.Open()
	if err != nil {
		return p, fmt.Errorf("the private folder of a flow: %w", err)
	}
	p.tmp = len(p.list)
	p.add(a.private.Path, cell.Write, tmp)
	if err := r.openGranted(a, p); err != nil {
		return p, err
	}
	if err := a.reach.place(a.dir, p); err != nil {
		return p, err
	}
	r.occupy(a, p)
	if err := r.handOver(a, p); err != nil {
		return p, err
	}
	return p, a.giveSecrets(p)
}

// occupy notes which folders a run uses while it is under way.
func (r *Runner) occupy(a *attempt, p *places) {
	var folders []os.FileInfo
	for _, i := range []int{p.input, p.output} {
		if i < 0 {
			continue
		}
		if info, err := p.open[i].Stat(); err == nil {
			folders = append(folders, info)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.active[a.run.FlowJobID]; h != nil {
		h.folders = folders
	}
}

// openGiven opens what a run reads, if it exists and is of the right kind.
func (r *Runner) openGiven(logical, field string, judge func(events.Path, string, fs.FileInfo) error, access cell.Access, into *places) error {
	p, err := events.ParsePath(field, logical)
	if err != nil {
		return err
	}
	f, err := r.drives.OpenPath(p)
	if err != nil {
		return r.cannot(events.NotFound, field, p, err)
	}
	into.add(r.drives.HostPath(p), access, f)
	info, err := f.Stat()
	if err != nil {
		return r.cannot(events.NotFound, field, p, err)
	}
	return judge(p, into.list[len(into.list)-1].Path, info)
}

// openOutput makes and opens the output folder. It empties the folder when the run asks for that, and
// before another attempt when the folder is the run's alone; never the root of a drive.
func (r *Runner) openOutput(a *attempt, into *places) error {
	p, err := events.ParsePath("output_folder", a.run.OutputFolder)
	if err != nil {
		return err
	}
	root, err := r.createOutput(a, p)
	if err != nil {
		return r.cannot(events.Invalid, "output_folder", p, err)
	}
	a.output = root
	f, err := root.Open(".")
	if err != nil {
		return r.cannot(events.Invalid, "output_folder", p, err)
	}
	into.add(r.drives.HostPath(p), cell.Write, f)
	if own := a.settings.hasRunID; own && a.number > 1 || !own && a.settings.deleteOutDir {
		return r.empty(p, root, into.list)
	}
	return nil
}

// createOutput makes the output folder. When outputs are placed it is a folder in that of the job,
// which stays open: files are moved below what was opened here.
func (r *Runner) createOutput(a *attempt, p events.Path) (*os.Root, error) {
	dir, ok := events.PlacedIn(a.run.OutputFolder, a.run.FlowJobID)
	if !ok || place.RuleOf(a.run) == nil {
		return r.drives.Create(p)
	}
	base, err := r.drives.Create(dir)
	if err != nil {
		return nil, err
	}
	a.base = base
	return r.drives.CreateBelow(base, path.Base(p.Rel))
}

// empty removes all that lies in the output folder, the last of places.
func (r *Runner) empty(p events.Path, root *os.Root, places []cell.Place) error {
	top, err := r.drives.IsRoot(p, root)
	if top {
		return wholeDrive(p)
	}
	out := places[len(places)-1].Real
	for _, given := range places[:len(places)-1] {
		if drive.Inside(given.Real, out) {
			return events.Faultf(events.Invalid, "settings.delete_out_dir", "would delete %s, which lies in the output folder %s", given.Path, p)
		}
	}
	if err == nil {
		err = removeAll(root)
	}
	if err != nil {
		return unlessShort(err, events.Faultf(events.Invalid, "output_folder", "%s cannot be emptied: %v", r.drives.HostPath(p), err))
	}
	return nil
}

func removeAll(root *os.Root) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	for _, name := range names {
		err = errors.Join(err, root.RemoveAll(name))
	}
	return err
}
