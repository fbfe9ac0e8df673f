package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"spool.internal/events"
	"spool.internal/events/sorting"
	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/process"
)

// Sandbox says whether flows are shut in, so that they see only what they need of the host.
type Sandbox string

const (
	SandboxAuto       Sandbox = events.SandboxAuto // all of it as soon as anybody but administrators may write flows, until then what this host can do
	SandboxRequired   Sandbox = "required"         // New fails when this host cannot do all of it
	SandboxBestEffort Sandbox = "best-effort"      // what this host can do, whoever writes flows
	SandboxOff        Sandbox = "off"              // flows open what the runner may open
)

// openFiles is how many files a process of a flow may have open.
const openFiles = 4096

// Sandboxed reports that flows cannot change their input, whatever its modes say.
func (r *Runner) Sandboxed() bool { return r.room.Shut && r.cfg.hidden.canSandbox() == nil }

// commonRoom is the room that all flows have in common, and what it does not keep them from. It fails when
// more is required than this host can do, or when the settings contradict each other.
func commonRoom(cfg Config, p process.Program) (room cell.Room, lacks []string, err error) {
	room = cell.Room{
		Shut: cfg.Sandbox != SandboxOff, Offline: cfg.Offline, Listen: cfg.Listen,
		Limits: cell.Limits{FileSize: int(cfg.MaxFileSize), Processes: cfg.MaxProcesses, Files: openFiles},
	}
	if cfg.FlowUser != "" {
		room.Form.As = true
		if room.Form.UID, room.Form.GID, err = flowUser(cfg.FlowUser); err != nil {
			return room, nil, events.Faultf(events.Invalid, "flow-user", "%s: %v", cfg.FlowUser, err)
		}
	}
	if why := cfg.hidden.canFilter(); cfg.Offline && why != nil && !room.Shut {
		return room, nil, events.Faultf(events.Unavailable, "runner-network", "this kernel cannot do what is asked for: %s", why.Error())
	}
	if err := commonPaths(cfg, &room); err != nil {
		return room, nil, err
	}
	form, why, err := formOf(p, room, cfg.hidden)
	if err != nil {
		return room, nil, err
	}
	if why != nil {
		cfg.Log.Info("flows share namespaces with the runner", "cause", why.Error())
	}
	room.Form = form
	if room.Filter, err = filterOf(cfg, form, true); err != nil || !room.Shut {
		return room, nil, err
	}
	if lacks = unmet(meansOf(room)); cfg.Offline && len(room.Filter) == 0 {
		lacks = append(lacks, "network: flows use it all the same; it takes seccomp")
	}
	if len(lacks) > 0 && cfg.Sandbox == SandboxRequired {
		return room, nil, events.Faultf(events.Unavailable, "sandbox", "this host cannot do all that is required: %s", strings.Join(lacks, "; "))
	}
	return room, lacks, nil
}

// commonPaths adds the files of the host that flows need.
func commonPaths(cfg Config, room *cell.Room) error {
	room.Run = []string{"/usr", "/bin", "/sbin"}
	libs, _ := filepath.Glob("/lib*") // the pattern is a good one
	room.Run = append(append(room.Run, libs...), cfg.ReadPaths...)
	for _, p := range cfg.ReadPaths {
		if _, err := os.Stat(p); err != nil {
			return events.Faultf(events.Invalid, "runner-read", "%s: %v", p, err)
		}
	}
	room.Read = publicFiles()
	room.Read = append(room.Read, "/dev/random", "/dev/urandom")
	sorting.Stably(room.Read, func(a, b string) int { return strings.Compare(filepath.Dir(a), filepath.Dir(b)) }) // each folder is looked up once
	room.Devices = []string{"/dev/null", "/dev/zero", "/dev/full"}
	if err := cfg.Drives.Clear(slices.Concat(room.Run, room.Read)...); err != nil && room.Shut {
		return events.Faultf(events.Invalid, "runner-read", "flows would read Spool's secrets: %v", err)
	}
	return nil
}

// validate refuses a word that is none of the four.
func (s Sandbox) validate() error {
	switch s {
	case SandboxAuto, SandboxRequired, SandboxBestEffort, SandboxOff:
		return nil
	}
	return fmt.Errorf("%q is not auto, required, best-effort or off", string(s))
}
