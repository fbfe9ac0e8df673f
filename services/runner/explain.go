package runner

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"spool.internal/events"
	exe "spool.internal/events/executable"
	"spool.internal/services/runner/process"
)

// The exit status of a warm process that cannot become its flow, as of a shell.
const (
	cannotExecute = 126
	notFound      = 127
)

// explain says why the kernel did not start the binary of an attempt, where its
// first bytes tell; other messages stay as they are.
func (r *Runner) explain(a *attempt, f *process.Flow, message string) string {
	status := f.State.ExitStatus()
	if !f.State.Exited() || status != cannotExecute && status != notFound || a.command() != nil {
		return message
	}
	p, err := events.ParsePath("binary_path", a.run.BinaryPath)
	if err != nil {
		return message
	}
	file, err := r.drives.OpenFile(p)
	if err != nil {
		return message
	}
	defer file.Close()
	head := make([]byte, exe.HeadSize)
	n, err := io.ReadFull(file, head)
	if err != nil && n == 0 && err != io.EOF {
		return message
	}
	machine := r.machine()
	if machine.Reads != nil {
		machine.Reads = slices.Concat(machine.Reads, a.granted.Run)
	}
	why := machine.Why(head[:n])
	if why == "" {
		return message
	}
	return p.String() + " " + why + "; " + message
}

// machine is the host as flows see it.
func (r *Runner) machine() exe.Host {
	return exe.Host{
		OS: runtime.GOOS, Arch: runtime.GOARCH, Path: filepath.SplitList(flowPath()), Reads: r.reads(),
		Exists: func(path string) error { _, err := os.Stat(path); return err },
	}
}

// reads are the paths outside of a run's own that flows may read and execute; nil:
// they are not shut in.
func (r *Runner) reads() []string {
	if !r.room.Shut {
		return nil
	}
	return r.room.Run
}
