// Package drive opens logical paths ([events.Path]) in the folders of this host that hold the
// drives.
//
//	drives, err := drive.New("/srv/drives", []string{"ann/repo/fs/Data=/mnt/data"})
//	err = drives.Guard(dataDir)      // no drive may reach Spool's own files
//	f, err := drives.OpenFile(path)  // or OpenDir, OpenPath, Create, Stat
//
// Guarantees:
//
//   - Nothing leaves its drive: neither ".." nor a symbolic link that points
//     outside opens, whoever made it and whenever.
//   - No link leads to what has a reserved name (see [events.Reserved]), and
//     what has one is no link: a path is judged by the real names of what it
//     led to.
//   - No drive lies in the data folder, contains it, or lies in another drive,
//     and none of Spool's secrets is read under another name ([Drives.Guard]).
//     What is open is compared, so that links, mounts and what comes later make
//     no difference. A file of which the host's root mounts a part that lies
//     deeper in the data folder is not recognised.
//   - What is opened is what was judged. Callers keep it open, and give others
//     the descriptor; a name that they open again can lead elsewhere by then.
package drive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
)

// Drives knows where each drive lies on this host.
type Drives struct {
	base  string
	maps  []mapping
	guard *guard
	hosts *hosts
	reach *events.Access // nil = everything

	place  string  // see [Drives.At]
	proofs *proofs // of shared drives
}

type mapping struct {
	prefix events.Path
	dir    string
	shared bool // the same folder at every place
}

// New takes the folder under which drives lie as written
// (base/owner/repo/fs/drive) and mappings "owner/repo/fs/drive[/path]=/host/dir",
// which go before it; those in shared are the same folder at every place. The base folder is created
// when it is absent.
func New(base string, mappings []string, shared ...string) (*Drives, error) {
	d, err := declared(base, mappings, shared)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(d.base, 0o755); err != nil {
		return nil, fmt.Errorf("drives: %w", err)
	}
	return d, nil
}

// Check reports what is wrong with drives as they are declared. It makes and opens
// nothing, and does not wait for a mount that hangs; data is the data folder.
func Check(base, data string, mappings []string, shared ...string) error {
	d, err := declared(base, mappings, shared)
	if err != nil {
		return err
	}
	if d.guard.data, err = filepath.Abs(data); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	files := make(chan error, 1)
	go func() { files <- d.noFiles() }()
	select {
	case err := <-files:
		return errors.Join(err, d.byName())
	case <-time.After(time.Second):
		return d.byName()
	}
}

// noFiles refuses mappings to what is no folder; it may be absent.
func (d *Drives) noFiles() error {
	var faults []error
	for _, m := range d.maps {
		if info, err := os.Stat(m.dir); err == nil && !info.IsDir() {
			faults = append(faults, events.Faultf(events.Invalid, "drive", "%s=%s is no folder: name the folder that holds the files of the drive", m.prefix, m.dir))
		}
	}
	return errors.Join(faults...)
}

func declared(base string, mappings, shared []string) (*Drives, error) {
	base, err := filepath.Abs(base)
	if err != nil {
		return nil, fmt.Errorf("drives: %w", err)
	}
	var faults []error
	d := &Drives{base: base, hosts: &hosts{found: map[events.Path]string{}, missed: map[events.Path]time.Time{}}, proofs: &proofs{ids: map[events.Path]string{}}}
	for _, m := range mappings {
		one, err := readMapping("drive", m)
		faults = append(faults, err)
		d.maps = append(d.maps, one)
	}
	for _, m := range shared {
		one, err := readMapping("shared-drive", m)
		if one.shared = true; slices.ContainsFunc(d.maps, func(o mapping) bool { return o.prefix == one.prefix && o.dir != one.dir }) {
			err = errors.Join(err, events.Faultf(events.Invalid, "shared-drive", "%s is given twice: a drive is either of this machine or shared", one.prefix))
		}
		faults = append(faults, err)
		d.maps = append(d.maps, one)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	d.guard = newGuard(base, d.maps)
	return d, nil
}

func readMapping(field, text string) (mapping, error) {
	prefix, dir, ok := strings.Cut(text, "=")
	if !ok || dir == "" {
		return mapping{}, events.Faultf(events.Invalid, field, "%q has not the form owner/repo/fs/drive=/host/folder", text)
	}
	p, err := events.ParsePath(field, prefix)
	if err != nil {
		return mapping{}, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return mapping{}, fmt.Errorf("%s: %s: %w", field, prefix, err)
	}
	return mapping{prefix: p, dir: dir}, nil
}

// Locate gives the host folder that confines p and p's path below it. The
// mapping with the longest prefix wins.
func (d *Drives) Locate(p events.Path) (root, rel string) {
	root, rel = filepath.Join(d.base, filepath.FromSlash(p.Drive)), p.Rel
	longest := -1
	for _, m := range d.maps {
		if p.Within(m.prefix) && len(m.prefix.Rel) > longest {
			longest = len(m.prefix.Rel)
			root, rel = m.dir, strings.TrimPrefix(strings.TrimPrefix(p.Rel, m.prefix.Rel), "/")
		}
	}
	if longest < 0 {
		if place, dir := d.host(p); dir != "" {
			root, rel = dir, strings.TrimPrefix(strings.TrimPrefix(p.Rel, place.Rel), "/")
		}
	}
	if rel == "" {
		rel = "."
	}
	return root, filepath.FromSlash(rel)
}

// Base is the logical path that the root of [Drives.Locate] stands for.
func (d *Drives) Base(p events.Path) events.Path {
	base := events.Path{Drive: p.Drive}
	for _, m := range d.maps {
		if p.Within(m.prefix) && len(m.prefix.Rel) > len(base.Rel) {
			base = m.prefix
		}
	}
	if base.Rel == "" {
		if place, dir := d.host(p); dir != "" {
			return place
		}
	}
	return base
}

// As gives the drives as a caller with some access may use them: what a path leads to is judged
// as the path itself is. The error is that of [events.Access.Check] for the
// field path.
func (d *Drives) As(reach events.Access) *Drives {
	as := *d
	as.reach = &reach
	return &as
}

// judge refuses a path, or the names below its base that it led to, which may
// not be reached.
func (d *Drives) judge(base events.Path, names ...string) error {
	if d.reach == nil {
		return nil
	}
	return d.reach.Check("path", base.Join(names...))
}

// HostPath is where p lies on this host, for messages and for processes that
// are given a folder. It promises nothing about links, and nothing is opened by
// it that was judged before: [Drives.OpenPath] gives what can be kept.
func (d *Drives) HostPath(p events.Path) string {
	root, rel := d.Locate(p)
	return filepath.Join(root, rel)
}

// Why says in a few words for a person why a path could not be opened.
func (d *Drives) Why(p events.Path, err error) string {
	host := d.HostPath(p)
	switch {
	case errors.Is(err, ErrKept), errors.Is(err, ErrOutside), errors.Is(err, ErrReserved), errors.Is(err, ErrChanging):
		return fmt.Sprintf("cannot be opened (looked at %s): %v", host, err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("does not exist (looked at %s)", host)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("may not be read by this process (looked at %s)", host)
	default:
		return fmt.Sprintf("cannot be opened (looked at %s): %v", host, err)
	}
}

// Reason is the innermost text of an error of the file system, for a person, without
// paths of the host.
func Reason(err error) string {
	if fault, ok := errors.AsType[*fs.PathError](err); ok {
		return fault.Err.Error()
	}
	return err.Error()
}
