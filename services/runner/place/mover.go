package place

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/faultpoint"
	"spool.internal/services/runner/record"
)

// ErrUnreached says that outputs which are on their way cannot be reached now.
var ErrUnreached = errors.New("the outputs of the run cannot be placed now")

// errInterrupted says that the context of a placement ended before it was done.
var errInterrupted = errors.New("the runner stops while it places outputs")

// Mover moves the files that one run wrote to their places. It follows no link.
type Mover struct {
	*Placement
	Folders
	rule   events.Placement
	run    events.Run
	drives *drive.Drives
}

// Folders are what a placement moves files between, opened by the caller.
type Folders struct {
	Job    *os.Root      // the output folder of the job
	Run    *os.Root      // that of the run, in there
	Record record.Folder // where the placement is stored
}

// RuleOf is how the outputs of a run are placed; nil: they stay in its folder.
func RuleOf(run events.Run) *events.Placement {
	if run.Spool == nil || run.Spool.Output == nil || !run.Spool.Output.Given() {
		return nil
	}
	return run.Spool.Output
}

// New places what a run that ends with ev has written. The run has a rule ([RuleOf]).
func New(run events.Run, ev events.RunEvent, drives *drive.Drives, in Folders) *Mover {
	return Resume(run, &Placement{Event: ev}, drives, in)
}

// Resume goes on with a placement that [Read] found.
func Resume(run events.Run, p *Placement, drives *drive.Drives, in Folders) *Mover {
	return &Mover{Placement: p, Folders: in, rule: *RuleOf(run), run: run, drives: drives}
}

// Begin decides where each file goes, writes that down, and moves them. After an error the
// placement is half done, and another runner can go on with it.
func (m *Mover) Begin(ctx context.Context) error {
	var err error
	if m.Back, m.Final = m.plan(); m.Back == "" {
		if m.In, err = FolderID(m.Job); err == nil {
			err = m.store(m.Record)
		}
		if err != nil {
			m.Back = fmt.Sprintf("it cannot be written down where they go: %v", err)
			m.Files = nil
		} else {
			faultpoint.Hit(faultpoint.OutputPlanned)
		}
	}
	return m.CarryOut(ctx)
}

// plan lists what the run has written and decides where each file goes. A fault is a sentence;
// no file has a place then. final says that another attempt would not help.
func (m *Mover) plan() (fault string, final bool) {
	if err := m.list(); err != nil {
		return fmt.Sprintf("they cannot be read: %v", err), false
	}
	taken := map[string]string{}
	for i := range m.Files {
		f := &m.Files[i]
		n := events.Naming{Path: string(f.From), Alone: len(m.Files) == 1, RunID: m.run.FlowJobID}
		if ref := m.run.File; ref != nil {
			n.Input = ref.RawPath()
		}
		target, fault := m.rule.Target(n)
		if fault != "" {
			m.Files = nil
			return fmt.Sprintf("%s has no place: %s", n.Path, fault), true
		}
		f.To = []byte(target)
		if fault := m.number(f, taken); fault != "" {
			m.Files = nil
			return fault, true
		}
		taken[f.target()] = n.Path
	}
	return "", false
}

func (m *Mover) list() error {
	return fs.WalkDir(m.Run.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			m.Files = append(m.Files, placed{From: []byte(name), Size: info.Size()})
		}
		return err
	})
}

// number gives a file the lowest number with which its name is free.
func (m *Mover) number(f *placed, taken map[string]string) (fault string) {
	for f.Number = 1; f.Number <= drive.MaxNumber; f.Number++ {
		to := f.target()
		if other, ok := taken[to]; ok {
			if m.rule.Conflict != events.ConflictSuffix {
				return fmt.Sprintf("%s and %s would both be %s: have spool.output tell them apart, as with {name}", other, f.From, to)
			}
			continue
		}
		is, err := m.look(f)
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && m.rule.Conflict == events.ConflictReplace && !is.IsDir():
			return ""
		case err != nil:
			return fmt.Sprintf("%s cannot be %s: %v", f.From, to, err)
		case m.rule.Conflict == events.ConflictReplace:
			return fmt.Sprintf("%s cannot be %s: a folder has that name", f.From, to)
		case m.rule.Conflict == events.ConflictFail:
			return m.conflict(f)
		}
	}
	return fmt.Sprintf("there are %d files of the name %s: take some away", drive.MaxNumber, f.To)
}

func (m *Mover) conflict(f *placed) string {
	return fmt.Sprintf("%s is there already, and spool.output_conflict is fail: take it away, or choose suffix or replace, and run this again", f.target())
}

// look gives what has the name that a file is to have.
func (m *Mover) look(f *placed) (fs.FileInfo, error) {
	below, name := f.to()
	to, err := m.drives.Below(m.Job, below)
	if err != nil {
		return nil, err
	}
	defer to.Close()
	return to.Lstat(name)
}

// CarryOut does what is left to do of a placement. When one file cannot be placed all go back,
// except those that replaced other files. An error says that the placement is not done.
func (m *Mover) CarryOut(ctx context.Context) error {
	for i := range m.Files {
		if m.Back != "" {
			break
		}
		err := m.forth(ctx, &m.Files[i])
		if ctx.Err() != nil && err != nil {
			return errInterrupted
		}
		if err != nil {
			m.turnBack(&m.Files[i], err)
		}
		faultpoint.Hit(faultpoint.OutputMoved)
	}
	if m.Back == "" {
		if err := m.sync(); err != nil {
			return fmt.Errorf("%w: %w", ErrUnreached, err)
		}
		faultpoint.Hit(faultpoint.OutputPlaced)
		return nil
	}
	if m.rule.Conflict == events.ConflictReplace {
		return nil
	}
	for i := range m.Files {
		if err := m.back(ctx, &m.Files[i]); err != nil {
			return fmt.Errorf("%w: %w", ErrUnreached, err)
		}
		faultpoint.Hit(faultpoint.OutputReturned)
	}
	return nil
}

// turnBack notes why the placement fails. If that cannot be stored, it is found out again.
func (m *Mover) turnBack(f *placed, err error) {
	m.Back = fmt.Sprintf("%s cannot be %s: %v", f.From, f.target(), err)
	if m.rule.Conflict == events.ConflictFail && errors.Is(err, fs.ErrExist) {
		m.Back, m.Final = m.conflict(f), true
	}
	_ = m.store(m.Record)
}

// Ended gives the end of the run, with where its outputs lie. hide masks the secrets in names.
func (m *Mover) Ended(hide func(string) string) events.RunEvent {
	ev := m.Event
	ev.At = time.Now().UTC() // a file that changed until now is this run's
	if m.Back != "" {
		ev.Status = events.ERROR
		said := fmt.Sprintf("its outputs are not placed: %s; they lie in %s", m.Back, m.run.OutputFolder)
		if m.rule.Conflict == events.ConflictReplace && len(m.Files) > 0 {
			said += ", but for those that are placed already"
		}
		ev.Message = hide(strings.TrimPrefix(ev.Message+"; "+said, "; "))
		return ev
	}
	dir, _ := ev.PlacedIn()
	ev.OutputFolder = dir.String()
	n := len(m.Files)
	files := make([]events.Output, 0, n)
	for _, f := range m.Files {
		files = append(files, events.Output{Path: hide(strings.ToValidUTF8(f.target(), "\ufffd")), Size: f.Size})
	}
	ev.Outputs, ev.OutputCount = Listed(files), &n
	return ev
}

// Tidy removes what is empty of the folder of the run, once the end of the run is stored.
func (m *Mover) Tidy() {
	if m.Back == "" && m.Run != nil {
		var dirs []string
		_ = fs.WalkDir(m.Run.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() && name != "." {
				dirs = append(dirs, name)
			}
			return nil
		})
		for i := len(dirs) - 1; i >= 0; i-- {
			_ = m.Run.Remove(dirs[i]) // what is not empty stays
		}
		_ = m.Job.Remove(path.Base(m.run.OutputFolder))
	}
	m.drop(m.Record)
}
