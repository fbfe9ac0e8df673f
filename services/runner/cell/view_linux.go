package cell

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// view is a root folder in the making: an empty one, on which what has a rule is
// mounted.
type view struct {
	root int // descriptor
	proc int // descriptor of /proc; -1 = there is none
	shm  int // descriptor of /dev/shm
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
	v := &view{root: root, proc: -1, shm: -1}
	if err := unix.MoveMount(root, "", unix.AT_FDCWD, "/", unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return nil, fault("mount", "tmpfs on /", err)
	}
	for _, group := range []struct {
		paths []string
		attr  uint64
	}{{r.Run, shared}, {r.Read, shared}, {r.Devices, device}} {
		for _, path := range group.paths {
			if err := v.common(path, r.Run, group.attr); err != nil {
				return nil, err
			}
		}
	}
	if r.Form.Shm {
		if err := v.mountShm(); err != nil {
			return nil, fault("mount", "/dev/shm", err)
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

// common shows a file or folder of the host under its name, and under its real one
// where a link led to it. A link into what is shown anyhow stays one: /bin → usr/bin.
func (v *view) common(path string, shown []string, attr uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil // what is not there cannot be seen
	}
	defer unix.Close(fd)
	real, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil || real == path {
		return v.bind(fd, path, attr, -1)
	}
	for _, other := range shown {
		if target, err := os.Readlink(path); err == nil && strings.Count(path, "/") == 1 && strings.HasPrefix(real, other+"/") {
			return v.link(path, target)
		}
	}
	if err := v.bind(fd, path, attr, -1); err != nil {
		return err
	}
	if !slices.ContainsFunc(shown, func(other string) bool { return strings.HasPrefix(real, other+"/") }) {
		_ = v.bind(fd, real, attr, -1) // for whom it is written there; the name that was asked for is there
	}
	return nil
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
	if err := attach(tree, at); err != nil {
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
				err = unix.Mkdirat(at, name, wayMode(parts, i))
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

// wayMode is the mode of a folder that is there only for what is mounted in it. Those
// on the way to a place can be passed, not listed, by their owner either: they tell
// of the host.
func wayMode(parts []string, i int) uint32 {
	if i == 0 || i == len(parts)-1 || parts[0] == "etc" || parts[0] == "dev" {
		return 0o755
	}
	return 0o111
}

// enter shows the places of a run, leaves the host's root behind and makes the new
// one read-only.
func (v *view) enter(cmd *Command, rights []*os.File) error {
	mounts, err := mountsOf(cmd.Places, rights)
	if err != nil {
		return err
	}
	for _, m := range mounts {
		if err := v.show(m); err != nil && m.asked {
			return err
		}
	}
	if err := v.showTmp(cmd, mounts); err != nil {
		return err
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

// mounting is a place of a run on its way into the view.
type mounting struct {
	Place
	index  int    // among the places
	at     string // where it is shown
	asked  bool   // it is what the flow is told; else its real name, for links that lead there
	judged int    // descriptor
	users  int    // descriptor; -1 = ids are as they are
}

// mountsOf puts the places into their order: an outer folder comes first, else it
// hides the inner ones.
func mountsOf(places []Place, rights []*os.File) ([]mounting, error) {
	var all []mounting
	users := rights[len(places):]
	for i, p := range places {
		m := mounting{Place: p, index: i, at: p.Path, asked: true, judged: int(rights[i].Fd()), users: -1}
		if p.Mapped {
			if len(users) == 0 {
				return nil, errWire
			}
			m.users, users = int(users[0].Fd()), users[1:]
		}
		all = append(all, m)
		if p.Real != p.Path {
			m.at, m.asked = p.Real, false
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b mounting) int {
		if a.at != b.at {
			return strings.Compare(a.at, b.at) // a folder comes before what lies in it
		}
		return int(a.Access - b.Access)
	})
	return all, nil
}

// show mounts a place of the run.
func (v *view) show(m mounting) error {
	fd, err := again(m.Place, m.judged)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	attr := uint64(shared)
	if m.Access == Write {
		attr = private
	}
	return v.bind(fd, m.at, attr, m.users)
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
