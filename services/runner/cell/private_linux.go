package cell

import (
	"os"

	"golang.org/x/sys/unix"
)

// How much of the memory a flow may keep in /dev/shm: what shares memory between
// processes takes some, and the host is not to run out of it. Where the memory of a
// flow is bounded this counts, too.
const (
	shmSize  = "512m"
	shmFiles = "65536"
)

// mountShm makes a /dev/shm that is the flow's alone: semaphores and shared memory
// of POSIX are files there.
func (v *view) mountShm() error {
	shm, err := newFS("tmpfs", [][2]string{{"mode", "1777"}, {"size", shmSize}, {"nr_inodes", shmFiles}})
	if err != nil {
		return err
	}
	defer unix.Close(shm)
	at, err := v.place("/dev/shm", true)
	if err != nil {
		return err
	}
	defer unix.Close(at)
	if err := attach(shm, at); err != nil {
		return err
	}
	return v.rules.allow(shm, mayWrite)
}

// attach mounts a tree on what a descriptor stands for.
func attach(tree, at int) error {
	return unix.MoveMount(tree, "", at, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
}

// mountProc shows the processes of the flow and nothing else of the kernel but [told].
func (v *view) mountProc() error {
	at, err := v.place("/proc", true)
	if err != nil {
		return err
	}
	defer unix.Close(at)
	proc, err := v.wholeProc(at)
	if err != nil {
		if proc, err = newProc([][2]string{{"subset", "pid"}, {"hidepid", "ptraceable"}}, at); err != nil {
			return err
		}
	}
	v.proc = proc
	if err := v.rules.allow(proc, mayRead); err != nil {
		return err
	}
	for name, target := range map[string]string{"fd": "fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"} {
		if err := v.link("/dev/"+name, "/proc/self/"+target); err != nil {
			return err
		}
	}
	return nil
}

// newProc mounts a /proc that is read-only.
func newProc(options [][2]string, at int) (int, error) {
	proc, err := newFS("proc", options)
	if err != nil {
		return -1, err
	}
	err = unix.MountSetattr(proc, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
	if err == nil {
		err = attach(proc, at)
	}
	if err != nil {
		_ = unix.Close(proc)
	}
	return proc, err
}

// showTmp shows the private folder of a flow as /tmp, too. What is shown below /tmp
// anyhow, where a drive may lie, stays there.
func (v *view) showTmp(cmd *Command, mounts []mounting) error {
	for _, m := range mounts {
		if m.index != cmd.Tmp || cmd.Tmp == 0 || !m.asked {
			continue
		}
		kept, err := v.takeOut("/tmp")
		if err != nil {
			return fault("mount", "/tmp", err)
		}
		if m.at = "/tmp"; m.Path != m.at {
			err = v.show(m)
		}
		for _, k := range kept {
			if err == nil {
				err = k.putBack(v)
			}
			_ = unix.Close(k.tree)
		}
		return err
	}
	return nil
}

// subtree is something in the view that is on its way to where it was.
type subtree struct {
	path   string
	tree   int // descriptor
	folder bool
}

// takeOut copies the mounts below a folder of the view, one by one. Folders that are
// there for them alone can be written to by nobody.
func (v *view) takeOut(dir string) (all []subtree, err error) {
	at, err := v.place(dir, true)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Openat(at, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	_ = unix.Close(at)
	if err != nil {
		return nil, err
	}
	folder := os.NewFile(uintptr(fd), dir)
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		tree, err := unix.OpenTree(fd, name, unix.AT_RECURSIVE|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if err != nil {
			return all, err
		}
		var info unix.Stat_t
		if err := unix.Fstat(tree, &info); err != nil {
			return all, err
		}
		if info.Dev == v.dev {
			if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}); err != nil {
				return all, err
			}
		}
		all = append(all, subtree{dir + "/" + name, tree, info.Mode&unix.S_IFMT == unix.S_IFDIR})
	}
	return all, nil
}

func (s subtree) putBack(v *view) error {
	if err := v.put(s.tree, s.path, s.folder); err != nil {
		return fault("mount", s.path, err)
	}
	return nil
}
