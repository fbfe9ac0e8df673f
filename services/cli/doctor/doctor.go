// Package doctor looks at what only a machine itself can see of Spool: the data folder and
// who may read it, disks, limits of the kernel, the clock, time zones, certificates, and what
// keeps flows in. It says each in a line of package events/system, as a server says the rest.
//
// It changes nothing, and needs no server. What cannot be seen is said to be unknown, which
// is not wrong.
//
// In:  files of the data folder by their modes, /proc, the clock.
// Out: nothing. It is not on NATS.
package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"spool.internal/events/reserve"
	"spool.internal/events/system"
	"spool.internal/services/daemon/machine"
)

// Options say where to look. Fields without a default are required.
type Options struct {
	Data        string                   // data folder of a server of this machine; empty = there is none
	Drives      string                   // folder of the drives; empty = drives in the data folder
	Certificate string                   // PEM file of the listener; empty = none
	Lacks       func() ([]string, error) // what flows could not be kept from on this host
	Now         func() time.Time         // nil: the clock
}

// Look gives the lines of this machine.
func Look(o Options) []system.Line {
	if o.Now == nil {
		o.Now = time.Now
	}
	var lines []system.Line
	if o.Data != "" {
		if o.Drives == "" {
			o.Drives = filepath.Join(o.Data, "drives")
		}
		lines = o.folder()
	}
	watches, instances := machine.InotifyOfUser()
	if watches.Limit > 0 {
		lines = append(lines, ofUser(system.Watches(watches)), ofUser(system.Instances(instances)))
	}
	if open := machine.Descriptors("self"); open.Limit > 0 {
		lines = append(lines, fewFiles(open.Limit))
	}
	lines = append(lines, timeService(machine.Synchronized()), zones(machine.TZData()))
	if o.Certificate != "" {
		lines = append(lines, certificate(o.Certificate, o.Now()))
	}
	lines = append(lines, sandbox(o.Lacks))
	host, _ := os.Hostname()
	for i := range lines {
		lines[i].Host = host
	}
	return lines
}

func ofUser(l system.Line) system.Line {
	l.Name += " of this user"
	return l
}

// folder looks at the data folder, what lies in it, and the disk below it.
func (o Options) folder() []system.Line {
	info, err := os.Stat(o.Data)
	if err != nil || !info.IsDir() {
		return []system.Line{noFolder(o.Data, err)}
	}
	loose, err := readable(o.Data)
	lines := []system.Line{access(o.Data, loose, err)}
	lines = append(lines, system.Disk(machine.Disk("store", o.Data, reserve.New(o.Data, 0).Bytes())))
	drives := system.Disk(machine.Disk("drives", o.Drives, 0))
	if info, err := os.Stat(o.Drives); err == nil && info.IsDir() {
		if err := reserve.Writable(o.Drives); err != nil {
			drives.State, drives.Means = system.Failed, "Nothing can be stored there by this user."
			drives.Todo, drives.Detail = "Give the folder to the user that Spool runs as, or mount it for writing.", err.Error()
		}
	}
	return append(lines, drives)
}

func noFolder(dir string, err error) system.Line {
	l := system.Line{Name: "data folder", Kind: system.KindData, State: system.Failed, Detail: dir, Means: "It is not there, or cannot be looked at."}
	l.Todo = "Name that of the server by --data."
	switch {
	case err == nil:
		l.Means = "It is no folder."
	case !errors.Is(err, fs.ErrNotExist):
		l.Detail = err.Error()
	}
	return l
}

// maxNamed is how many files a line names.
const maxNamed = 5

// readable lists what others than its owner may read in a data folder. The folder itself
// keeps them out of all of it; its files have secrets, and are listed when it does not. The
// drives are for others.
func readable(dir string) (loose []string, err error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil, nil
	}
	loose = append(loose, fmt.Sprintf("%s (%#o)", dir, info.Mode().Perm()))
	all, err := os.ReadDir(dir)
	for _, e := range all {
		info, fault := e.Info()
		if fault != nil || e.Name() == "drives" || info.Mode()&fs.ModeSymlink != 0 {
			continue
		}
		if info.Mode().Perm()&0o077 != 0 {
			loose = append(loose, fmt.Sprintf("%s (%#o)", e.Name(), info.Mode().Perm()))
		}
	}
	return loose, err
}

// access judges who may read the data folder.
func access(dir string, loose []string, err error) system.Line {
	l := system.Line{Name: "data folder", Kind: system.KindData, State: system.OK, Means: "Only its owner may look into it.", Detail: dir}
	switch {
	case err != nil:
		l.State, l.Means, l.Detail = system.Unknown, "Who may look into it cannot be told.", err.Error()
		l.Todo = "Run this as the user that the server runs as."
	case len(loose) == 1:
		l.State, l.Means, l.Detail = system.Warning, "Others than its owner may look into it, though not into its files.", loose[0]
		l.Todo = "chmod 700 the data folder."
	case len(loose) > 1:
		l.State = system.Failed
		l.Means = fmt.Sprintf("Others than its owner may read %d of its files: they hold tokens, keys and everything that is stored.", len(loose)-1)
		l.Detail = strings.Join(loose[:min(len(loose), maxNamed)], ", ")
		l.Todo = "chmod 700 the data folder and chmod 600 its files; then revoke the tokens that could be read: spool token list."
	}
	return l
}

// fewest is how many files a process should be allowed to have open.
const fewest = 4096

// fewFiles judges the limit of open files that a server started here would have.
func fewFiles(limit int64) system.Line {
	l := system.Line{Name: "limit of open files here", Kind: system.KindDescriptors, State: system.OK, Means: fmt.Sprintf("A server started here may have %d open files.", limit)}
	if limit < fewest {
		l.State = system.Warning
		l.Means += fmt.Sprintf(" Each connection, watched folder and run takes some; below %d there are not many.", fewest)
		l.Todo = "Raise it: LimitNOFILE of its unit, or ulimit -n."
	}
	return l
}

// timeService says whether something sets the clock of this machine.
func timeService(known, synchronized bool, within time.Duration) system.Line {
	l := system.Line{Name: "time service", Kind: system.KindClock, State: system.OK}
	switch {
	case !known:
		l.State, l.Means = system.Unknown, "Whether anything sets the clock of this machine cannot be told."
	case !synchronized:
		l.State, l.Means = system.Unknown, "The kernel does not know of a time service that sets the clock; in a container the host may have one."
		l.Todo = "Have chrony or systemd-timesyncd set the clock."
	case within > time.Second:
		l.State, l.Means = system.Warning, fmt.Sprintf("A time service sets the clock, but it may be wrong by %s.", within.Round(time.Millisecond))
		l.Todo = "See whether the time service reaches its servers (chronyc tracking, timedatectl)."
	default:
		l.Means = fmt.Sprintf("A time service keeps the clock right within %s.", max(within.Round(time.Millisecond), time.Millisecond))
	}
	return l
}

func zones(version string) system.Line {
	return system.Line{Name: "time zones here", Kind: system.KindTZData, State: system.OK, Means: "The rules are those of " + version + "."}
}

func certificate(file string, now time.Time) system.Line {
	ends, err := machine.CertificateEnds(file)
	if err != nil {
		return system.Line{
			Name: "certificate", Kind: system.KindCertificate, State: system.Failed, Means: "Its file cannot be read.", Detail: err.Error(),
			Todo: "Name the certificate of the server by --tls-cert, as PEM.",
		}
	}
	l := system.Certificate(ends, now)
	l.Detail = file
	return l
}

// sandbox says what keeps flows in on this host.
func sandbox(look func() ([]string, error)) system.Line {
	l := system.Line{Name: "sandbox of this host", Kind: system.KindSandbox, State: system.OK, Means: "This kernel and user can keep flows in completely."}
	if look == nil {
		l.State, l.Means = system.Unknown, "Not looked at."
		return l
	}
	lacks, err := look()
	switch {
	case err != nil:
		l.State, l.Means, l.Detail = system.Unknown, "What this host can do could not be tried out.", err.Error()
	case len(lacks) > 0:
		l.State = system.Warning
		var names []string
		for _, lack := range lacks {
			name, _, _ := strings.Cut(lack, ":")
			names = append(names, name)
		}
		l.Means = "Flows of others than administrators do not run here, unless --sandbox best-effort allows it: " + strings.Join(slices.Compact(names), ", ") + " cannot be kept."
		l.Detail = strings.Join(lacks, "; ")
		l.Todo = "Give Spool what the detail names: a newer kernel, user namespaces, root, or --flow-user."
	}
	return l
}
