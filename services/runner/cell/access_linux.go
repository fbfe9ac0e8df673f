package cell

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// mostLookedAt is how many files of an input are looked at before a flow begins.
const mostLookedAt = 10_000

// canUse says what a flow may not use of its places, though the runner gave it: it
// is somebody with fewer rights. Called by whom the flow will be.
func (f Form) canUse(places []Place) error {
	for _, p := range places {
		mode, verb := uint32(unix.R_OK), "read"
		switch p.Access {
		case Run:
			mode, verb = unix.R_OK|unix.X_OK, "executed"
		case Write:
			mode, verb = unix.R_OK|unix.W_OK|unix.X_OK, "written to"
			if p.Granted && !isFolder(p.Path) {
				mode = unix.R_OK | unix.W_OK
			}
		case Connect:
			mode, verb = unix.W_OK, "connected to"
			if isFolder(p.Path) {
				mode = unix.X_OK
			}
		}
		if err := unix.Access(p.Path, mode); err != nil {
			return f.refused(p.Path, verb, err)
		}
		if p.Access != Read || p.Granted {
			continue
		}
		left := mostLookedAt
		if err := f.canReadAll(p.Path, &left); err != nil {
			return err
		}
	}
	return nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// canReadAll looks for what may not be read below a folder.
func (f Form) canReadAll(dir string, left *int) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return f.refused(dir, "read", err)
	}
	for _, e := range entries {
		if *left--; *left < 0 {
			return nil
		}
		path := dir + "/" + e.Name()
		switch {
		case e.IsDir():
			if err := unix.Access(path, unix.R_OK|unix.X_OK); err != nil {
				return f.refused(path, "read", err)
			}
			if err := f.canReadAll(path, left); err != nil {
				return err
			}
		case e.Type().IsRegular():
			if err := unix.Access(path, unix.R_OK); err != nil {
				return f.refused(path, "read", err)
			}
		}
	}
	return nil
}

// refused names the file, and the folder on the way to it that bars it, if one does.
func (f Form) refused(path, verb string, err error) error {
	if !errors.Is(err, unix.EACCES) {
		return fault("access", path, err)
	}
	for i := 1; i < len(path); i++ {
		if path[i] == '/' && unix.Access(path[:i], unix.X_OK) != nil {
			return errors.New(path + " may not be " + verb + " by " + f.who() + ", who may not enter " + path[:i] +
				": chmod o+x it, or keep the drive elsewhere (--drive)")
		}
	}
	bit := "r"
	if verb == "written to" {
		bit = "w"
	} else if verb == "executed" {
		bit = "rx"
	}
	return errors.New(path + " may not be " + verb + " by " + f.who() + ": chown it to that user, or chmod o+" + bit + " it")
}

// who names the flow's user for people.
func (f Form) who() string {
	who := "the flow's user (uid " + strconv.Itoa(os.Getuid()) + ")"
	if f.Drop && !f.As {
		who = strings.TrimSuffix(who, ")") + ", without root's capabilities)"
	}
	return who
}
