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

// Guard keeps the drives out of a data folder, and the secrets in it and in
// other files from being read through any drive. It refuses drives that are
// known now and lie in that folder, contain it, or lie in one another; what
// comes later is refused when it is opened.
func (d *Drives) Guard(data string, secrets ...string) error {
	data, err := filepath.Abs(data)
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	d.guard.data = data
	for _, file := range secrets {
		if file, err = filepath.Abs(file); err == nil {
			d.guard.secrets = append(d.guard.secrets, file)
		}
	}
	if err := d.byName(); err != nil {
		return err
	}
	found := make(chan error, 1)
	go func() { found <- d.openAll() }()
	select {
	case err := <-found:
		return err
	case <-time.After(guardPatience):
		return nil // a mount hangs; what is on it is judged when it is opened
	}
}

const guardPatience = 5 * time.Second

// byName compares mappings as they are written: they may have no folder yet.
func (d *Drives) byName() error {
	data := d.guard.data
	if isIn(d.base, data) && d.base != filepath.Join(data, drivesDir) {
		return events.Faultf(events.Invalid, "drives", "%s lies in the data folder %s: choose a folder elsewhere, or none for %s", d.base, data, drivesDir)
	}
	for _, m := range d.maps {
		for _, o := range d.maps {
			if m.dir != o.dir && isIn(m.dir, o.dir) {
				return events.Faultf(events.Invalid, "drive", "%s=%s lies inside the drive %s=%s: give it a folder of its own", m.prefix, m.dir, o.prefix, o.dir)
			}
		}
		in := isIn(m.dir, data) && !isIn(m.dir, filepath.Join(data, drivesDir)) && m.dir != filepath.Join(data, demoDir)
		if in || isIn(data, m.dir) {
			return events.Faultf(events.Invalid, "drive", "%s=%s contains the data folder %s or lies in it: give it a folder of its own", m.prefix, m.dir, data)
		}
	}
	return nil
}

// isIn reports that a path is dir or lies below it.
func isIn(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// openAll opens every drive that is there, twice: so that each is compared with
// all others.
func (d *Drives) openAll() error {
	dirs, _ := filepath.Glob(filepath.Join(d.base, "*", "*", "fs", "*")) // the pattern is right
	for _, m := range d.maps {
		dirs = append(dirs, m.dir)
	}
	for range 2 {
		for _, dir := range dirs {
			root, err := os.OpenRoot(dir)
			if err != nil {
				continue // it does not exist, is no folder or cannot be read: that is reported when it is used
			}
			err = d.guard.judge(root, dir)
			if err = errors.Join(err, root.Close()); err != nil {
				return events.Faultf(events.Invalid, "drive", "%s", strings.TrimPrefix(err.Error(), ErrKept.Error()+": "))
			}
		}
	}
	return nil
}

// Clear refuses files and folders of this host that others are to read, if one
// holds or is a secret of Spool's. One that is not there is nobody's.
func (d *Drives) Clear(paths ...string) error {
	if d.guard.data == "" {
		return nil
	}
	var secrets []fs.FileInfo // looked at once: at a start there are hundreds of paths
	for _, file := range d.guard.files() {
		if info, err := os.Stat(file); err == nil {
			secrets = append(secrets, info)
		}
	}
	data := d.guard.dataNow()
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil: // reported when it is used
		case !info.IsDir():
			if slices.ContainsFunc(secrets, func(s fs.FileInfo) bool { return os.SameFile(info, s) }) {
				return ErrKept
			}
		default:
			if line, ok := lookAt(path); ok {
				if err := data.beside(line, path); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
