package cell

import (
	"errors"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// view is a root folder in the making: an empty one, on which what has a rule is
// mounted.
type view struct {
	root int // descriptor
	proc int // descriptor of /proc; -1 = there is none
}

const (
	shared  = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV
	private = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV // of output and TMPDIR
	device  = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC
)

// newView mounts what all flows see. The host's files stay in sight until
// [view.enter].
func newView(r *Room) (*view, error) {
	// What is mounted here stays here; what the host mounts yet comes in.
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return nil, fault("mount", "/", err)
	}
	root, err := newFS("tmpfs", [][2]string{{"mode", "0755"}, {"size", "1m"}})
	if err != nil {
		return nil, fault("mount", "tmpfs", err)
	}
	v := &view{root: root, proc: -1}
	if err := unix.MoveMount(root, "", unix.AT_FDCWD, "/", unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return nil, fault("mount", "tmpfs on /", err)
	}
	for _, group := range []struct {
		paths []string
		attr  uint64
	}{{r.Run, shared}, {r.Read, shared}, {r.Devices, device}} {
		for _, path := range group.paths {
			if err := v.common(path, group.attr); err != nil {
				return nil, err
			}
		}
	}
	if r.Form.Proc {
		_ = v.mountProc() // most containers do not let it be mounted; flows do without
	}
	return v, nil
}

// newFS makes a file system that is mounted nowhere.
func newFS(kind string, options [][2]string) (int, error) {
	fs, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, err
	}
	defer unix.Close(fs)
	for _, o := range options {
		if err := unix.FsconfigSetString(fs, o[0], o[1]); err != nil {
			return -1, err
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, err
	}
	return unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
}

// common shows a file or folder of the host under its name. A link to something
// that is shown anyhow stays one.
func (v *view) common(path string, attr uint64) error {
	if target, err := os.Readlink(path); err == nil && strings.Trim(path, "/") != "" && !strings.Contains(path[1:], "/") {
		return v.link(path, target) // /bin → usr/bin
	}
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil // what is not there cannot be seen
	}
	defer unix.Close(fd)
	return v.bind(fd, path, attr, -1)
}

func (v *view) link(path, target string) error {
	err := unix.Symlinkat(target, v.root, strings.TrimPrefix(path, "/"))
	if err != nil && err != unix.EEXIST {
		return fault("link", path, err)
	}
	return nil
}

// bind shows what a descriptor stands for under a path. With users, a descriptor of
// a user namespace, the ids of its files are mapped as there.
func (v *view) bind(fd int, path string, attr uint64, users int) error {
	tree, err := unix.OpenTree(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return fault("mount", path, err)
	}
	defer unix.Close(tree)
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return fault("mount", path, err)
	}
	if info.Mode&unix.S_IFMT == unix.S_IFCHR {
		attr = device // reading it is what its rule says
	}
	set := unix.MountAttr{Attr_set: attr}
	if users >= 0 {
		set.Attr_set |= unix.MOUNT_ATTR_IDMAP
		set.Userns_fd = uint64(users)
	}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &set); err != nil {
		return fault("mount", path, err)
	}
	at, err := v.place(path, info.Mode&unix.S_IFMT == unix.S_IFDIR)
	if err != nil {
		return fault("mount", path, err)
	}
	defer unix.Close(at)
	if err := unix.MoveMount(tree, "", at, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH); err != nil {
		return fault("mount", path, err)
	}
	return nil
}

// place opens a path of the view, which is made when it is not there. No link is
// followed: below a folder of a drive somebody may be at work.
func (v *view) place(path string, folder bool) (int, error) {
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	if len(parts) == 0 {
		return -1, errors.New("the root of the host cannot be given to a flow")
	}
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS}
	at, err := unix.Dup(v.root)
	for i, name := range parts {
		if err != nil {
			break
		}
		next, missing := unix.Openat2(at, name, &how)
		if missing == unix.ENOENT {
			if folder || i < len(parts)-1 {
				err = unix.Mkdirat(at, name, 0o755)
			} else {
				err = unix.Mknodat(at, name, unix.S_IFREG|0o644, 0)
			}
			if err == nil {
				next, missing = unix.Openat2(at, name, &how)
			}
		}
		_ = unix.Close(at)
		if err == nil {
			at, err = next, missing
		}
	}
	return at, err
}

// mountProc shows the processes of the flow and nothing else of the kernel.
func (v *view) mountProc() error {
	proc, err := newFS("proc", [][2]string{{"subset", "pid"}, {"hidepid", "ptraceable"}})
	if err != nil {
		return err
	}
	if err := unix.MountSetattr(proc, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}); err != nil {
		return err
	}
	at, err := v.place("/proc", true)
	if err != nil {
		return err
	}
	defer unix.Close(at)
	if err := unix.MoveMount(proc, "", at, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH); err != nil {
		return err
	}
	v.proc = proc
	for name, target := range map[string]string{"fd": "fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"} {
		if err := v.link("/dev/"+name, "/proc/self/"+target); err != nil {
			return err
		}
	}
	return nil
}

// enter shows the places of a run, leaves the host's root behind and makes the new
// one read-only.
func (v *view) enter(places []Place, rights []*os.File) error {
	users := rights[len(places):]
	order := make([]int, len(places)) // outer folders first, else they hide the inner ones
	maps := make([]int, len(places))
	for i, p := range places {
		order[i], maps[i] = i, -1
		if p.Mapped {
			if len(users) == 0 {
				return errWire
			}
			maps[i], users = int(users[0].Fd()), users[1:]
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		pa, pb := places[a], places[b]
		if pa.Path != pb.Path {
			return strings.Compare(pa.Path, pb.Path) // a folder comes before what lies in it
		}
		return int(pa.Access - pb.Access)
	})
	for _, i := range order {
		if err := v.show(places[i], int(rights[i].Fd()), maps[i]); err != nil {
			return err
		}
	}
	if err := unix.Fchdir(v.root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fault("pivot_root", "", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fault("umount", "the host's root", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return err
	}
	return unix.MountSetattr(unix.AT_FDCWD, "/", 0, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
}

// show mounts a place of the run.
func (v *view) show(p Place, judged, users int) error {
	fd, err := again(p, judged)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	attr := uint64(shared)
	if p.Access == Write {
		attr = private
	}
	return v.bind(fd, p.Path, attr, users)
}

// again opens a place in the mount namespace of this process: its descriptor comes
// from another, where nothing can be mounted from. What is not the same file or
// folder is refused.
func again(p Place, judged int) (int, error) {
	fd, err := unix.Openat2(unix.AT_FDCWD, p.Real, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS})
	if err != nil {
		return -1, errors.New(p.Path + " is not there any more: " + err.Error())
	}
	var was, is unix.Stat_t
	err = errors.Join(unix.Fstat(judged, &was), unix.Fstat(fd, &is))
	if err == nil && (was.Dev != is.Dev || was.Ino != is.Ino) {
		err = errors.New(p.Path + " is not what it was: something else has taken its place since the run was judged")
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
