package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"spool.internal/events"
)

// Sandbox says whether flows are shut in, so that they see of the host only what
// they need.
type Sandbox string

const (
	SandboxRequired   Sandbox = "required"    // New fails when this kernel cannot do all of it
	SandboxBestEffort Sandbox = "best-effort" // what this kernel can do; the log says what is missing
	SandboxOff        Sandbox = "off"         // flows open what the runner may open
)

// bounds are what flows may do. The gate sets them before the flow begins, and
// nothing that descends from it can widen them.
type bounds struct {
	Sandbox bool     // of the file system, only what follows
	Run     []string // to read and execute
	Read    []string // to read
	Write   []string // to read and write, but not execute
	Devices []string // to read and write
	Offline bool     // no sockets
	Limits  limits
}

// limits bound what a flow uses up; 0 leaves what the runner has.
type limits struct {
	FileSize  uint64 // bytes of one file
	Processes uint64 // of the user, all of them; the kernel does not hold root to it
	Files     uint64 // open at once in a process
}

// openFiles is how many files a process of a flow may have open.
const openFiles = 4096

// Sandboxed reports that flows cannot change their input, whatever its modes say.
func (r *Runner) Sandboxed() bool { return r.bounds.Sandbox && canSandbox() == nil }

// commonBounds are those of all flows. It fails when they are required and
// cannot be had, and tells what is missing when they are wanted.
func commonBounds(cfg Config) (b bounds, missing error, err error) {
	b = bounds{
		Sandbox: cfg.Sandbox != SandboxOff, Offline: cfg.Offline,
		Limits: limits{FileSize: uint64(cfg.MaxFileSize), Processes: uint64(cfg.MaxProcesses), Files: openFiles},
	}
	if b.Sandbox {
		missing = canSandbox()
	}
	if b.Offline {
		missing = errors.Join(missing, canGoOffline())
	}
	if missing != nil && (cfg.Sandbox == SandboxRequired || cfg.Sandbox == SandboxOff) {
		return b, nil, events.Faultf(events.Unavailable, "sandbox", "this kernel cannot do what is asked for: %s",
			strings.ReplaceAll(missing.Error(), "\n", "; "))
	}
	b.Run = []string{"/usr", "/bin", "/sbin"}
	libs, _ := filepath.Glob("/lib*") // the pattern is a good one
	b.Run = append(append(b.Run, libs...), cfg.ReadPaths...)
	for _, p := range cfg.ReadPaths {
		if _, err := os.Stat(p); err != nil {
			return b, nil, events.Faultf(events.Invalid, "runner-read", "%s: %v", p, err)
		}
	}
	for _, name := range []string{"ld.so.cache", "ca-certificates", "passwd", "group", "hosts", "resolv.conf", "nsswitch.conf", "localtime", "alternatives"} {
		b.Read = append(b.Read, "/etc/"+name)
	}
	ssl, _ := os.ReadDir("/etc/ssl") // where there is none there is nothing to read
	for _, e := range ssl {
		if e.Name() != "private" { // keys, not certificates
			b.Read = append(b.Read, "/etc/ssl/"+e.Name())
		}
	}
	b.Read = append(b.Read, "/dev/random", "/dev/urandom")
	b.Devices = []string{"/dev/null", "/dev/zero", "/dev/full"}
	return b, missing, nil
}

// validate refuses a word that is none of the three.
func (s Sandbox) validate() error {
	switch s {
	case SandboxRequired, SandboxBestEffort, SandboxOff:
		return nil
	}
	return fmt.Errorf("%q is not required, best-effort or off", string(s))
}
