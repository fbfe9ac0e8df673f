package cell

import (
	"errors"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// told are the files of /proc, besides those of processes, that flows may read. All but
// stat tell nothing that a program could not ask the processor (cpuid) and the kernel
// (uname, sysinfo) for, and programs take it for no /proc at all when they are not
// there: LibreOffice looks for version, Chromium for what the processor can do. In stat
// ps and top look when the system began, and Node how many processors there are
// (os.cpus), by which many of its programs choose how many workers they start.
var told = []string{"cpuinfo", "meminfo", "version", "uptime", "loadavg", "stat"}

// What nobody may open, change or pass through, who has no capability: they lie below /proc itself,
// where they are never seen.
const closedFile, closedFolder = "file", "folder"

// prepareProc makes what [view.wholeProc] closes the rest with.
func (v *view) prepareProc() error {
	at, err := v.place("/proc", true)
	if err != nil {
		return err
	}
	defer unix.Close(at)
	return errors.Join(
		closed(at, closedFile, func() error { return unix.Mknodat(at, closedFile, unix.S_IFREG, 0) }),
		closed(at, closedFolder, func() error { return unix.Mkdirat(at, closedFolder, 0) }),
	)
}

// wholeProc mounts a /proc in which all else that is the kernel's is closed: no
// option of procfs leaves out only that. What the kernel brings is closed by its kind,
// not by its name, so that nothing new is open.
func (v *view) wholeProc(at int) (proc int, err error) {
	if proc, err = newProc([][2]string{{"hidepid", "ptraceable"}}, at); err != nil {
		return -1, err
	}
	if err = closeAll(at, proc); err != nil {
		_ = unix.Unmount(pathOf(proc), unix.MNT_DETACH)
		_ = unix.Close(proc)
	}
	return proc, err
}

// closeAll closes what is neither a process nor told, nor a link to what is. at is the folder below
// /proc.
func closeAll(at, proc int) error {
	fd, err := unix.Openat(proc, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	dir := os.NewFile(uintptr(fd), "/proc")
	defer dir.Close()
	entries, err := dir.ReadDir(-1)
	if err != nil {
		return err
	}
	// One call each, by paths that are short to walk.
	if err := unix.Fchdir(at); err != nil {
		return err
	}
	with := map[bool]string{false: closedFile, true: closedFolder}
	for _, e := range entries {
		name := e.Name()
		if name[0] >= '0' && name[0] <= '9' || e.Type()&os.ModeSymlink != 0 || slices.Contains(told, name) {
			continue
		}
		if err := unix.Mount(with[e.IsDir()], "../proc/"+name, "", unix.MS_BIND, ""); err != nil {
			return fault("mount", "/proc/"+name, err)
		}
	}
	return unix.Chdir("/")
}

func pathOf(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// closed makes something that is closed by a mount of its own.
func closed(dir int, name string, create func() error) error {
	if err := create(); err != nil {
		return err
	}
	fd, err := unix.Openat(dir, name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	tree, err := unix.OpenTree(fd, "", unix.AT_EMPTY_PATH|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(tree)
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: shared | unix.MOUNT_ATTR_NOEXEC}); err != nil {
		return err
	}
	return attach(tree, fd)
}
