package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"spool.internal/events"
	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/process"
)

// owner is a user and a group, as the file system knows them.
type owner struct{ uid, gid int }

func ownerOf(f *os.File) (o owner, mode os.FileMode, err error) {
	info, err := f.Stat()
	if err != nil {
		return o, 0, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return o, 0, errors.New("its owner is not known")
	}
	return owner{int(stat.Uid), int(stat.Gid)}, info.Mode(), nil
}

// handOver lets the flow's user, who has fewer rights than this process, use what other users own: by a
// mount that shows the owner as the flow's user, or else by changing the owner of the output folder.
func (r *Runner) handOver(a *attempt, p *places) error {
	form := a.form
	if !form.Drop && !form.As {
		return nil
	}
	flow := owner{form.UID, form.GID}
	if !form.As {
		flow = owner{os.Geteuid(), os.Getegid()}
	}
	for i := range p.list {
		from, needed, err := keeper(p.list[i], p.open[i])
		if err != nil {
			return err
		}
		if !needed || from.uid == flow.uid {
			continue
		}
		if form.View && !form.User && !r.cfg.hidden.owners {
			users, err := r.users.of(r.program, from, flow)
			if err == nil && canMap(p.open[i], users) {
				p.list[i].Mapped = true
				p.users = append(p.users, users)
				continue
			}
		}
		if form.As && p.list[i].Access == cell.Write && !p.list[i].Granted {
			if err := r.chown(a, p.list[i].Path, p.open[i], flow); err != nil {
				return err
			}
		}
	}
	return nil
}

// keeper finds the owner who keeps others out of a place, or of what lies directly in it.
func keeper(p cell.Place, f *os.File) (o owner, bars bool, err error) {
	o, mode, err := ownerOf(f)
	if err != nil || p.Access == cell.Write {
		return o, true, err
	}
	if p.Access == cell.Connect {
		return o, false, nil
	}
	if mode.IsRegular() && p.Access == cell.Read {
		return o, mode&0o4 == 0, nil
	}
	if mode&0o5 != 0o5 {
		return o, true, nil
	}
	if p.Access == cell.Run {
		return o, false, nil
	}
	dir, err := os.OpenFile("/proc/self/fd/"+strconv.Itoa(int(f.Fd())), os.O_RDONLY|syscall.O_DIRECTORY, 0) // the descriptor, opened for reading
	if err != nil {
		return o, false, err
	}
	defer dir.Close()
	entries, err := dir.ReadDir(mostOwners)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Mode().Type() == os.ModeSymlink {
			continue // gone, or nobody's
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && info.Mode()&0o4 == 0 {
			return owner{int(stat.Uid), int(stat.Gid)}, true, nil
		}
	}
	return o, false, nil
}

// mostOwners is how many files of an input are searched for one that only its owner may read.
const mostOwners = 1000

// chown makes the flow's user the owner of an output folder, unless another run uses it.
func (r *Runner) chown(a *attempt, path string, f *os.File, to owner) error {
	if r.othersHave(a, f) {
		return fmt.Errorf("%s belongs to somebody else, and another run has it: its owner can be changed when that has ended", path)
	}
	if err := f.Chown(to.uid, to.gid); err != nil {
		return unlessShort(err, events.Faultf(events.Invalid, "output_folder", "%s cannot be given to the flow's user: %v", filepath.Base(path), err))
	}
	return nil
}

// canMap reports whether the file system lets a mount show other owners.
func canMap(f, users *os.File) bool {
	tree, err := unix.OpenTree(int(f.Fd()), "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return false
	}
	defer unix.Close(tree)
	return unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &unix.MountAttr{
		Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(users.Fd()),
	}) == nil
}

// userSpaces are user namespaces, for mounts, in which an owner and the flow's user are exchanged and all
// other users are themselves.
type userSpaces struct {
	mu   sync.Mutex
	made map[[2]owner]*os.File
}

// of gives the namespace for an owner; it is closed by [userSpaces.close] alone.
func (u *userSpaces) of(p process.Program, from, to owner) (*os.File, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if f := u.made[[2]owner{from, to}]; f != nil {
		return f, nil
	}
	if len(u.made) >= mostUserSpaces {
		return nil, errors.New("too many owners")
	}
	proc, err := os.StartProcess(p.Path, []string{cell.Name, cell.Wait}, &os.ProcAttr{
		Dir: "/", Env: []string{}, Sys: &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWUSER, UidMappings: swap(from.uid, to.uid), GidMappings: swap(from.gid, to.gid),
			GidMappingsEnableSetgroups: true,
		},
	})
	if err != nil {
		return nil, err
	}
	f, err := os.Open("/proc/" + strconv.Itoa(proc.Pid) + "/ns/user")
	_ = proc.Kill()
	_, _ = proc.Wait()
	if err != nil {
		return nil, err
	}
	if u.made == nil {
		u.made = map[[2]owner]*os.File{}
	}
	u.made[[2]owner{from, to}] = f
	return f, nil
}

// mostUserSpaces bounds them below the number of descriptors.
const mostUserSpaces = 256

func (u *userSpaces) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, f := range u.made {
		_ = f.Close()
		delete(u.made, key)
	}
}

// swap exchanges two ids and maps every other id to itself.
func swap(a, b int) []syscall.SysProcIDMap {
	const last = 1<<32 - 2 // the number above it stands for no id
	maps := []syscall.SysProcIDMap{{ContainerID: a, HostID: b, Size: 1}}
	if a != b {
		maps = append(maps, syscall.SysProcIDMap{ContainerID: b, HostID: a, Size: 1})
	}
	from := 0
	for _, id := range []int{min(a, b), max(a, b)} {
		if id > from {
			maps = append(maps, syscall.SysProcIDMap{ContainerID: from, HostID: from, Size: id - from})
		}
		from = max(from, id+1)
	}
	if from <= last {
		maps = append(maps, syscall.SysProcIDMap{ContainerID: from, HostID: from, Size: last - from + 1})
	}
	return maps
}

// othersHave reports whether a folder is the input or the output of another run
// that is under way.
func (r *Runner) othersHave(a *attempt, f *os.File) bool {
	is, err := f.Stat()
	if err != nil {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, h := range r.active {
		if id != a.run.FlowJobID && slices.ContainsFunc(h.folders, func(other os.FileInfo) bool { return os.SameFile(other, is) }) {
			return true
		}
	}
	return false
}

// flowUser finds the user of flows.
func flowUser(name string) (uid, gid int, err error) {
	if !process.HasCapability(unix.CAP_SETUID) || !process.HasCapability(unix.CAP_SETGID) {
		return 0, 0, errors.New("only root can start flows as another user")
	}
	return findUser(name)
}
