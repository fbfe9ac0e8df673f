package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"spool.internal/events"
	"spool.internal/services/runner/cell"
)

// Sandbox says whether flows are shut in, so that they see of the host only what
// they need.
type Sandbox string

const (
	SandboxRequired   Sandbox = "required"    // New fails when this kernel cannot do all of it
	SandboxBestEffort Sandbox = "best-effort" // what this kernel can do; the log says what is missing
	SandboxOff        Sandbox = "off"         // flows open what the runner may open
)

// openFiles is how many files a process of a flow may have open.
const openFiles = 4096

// Sandboxed reports that flows cannot change their input, whatever its modes say.
func (r *Runner) Sandboxed() bool { return r.room.Shut && r.cfg.hidden.canSandbox() == nil }

// commonRoom is what all flows have in common. It fails when bounds are required
// and cannot be had, and tells what is missing when they are wanted.
func commonRoom(cfg Config, p program) (room cell.Room, missing error, err error) {
	room = cell.Room{
		Shut: cfg.Sandbox != SandboxOff, Offline: cfg.Offline,
		Limits: cell.Limits{FileSize: int(cfg.MaxFileSize), Processes: cfg.MaxProcesses, Files: openFiles},
	}
	if cfg.FlowUser != "" {
		room.Form.As = true
		if room.Form.UID, room.Form.GID, err = flowUser(cfg.FlowUser); err != nil {
			return room, nil, events.Faultf(events.Invalid, "flow-user", "%s: %v", cfg.FlowUser, err)
		}
	}
	if room.Shut {
		missing = cfg.hidden.canSandbox()
	}
	if room.Offline {
		missing = errors.Join(missing, cfg.hidden.canFilter())
	}
	if missing != nil && (cfg.Sandbox == SandboxRequired || cfg.Sandbox == SandboxOff) {
		return room, nil, events.Faultf(events.Unavailable, "sandbox", "this kernel cannot do what is asked for: %s",
			strings.ReplaceAll(missing.Error(), "\n", "; "))
	}
	if err := commonPaths(cfg, &room); err != nil {
		return room, nil, err
	}
	form, lacks, err := formOf(p, room, cfg.hidden)
	if err != nil {
		return room, nil, err
	}
	if lacks != nil {
		cfg.Log.Info("flows share namespaces with the runner", "cause", lacks.Error())
	}
	room.Form = form
	room.Filter, err = filterOf(cfg, form)
	return room, missing, err
}

// commonPaths are the files of the host that flows cannot do without.
func commonPaths(cfg Config, room *cell.Room) error {
	room.Run = []string{"/usr", "/bin", "/sbin"}
	libs, _ := filepath.Glob("/lib*") // the pattern is a good one
	room.Run = append(append(room.Run, libs...), cfg.ReadPaths...)
	for _, p := range cfg.ReadPaths {
		if _, err := os.Stat(p); err != nil {
			return events.Faultf(events.Invalid, "runner-read", "%s: %v", p, err)
		}
	}
	for _, name := range []string{"ld.so.cache", "ca-certificates", "passwd", "group", "hosts", "resolv.conf", "nsswitch.conf", "localtime", "alternatives"} {
		room.Read = append(room.Read, "/etc/"+name)
	}
	ssl, _ := os.ReadDir("/etc/ssl") // where there is none there is nothing to read
	for _, e := range ssl {
		if e.Name() != "private" { // keys, not certificates
			room.Read = append(room.Read, "/etc/ssl/"+e.Name())
		}
	}
	room.Read = append(room.Read, "/dev/random", "/dev/urandom")
	room.Devices = []string{"/dev/null", "/dev/zero", "/dev/full"}
	for _, p := range slices.Concat(room.Run, room.Read) {
		if err := cfg.Drives.Clear(p); err != nil && room.Shut {
			return events.Faultf(events.Invalid, "runner-read", "flows would read Spool's secrets: %v", err)
		}
	}
	return nil
}

// validate refuses a word that is none of the three.
func (s Sandbox) validate() error {
	switch s {
	case SandboxRequired, SandboxBestEffort, SandboxOff:
		return nil
	}
	return fmt.Errorf("%q is not required, best-effort or off", string(s))
}
