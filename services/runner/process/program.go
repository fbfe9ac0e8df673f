package process

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"

	"spool.internal/events/atomicfile"
	"spool.internal/services/runner/built"
	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/cgroup"
)

// Program is what the processes of flows are started from: a small program that spool
// carries, or spool itself.
type Program struct {
	Path string
	file *os.File // whose descriptor path names; nil when path is a file of its own
	from string   // for people

	Groups *cgroup.Groups // in which flows are started; nil where there are none
	Shared *cell.Shared   // what all flows see; nil where there is nothing
}

// New finds a place from which the small program may be executed: memory or the data
// folder. Without one it is spool itself, which takes some milliseconds longer to start.
func New(dataDir string) (Program, error) {
	text, err := built.Files.Open("gate_" + runtime.GOOS + "_" + runtime.GOARCH)
	var why error
	if err == nil {
		for _, place := range []func(io.Reader, string) (Program, error){inMemory, inFolder} {
			p, err := place(io.NewSectionReader(text.(io.ReaderAt), 0, math.MaxInt64), dataDir)
			if err == nil {
				if err = p.Try(); err == nil {
					return p, nil
				}
				p.Close()
			}
			why = errors.Join(why, err)
		}
	}
	self, err := executable()
	if err != nil {
		return Program{}, errors.Join(why, err)
	}
	return Program{Path: self, from: "spool itself"}, nil
}

// inFolder writes the program into the data folder.
func inFolder(text io.Reader, dataDir string) (Program, error) {
	path := filepath.Join(dataDir, "gate")
	whole, err := io.ReadAll(text)
	if err == nil {
		err = atomicfile.Write(path, whole, 0o500)
	}
	if err != nil {
		return Program{}, err
	}
	return Program{Path: path, from: path}, nil
}

// Try says why the program cannot be executed.
func (p Program) Try() error { return p.tryIn(nil) }

func (p Program) tryIn(m *cgroup.Group) error {
	proc, err := os.StartProcess(p.Path, []string{cell.Name, cell.Try}, &os.ProcAttr{Env: cell.Environment, Sys: m.In(ownGroup())})
	if err != nil {
		return err
	}
	state, err := proc.Wait()
	if err == nil && state.ExitCode() != cell.Language {
		err = fmt.Errorf("%s: %s, which is not the program of this spool", p.from, state)
	}
	return err
}

// BoundMemory bounds the memory of each flow started from p, all its processes together.
// The error says why it cannot.
func (p *Program) BoundMemory(bytes int64) error { return p.startIn(cgroup.Memory(bytes)) }

// BoundProcessor bounds the processor time of each flow started from p.
func (p *Program) BoundProcessor(cores float64) error { return p.startIn(cgroup.Processor(cores)) }

// startIn has flows start in groups, if a process can be started in one.
func (p *Program) startIn(g *cgroup.Groups, err error) error {
	if err != nil {
		return err
	}
	trial, err := g.New()
	if err != nil {
		return err
	}
	defer trial.Close()
	if err := p.tryIn(trial); err != nil {
		return err
	}
	p.Groups = g
	return nil
}

func (p Program) Close() {
	if p.file != nil {
		_ = p.file.Close()
	}
	if p.Shared != nil {
		p.Shared.Forget()
	}
}
