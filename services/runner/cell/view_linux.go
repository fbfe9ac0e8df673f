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
	root  int    // descriptor
	dev   uint64 // of root
	host  int    // descriptor of the host's root, which is there until [view.enter]
	proc  int    // descriptor of /proc; -1 = there is none
	rules *ruleset

	shared uint64 // the dev of [sharedDir], if that is the same for all flows; 0 = it has not been asked for

	dir string // a folder of root itself in which something was mounted
	in  int    // descriptor of dir; -1 = there is none
}

const (
	shared  = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV
	private = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV // of output and TMPDIR
	device  = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC
)

// newView mounts what all flows see, and has the rules allow it. The host's files stay
// in reach until [view.enter]. made is a root that the runner has made ([Shared.Root]); -1: there is
// none.
func newView(r *Room, rules *ruleset, made int) (*view, error) {
	// What is mounted here stays here; what the host mounts yet comes in.
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return nil, fault("mount", "/", err)
	}
	v, err := newRoot(rules, made)
	if err != nil {
		return nil, fault("mount", "tmpfs", err)
	}
	if err := unix.MoveMount(v.root, "", unix.AT_FDCWD, "/", unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return nil, fault("mount", "tmpfs on /", err)
	}
	if made < 0 {
		if err := v.furnish(r); err != nil {
			return nil, err
		}
	}
	if r.Form.Proc {
		_ = v.mountProc() // most containers do not let it be mounted; flows do without
	}
	return v, v.pivot()
}

// pivot makes the view the root of all processes of this mount namespace. The host's
// lies on it until [view.enter].
func (v *view) pivot() (err error) {
	if v.host, err = unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return fault("open", "/", err)
	}
	if err := unix.Fchdir(v.root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fault("pivot_root", "", err)
	}
	return nil
}

// common shows a file or folder of the host under its name, and under its real one
// where a link led to it. A link into what is shown anyhow stays one: /bin → usr/bin.
func (v *view) common(path string, shown []string, g given) error {
	real := path // unless a link is on the way
	fd, err := unix.Openat2(unix.AT_FDCWD, path, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS})
	if err == unix.ELOOP {
		fd, err = unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
		real = ""
	}
	if err != nil {
		return nil // what is not there cannot be seen
	}
	defer unix.Close(fd)
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return fault("mount", path, err)
	}
	if err := v.rules.add(fd, g.access, info.Mode); err != nil {
		return fault("landlock", path, err)
	}
	if real == "" {
		if real, err = os.Readlink(pathOf(fd)); err != nil {
			real = path
		}
	}
	if real == path {
		return v.bind(fd, info.Mode, path, g.attr, -1)
	}
	for _, other := range shown {
		if target, err := os.Readlink(path); err == nil && strings.Count(path, "/") == 1 && strings.HasPrefix(real, other+"/") {
			return v.link(path, target)
		}
	}
	if err := v.bind(fd, info.Mode, path, g.attr, -1); err != nil {
		return err
	}
	if !slices.ContainsFunc(shown, func(other string) bool { return strings.HasPrefix(real, other+"/") }) {
		_ = v.bind(fd, info.Mode, real, g.attr, -1) // for whom it is written there; the name that was asked for is there
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
func (v *view) bind(fd int, mode uint32, path string, attr uint64, users int) error {
	tree, err := unix.OpenTree(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return fault("mount", path, err)
	}
	defer unix.Close(tree)
	if mode&unix.S_IFMT == unix.S_IFCHR {
		attr = device // reading it is what its rule says
	}
	set := unix.MountAttr{Attr_set: attr, Propagation: unix.MS_SLAVE} // what is mounted below must not come to the host
	if users >= 0 {
		set.Attr_set |= unix.MOUNT_ATTR_IDMAP
		set.Userns_fd = uint64(users)
	}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &set); err != nil {
		return fault("mount", path, err)
	}
	if err := v.put(tree, path, mode&unix.S_IFMT == unix.S_IFDIR); err != nil {
		return fault("mount", path, err)
	}
	return nil
}

// put mounts a tree at a path of the view. Most files of a flow lie in few folders, which
// are looked up once as long as nothing else is mounted.
func (v *view) put(tree int, path string, folder bool) error {
	at := strings.LastIndexByte(path, '/') + 1
	dir, name := path[:at], path[at:]
	if v.in >= 0 && dir == v.dir && name != "" && create(v.in, name, folder, 0o755) == nil {
		return unix.MoveMount(tree, "", v.in, name, unix.MOVE_MOUNT_F_EMPTY_PATH)
	}
	v.leaveDir()
	in, on, err := v.open(path, folder)
	if err != nil {
		return err
	}
	defer unix.Close(on)
	v.enterDir(dir, in)
	return attach(tree, on)
}

// enterDir keeps the descriptor of a folder, if it is one of the root's own: below others
// nothing is made but by [view.open].
func (v *view) enterDir(dir string, in int) {
	var info unix.Stat_t
	if unix.Fstat(in, &info) != nil || info.Dev != v.dev {
		_ = unix.Close(in)
		return
	}
	v.dir, v.in = dir, in
}

func (v *view) leaveDir() {
	if v.in >= 0 {
		_ = unix.Close(v.in)
		v.in = -1
	}
}

// place opens a path of the view, which is made when it is not there.
func (v *view) place(path string, folder bool) (int, error) {
	in, at, err := v.open(path, folder)
	if err == nil {
		_ = unix.Close(in)
	}
	return at, err
}

// open does so, and gives the folder that it lies in, too. No link is followed: below a
// folder of a drive somebody may be at work.
func (v *view) open(path string, folder bool) (in, at int, err error) {
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	if len(parts) == 0 {
		return -1, -1, errors.New("the root of the host cannot be given to a flow")
	}
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS}
	last := len(parts) - 1
	if at, err = unix.Dup(v.root); err != nil {
		return -1, -1, err
	}
	first := 0
	if whole, err := unix.Openat2(v.root, "./"+strings.Join(parts[:last], "/"), &how); err == nil {
		_ = unix.Close(at)
		at, first = whole, last
	}
	for i := first; i <= last; i++ {
		in = at
		if at, err = unix.Openat2(in, parts[i], &how); err == unix.ENOENT {
			if err = create(in, parts[i], folder || i < last, wayMode(parts, i)); err == nil {
				at, err = unix.Openat2(in, parts[i], &how)
			}
			if err == unix.EROFS && v.isShared(in, parts[:i]) {
				_ = unix.Close(in)
				if err = v.unshare("/" + strings.Join(parts[:i], "/")); err != nil {
					return -1, -1, err
				}
				return v.open(path, folder)
			}
		}
		if err != nil {
			_ = unix.Close(in)
			return -1, -1, err
		}
		if i < last {
			_ = unix.Close(in)
		}
	}
	return in, at, nil
}

func create(in int, name string, folder bool, mode uint32) error {
	if folder {
		return unix.Mkdirat(in, name, mode)
	}
	return unix.Mknodat(in, name, unix.S_IFREG|0o644, 0)
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

// enter shows the places of a run, leaves the host's root behind and makes the view
// read-only.
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
	v.leaveDir()
	if err := unix.Close(v.host); err != nil {
		return err
	}
	if err := unix.Unmount("/", unix.MNT_DETACH); err != nil {
		return fault("umount", "the host's root", err)
	}
	return unix.MountSetattr(v.root, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
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
	fd, mode, err := again(v.host, m.Place, m.judged)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	attr := uint64(shared)
	if m.Access == Write {
		attr = private
	}
	return v.bind(fd, mode, m.at, attr, m.users)
}

// again opens a place in the mount namespace of this process, below its root or that of
// the host: its descriptor comes from another, where nothing can be mounted from. What
// is not the same file or folder is refused.
func again(host int, p Place, judged int) (fd int, mode uint32, err error) {
	path := "./" + strings.TrimPrefix(p.Real, "/")
	fd, err = unix.Openat2(host, path, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS})
	if err != nil {
		return -1, 0, errors.New(p.Path + " is not there any more: " + err.Error())
	}
	var was, is unix.Stat_t
	err = errors.Join(unix.Fstat(judged, &was), unix.Fstat(fd, &is))
	if err == nil && (was.Dev != is.Dev || was.Ino != is.Ino) {
		err = errors.New(p.Path + " is not what it was: something else has taken its place since the run was judged")
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, 0, err
	}
	return fd, is.Mode, nil
}
