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

// sharedDir is a folder of which flows see some dozens of files.
const sharedDir = "/etc"

// Shared makes the roots of flows while their guards start. What flows see of [sharedDir] is a file
// system of its own, on which the files of the host are mounted once, and of which each root gets a
// copy. It takes a runner that may mount where it is, and Linux 6.15; elsewhere guards make all of
// their roots.
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

// NewShared shares what flows of a room see.
func NewShared(room Room) *Shared { return shareIn(sharedDir, room) }

func shareIn(dir string, room Room) *Shared {
	s := &Shared{dir: dir, run: room.Run, tree: -1}
	for _, path := range room.Read {
		if s.has(path) {
			s.paths = append(s.paths, path)
		}
	}
	return s
}

func (s *Shared) has(path string) bool { return strings.HasPrefix(path, s.dir+"/") }

// Root makes the root of a flow, and the rules of what it holds, for a room that is about to be
// sent: they go with it.
func (s *Shared) Root(room *Room) (made []*os.File, err error) {
	tree, beside, err := s.copy()
	if err != nil {
		return nil, err
	}
	defer unix.Close(tree)
	rules, err := newRules(room, -1)
	if err != nil {
		return nil, err
	}
	v, err := newRoot(rules, -1)
	if err == nil {
		made = append(made, os.NewFile(uintptr(v.root), "root"))
		err = v.addShared(s.dir, tree)
	}
	if rules.fd >= 0 {
		made = append(made, os.NewFile(uintptr(rules.fd), "rules"))
	}
	if err == nil {
		own := *room
		own.Read = append(slices.DeleteFunc(slices.Clone(room.Read), s.has), beside...)
		err = v.furnish(&own)
	}
	if err != nil {
		for _, f := range made {
			_ = f.Close()
		}
		return nil, err
	}
	room.Run, room.Read, room.Devices = nil, nil, nil // they are there
	return made, nil
}

// copy copies the folder, as the host has it now.
func (s *Shared) copy() (tree int, beside []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	is := s.look()
	if s.tree < 0 || !slices.Equal(is, s.was) {
		s.forget()
		if s.cannot == nil {
			s.cannot = s.build()
		}
		if s.cannot != nil {
			return -1, nil, s.cannot
		}
		s.was = is
	}
	tree, err = unix.OpenTree(s.tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	return tree, s.beside, err
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
	v, err := newRoot(&ruleset{fd: -1}, -1)
	if err != nil {
		return err
	}
	defer unix.Close(v.root)
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
	tree, err := unix.OpenTree(v.root, s.dir[1:], unix.AT_RECURSIVE|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return err
	}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}); err != nil {
		return errors.Join(err, unix.Close(tree))
	}
	s.tree = tree
	return nil
}

// addShared shows the folder that all flows share.
func (v *view) addShared(dir string, tree int) error {
	at, err := v.place(dir, true)
	if err != nil {
		return fault("mount", dir, err)
	}
	defer unix.Close(at)
	if err := attach(tree, at); err != nil {
		return fault("mount", dir, err)
	}
	if err := v.rules.add(tree, mayRead, unix.S_IFDIR); err != nil {
		return fault("landlock", dir, err)
	}
	return nil
}

// isShared reports whether a folder of the view is part of what all flows share.
func (v *view) isShared(fd int, parts []string) bool {
	path, info := "/"+strings.Join(parts, "/"), unix.Stat_t{}
	if path != sharedDir && !strings.HasPrefix(path, sharedDir+"/") {
		return false
	}
	if v.shared == 0 && unix.Fstatat(v.root, sharedDir[1:], &info, 0) == nil && info.Dev != v.dev {
		v.shared = info.Dev
	}
	return unix.Fstat(fd, &info) == nil && info.Dev == v.shared
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
