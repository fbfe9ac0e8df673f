package stage

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"spool.internal/events"
	"spool.internal/events/drive"
)

// Folder is an open watched folder, confined to its drive.
type Folder struct {
	Drives   *drive.Drives
	Base     events.Path // of the drive, where the stages are
	Root     *os.Root    // the folder
	Dir      *os.File    // the folder, to stat names in it
	ID       Identity
	activity *Activity
}

// Open opens the folder at p, or the directory below it. Links in p are followed as long as they stay in the drive; links
// below p are not followed.
func Open(d *drive.Drives, p events.Path, below string, life *Activity) (*Folder, error) {
	o := &Folder{Drives: d, Base: d.Base(p), activity: life}
	var err error
	if o.Root, err = d.OpenDir(p); err == nil && below != "" {
		err = o.descend(below)
	}
	if err == nil {
		if o.Dir, err = o.Root.Open("."); err == nil {
			var s Stat
			s, err = statOpen(o.Dir)
			o.ID = s.Identity()
		}
	}
	if err != nil {
		o.Close()
		return nil, err
	}
	return o, nil
}

// Close closes the folder.
func (o *Folder) Close() {
	if o.Dir != nil {
		_ = o.Dir.Close()
	}
	if o.Root != nil {
		_ = o.Root.Close()
	}
}

// ErrNoFolder says that what is at the path below a folder is no directory, or no more.
var ErrNoFolder = errors.New("is no folder")

// descend goes to a directory below the folder.
func (o *Folder) descend(below string) error {
	sub, err := o.Drives.Below(o.Root, below)
	if err == nil {
		err = o.Root.Close()
		o.Root = sub
		return err
	}
	if errors.Is(err, drive.ErrLink) || errors.Is(err, drive.ErrChanging) || errors.Is(err, syscall.ENOTDIR) {
		err = fmt.Errorf("%w: %w", ErrNoFolder, err) // any more
	}
	return err
}

// Stat says what a name in the folder is.
func (o *Folder) Stat(name string) (Stat, error) { return statAt(o.Root, o.Dir, name) }
