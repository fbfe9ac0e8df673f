package cell

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Shared is a folder of which all flows see the same few files, such as /etc: a file system of its
// own, on which those of the host are mounted, once for all flows. It takes a runner that may mount
// where it is, and Linux 6.15; elsewhere each flow has them mounted one by one.
type Shared struct {
	dir   string
	paths []string // in it
	run   []string // what flows see besides

	mu     sync.Mutex
	tree   int // descriptor; -1 = it has not been made
	was    []identity
	beside []string // what links in the folder lead to outside, where it is seen by its own name, too
	cannot error
}

// identity tells a file from another that has taken its name; zero: there was none.
type identity struct{ dev, ino uint64 }

// NewShared shares a folder whose files are among those that flows read; run is what they execute.
func NewShared(dir string, read, run []string) *Shared {
	s := &Shared{dir: dir, run: run, tree: -1}
	for _, path := range read {
		if s.has(path) {
			s.paths = append(s.paths, path)
		}
	}
	return s
}

func (s *Shared) has(path string) bool { return strings.HasPrefix(path, s.dir+"/") }

// Copy puts the folder into a room that is about to be sent: the descriptor goes with it.
func (s *Shared) Copy(room *Room) (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	is := s.look()
	if s.tree < 0 || !slices.Equal(is, s.was) {
		s.forget()
		if s.cannot == nil {
			s.cannot = s.build()
		}
		if s.cannot != nil {
			return nil, s.cannot
		}
		s.was = is
	}
	fd, err := unix.OpenTree(s.tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return nil, err
	}
	room.Shared = s.dir
	room.Read = append(slices.DeleteFunc(slices.Clone(room.Read), s.has), s.beside...)
	return os.NewFile(uintptr(fd), s.dir), nil
}

// Forget has the folder made anew: the mounts of the host have changed.
func (s *Shared) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
}

func (s *Shared) forget() {
	if s.tree >= 0 {
		_ = unix.Close(s.tree)
		s.tree = -1
	}
}

// look says which files have the names now.
func (s *Shared) look() []identity {
	all := make([]identity, len(s.paths))
	for i, path := range s.paths {
		var info unix.Stat_t
		if unix.Stat(path, &info) == nil {
			all[i] = identity{info.Dev, info.Ino}
		}
	}
	return all
}

// build makes the folder, which is mounted nowhere.
func (s *Shared) build() error {
	root, err := newFS("tmpfs", [][2]string{{"mode", "0755"}, {"size", "1m"}})
	if err != nil {
		return err
	}
	defer unix.Close(root)
	var info unix.Stat_t
	if err := unix.Fstat(root, &info); err != nil {
		return err
	}
	v := &view{root: root, dev: info.Dev, host: -1, proc: -1, shm: -1, rules: &ruleset{fd: -1}, in: -1}
	defer v.leaveDir()
	s.beside = nil
	for _, path := range s.paths {
		if err := v.common(path, s.run, given{attr: shared}); err != nil {
			return err
		}
		real, err := filepath.EvalSymlinks(path)
		if err == nil && !s.has(real) && !slices.ContainsFunc(s.run, func(r string) bool { return strings.HasPrefix(real, r+"/") }) {
			s.beside = append(s.beside, real)
		}
	}
	tree, err := unix.OpenTree(root, s.dir[1:], unix.AT_RECURSIVE|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return err
	}
	// What is mounted below a copy must not come to the host.
	err = unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY, Propagation: unix.MS_SLAVE})
	if err != nil {
		return errors.Join(err, unix.Close(tree))
	}
	s.tree = tree
	return nil
}

// addShared shows the folder that all flows share, whose descriptor came with the room.
func (v *view) addShared(dir string, tree *os.File) error {
	at, err := v.place(dir, true)
	if err != nil {
		return fault("mount", dir, err)
	}
	defer unix.Close(at)
	defer tree.Close()
	fd := int(tree.Fd())
	if err := attach(fd, at); err != nil {
		return fault("mount", dir, err)
	}
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return fault("mount", dir, err)
	}
	v.shared = info.Dev
	if err := v.rules.add(fd, mayRead, info.Mode); err != nil {
		return fault("landlock", dir, err)
	}
	return nil
}

func (v *view) isShared(fd int) bool {
	var info unix.Stat_t
	return v.shared != 0 && unix.Fstat(fd, &info) == nil && info.Dev == v.shared
}

// unshare makes a folder of a shared one the flow's own, in which something of its run is to be
// mounted: what is in it is mounted one by one.
func (v *view) unshare(dir string) error {
	kept, err := v.takeOut(dir)
	if err == nil {
		err = unix.Unmount(dir, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	}
	for _, k := range kept {
		if err == nil {
			err = v.rules.allow(k.tree, mayRead)
		}
		if err == nil {
			err = k.putBack(v)
		}
		_ = unix.Close(k.tree)
	}
	v.leaveDir()
	return err
}
