package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// probeName makes the test binary, copied into a drive under this name, a flow
// that tries everything that flows should not do, and what they may.
const probeName = "probe"

// targets are what the probe aims at, beside what every host has.
type targets struct {
	Server   int    // process id of the runner
	Port     string // address at which the server listens
	Free     int    // a port that nobody uses
	Unix     string // socket of a service of the host, by path: a stream
	Datagram string // the same: datagrams
	Abstract string // the same, by an abstract name
	Data     string // the runner's data folder, with runs
	Other    string // folder of another job, with a file "secret"
	Open     string // folder in which everybody may write
	Tmp      uint64 // inode of the host's /tmp
	Shm      uint64 // and of its /dev/shm
	Proc     uint64 // and of its /proc
	Shared   string // folder of another job that belongs to the flow's user, with a file "mine"
}

// attempt is one thing that a probe tries; nil says that it was done, or would
// have been: an error of the call's own, past all judges.
type trial struct {
	name string
	try  func(t targets, in, out string) error
}

func init() {
	if filepath.Base(os.Args[0]) != probeName || len(os.Args) != 3 {
		return
	}
	runtime.LockOSThread()
	in, out := os.Args[1], os.Args[2]
	text, err := os.ReadFile(filepath.Join(in, "targets.json"))
	var t targets
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	tried := map[string]string{}
	for _, a := range attempts {
		tried[a.name] = "yes"
		if err := a.try(t, in, out); err != nil {
			tried[a.name] = "no: " + err.Error()
		}
	}
	said, _ := json.Marshal(tried)
	if err = errors.Join(err, os.WriteFile(filepath.Join(out, "tried.json"), said, 0o644)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// call makes a system call. An error among reached was given by the call itself:
// nobody stood before it.
func call(reached []unix.Errno, number uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	r, _, errno := syscall.RawSyscall6(number, a[0], a[1], a[2], a[3], a[4], a[5])
	if slices.Contains(reached, errno) {
		return nil
	}
	if errno != 0 {
		return errno
	}
	_ = r
	return nil
}

func text(s string) uintptr {
	p, _ := unix.BytePtrFromString(s)
	kept = append(kept, p)
	return uintptr(unsafe.Pointer(p))
}

// kept are strings whose addresses a call was given.
var kept []*byte

// fileAttempts are about files that are not the flow's.
var fileAttempts = []trial{
	{"read /etc/shadow", func(targets, string, string) error { return reads("/etc/shadow") }},
	{"read private keys of /etc/ssl", func(targets, string, string) error { _, err := os.ReadDir("/etc/ssl/private"); return err }},
	{"read the data folder", func(t targets, _, _ string) error { _, err := os.ReadDir(t.Data); return err }},
	{"read a file of the data folder", func(t targets, _, _ string) error { return reads(filepath.Join(t.Data, "admin.token")) }},
	{"read a file of another job", func(t targets, _, _ string) error { return reads(filepath.Join(t.Other, "secret")) }},
	{"read another run's log", func(t targets, _, _ string) error { return reads(filepath.Join(t.Data, "runs/other/run.log")) }},
	{"list the root folder of the drive", func(_ targets, in, _ string) error { _, err := os.ReadDir(filepath.Dir(in)); return err }},
	{"write where everybody may", func(t targets, _, _ string) error { return os.WriteFile(filepath.Join(t.Open, "x"), nil, 0o644) }},
	{"write into the host's /tmp", func(t targets, _, _ string) error { return makes("/tmp", t.Tmp, true) }},
	{"write into the host's /dev/shm", func(t targets, _, _ string) error { return makes("/dev/shm", t.Shm, true) }},
	{"write into a /tmp of its own", func(t targets, _, _ string) error { return makes("/tmp", t.Tmp, false) }},
	{"write into a /dev/shm of its own", func(t targets, _, _ string) error { return makes("/dev/shm", t.Shm, false) }},
	{"see its own processes in /proc, and no others", func(t targets, _, _ string) error {
		if all, err := filepath.Glob("/proc/[0-9]*"); err != nil || len(all) > 10 {
			return fmt.Errorf("%d processes, %v", len(all), err)
		}
		return readsSome("/proc/self/stat")
	}},
	{"read of the processor and the memory in /proc", func(targets, string, string) error {
		for _, name := range []string{"cpuinfo", "meminfo", "version", "uptime", "loadavg", "stat"} {
			if err := readsSome("/proc/" + name); err != nil {
				return err
			}
		}
		return nil
	}},
	{"list /, /etc and /dev", func(targets, string, string) error {
		for _, dir := range []string{"/", "/etc", "/dev"} {
			if _, err := os.ReadDir(dir); err != nil {
				return err
			}
		}
		return nil
	}},
	{"write beside its output", func(_ targets, _, out string) error { return os.WriteFile(filepath.Join(out, "../beside"), nil, 0o644) }},
	{"write to another job's file", func(t targets, _, _ string) error { return writes(filepath.Join(t.Shared, "mine")) }},
	{"truncate another job's file", func(t targets, _, _ string) error { return os.Truncate(filepath.Join(t.Shared, "mine"), 4) }},
	{"remove another job's file", func(t targets, _, _ string) error {
		name := filepath.Join(t.Shared, "mine")
		if err := os.Remove(name); err != nil {
			return err
		}
		return os.WriteFile(name, []byte("mine"), 0o644)
	}},
	{"write to its input", func(_ targets, in, _ string) error { return writes(filepath.Join(in, "a.txt")) }},
	{"truncate its input", func(_ targets, in, _ string) error { return os.Truncate(filepath.Join(in, "a.txt"), 9) }},
	{"add to its input", func(_ targets, in, _ string) error { return os.WriteFile(filepath.Join(in, "b.txt"), nil, 0o644) }},
	{"move its input", func(_ targets, in, out string) error {
		err := os.Rename(filepath.Join(in, "a.txt"), filepath.Join(out, "a.txt"))
		if err == nil {
			err = os.Rename(filepath.Join(out, "a.txt"), filepath.Join(in, "a.txt"))
		}
		return err
	}},
	{"hard-link its input into its output", func(_ targets, in, out string) error {
		return os.Link(filepath.Join(in, "a.txt"), filepath.Join(out, "linked"))
	}},
	{"hard-link another job's file", func(t targets, _, out string) error {
		return os.Link(filepath.Join(t.Shared, "mine"), filepath.Join(out, "stolen"))
	}},
	{"reach another job by a link", func(t targets, _, out string) error {
		link := filepath.Join(out, "link")
		if err := os.Symlink(t.Other, link); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
		return reads(filepath.Join(link, "secret"))
	}},
	{"open a file by its handle", func(t targets, in, _ string) error {
		h, id, err := unix.NameToHandleAt(unix.AT_FDCWD, filepath.Join(in, "a.txt"), 0)
		if err != nil {
			return err
		}
		_ = id
		dir, err := unix.Open(in, unix.O_RDONLY, 0)
		if err != nil {
			return err
		}
		_, err = unix.OpenByHandleAt(dir, h, unix.O_RDONLY)
		return err
	}},
	{"change another file's mode", func(t targets, _, _ string) error { return os.Chmod(filepath.Join(t.Shared, "mine"), 0o644) }},
	{"change another file's owner", func(t targets, _, _ string) error { return os.Chown(filepath.Join(t.Shared, "mine"), -1, os.Getegid()) }},
	{"change another file's times", func(t targets, _, _ string) error {
		return os.Chtimes(filepath.Join(t.Shared, "mine"), time.Now(), time.Now())
	}},
	{"change another file's attributes", func(t targets, _, _ string) error {
		return reached(unix.Setxattr(filepath.Join(t.Shared, "mine"), "user.spool", []byte("x"), 0), unix.ENOTSUP)
	}},
	{"change the data folder's mode", func(t targets, _, _ string) error {
		return call(nil, unix.SYS_FCHMODAT, uintptr(0xffffffffffffff9c), text(t.Data), 0o755)
	}},
	{"watch another folder", func(t targets, _, _ string) error {
		fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
		if err != nil {
			return err
		}
		_, err = unix.InotifyAddWatch(fd, t.Shared, unix.IN_OPEN)
		return err
	}},
	{"watch the file system", func(targets, string, string) error { return call(nil, unix.SYS_FANOTIFY_INIT, 0x200, 0) }},
	{"read another process's memory in /proc", func(t targets, _, _ string) error { return reads(fmt.Sprintf("/proc/%d/environ", t.Server)) }},
	{"see another process's arguments", func(t targets, _, _ string) error { return readsSome(fmt.Sprintf("/proc/%d/cmdline", t.Server)) }},
	{"read what else the kernel tells in /proc", func(t targets, _, _ string) error {
		all, err := os.ReadDir("/proc")
		if err != nil {
			return err
		}
		for _, e := range all {
			name := "/proc/" + e.Name()
			link, _ := os.Readlink(name)
			if name[6] >= '0' && name[6] <= '9' || strings.Contains(" cpuinfo meminfo version uptime loadavg stat ", " "+e.Name()+" ") || strings.HasPrefix(link, "self/") || filepath.Base(link) == strconv.Itoa(os.Getpid()) || filepath.Base(filepath.Dir(link)) == "task" {
				continue // its own
			}
			if fd, err := unix.Open(name, unix.O_RDONLY|unix.O_NONBLOCK, 0); err == nil {
				_ = unix.Close(fd)
				return nil
			}
			if inode("/proc") != t.Proc && os.Chmod(name, 0o777) == nil { // not the host's
				return nil
			}
		}
		for _, name := range []string{"/proc/sys/kernel/hostname", "/proc/kallsyms", "/proc/fs", "/proc/self/root/proc/cmdline"} {
			if _, err := os.Lstat(name + "/."); err == nil || reads0(name) == nil {
				return nil
			}
		}
		return errors.New("nothing of it")
	}},
	{"change the kernel's settings", func(targets, string, string) error { return writes("/proc/sys/kernel/core_pattern") }},
	{"read /sys", func(targets, string, string) error { _, err := os.ReadDir("/sys/kernel"); return err }},
	{"open a disk or a terminal", func(targets, string, string) error {
		for _, name := range []string{"/dev/mem", "/dev/kmsg", "/dev/tty", "/dev/ptmx", "/dev/fuse", "/dev/loop-control", "/dev/vda", "/dev/sda"} {
			if fd, err := unix.Open(name, unix.O_RDONLY|unix.O_NONBLOCK, 0); err == nil {
				_ = unix.Close(fd)
				return nil
			}
		}
		return errors.New("none of them")
	}},
}

// makes makes a file in a folder which is that of the host, or is not.
func makes(dir string, host uint64, hosts bool) error {
	if is := inode(dir); is == 0 || (is == host) != hosts {
		return fmt.Errorf("its inode is %d, and the host's is %d", is, host)
	}
	f, err := os.CreateTemp(dir, "spool-probe-")
	if err == nil {
		err = errors.Join(f.Close(), os.Remove(f.Name()))
	}
	return err
}

// inode numbers what a path leads to; 0 = nothing.
func inode(path string) uint64 {
	var info unix.Stat_t
	if unix.Stat(path, &info) != nil {
		return 0
	}
	return info.Ino ^ info.Dev<<32
}

func reads(name string) error { _, err := os.ReadFile(name); return err }

func readsSome(name string) error {
	b, err := os.ReadFile(name)
	if err == nil && len(b) == 0 {
		err = errors.New("it is empty")
	}
	return err
}

// writes opens a file to write to it, and leaves it as it is.
func writes(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err == nil {
		err = f.Close()
	}
	return err
}

// reached takes errors that the call itself gives for success.
func reached(err error, own ...unix.Errno) error {
	for _, e := range own {
		if errors.Is(err, e) {
			return nil
		}
	}
	return err
}

// outputAttempts are about the flow's own files.
var outputAttempts = []trial{
	{"make a file set-user-ID", func(_ targets, _, out string) error {
		name := filepath.Join(out, "setuid")
		if err := os.WriteFile(name, nil, 0o755); err != nil {
			return err
		}
		var done error = errors.New("in no way")
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		at := uintptr(0xffffffffffffff9c)
		for _, mode := range []uintptr{0o4755, 0o2755} {
			for _, err := range []error{
				call(nil, unix.SYS_FCHMOD, f.Fd(), mode), call(nil, unix.SYS_FCHMODAT, at, text(name), mode), call(nil, unix.SYS_FCHMODAT2, at, text(name), mode, 0),
				call(nil, unix.SYS_OPENAT, at, text(name+"1"), unix.O_CREAT|unix.O_WRONLY, mode), call(nil, unix.SYS_MKNODAT, at, text(name+"2"), unix.S_IFREG|mode, 0),
				call(nil, unix.SYS_MKDIRAT, at, text(name+"3"), mode),
			} {
				if err == nil {
					done = nil
				}
			}
		}
		return done
	}},
	{"make a device", func(_ targets, _, out string) error {
		return unix.Mknod(filepath.Join(out, "device"), unix.S_IFBLK|0o666, int(unix.Mkdev(254, 0)))
	}},
	{"give its output away", func(_ targets, _, out string) error {
		f, err := os.Open(out)
		if err != nil {
			return err
		}
		defer f.Close()
		return f.Chown(12345, -1)
	}},
	{"execute what it has written", func(_ targets, _, out string) error {
		text, err := os.ReadFile("/bin/true")
		if err != nil {
			return err
		}
		name := filepath.Join(out, "true")
		if err := os.WriteFile(name, text, 0o755); err != nil {
			return err
		}
		return exec.Command(name).Run()
	}},
	{"read its input", func(_ targets, in, _ string) error { return reads(filepath.Join(in, "a.txt")) }},
	{"read /etc/passwd", func(targets, string, string) error { return reads("/etc/passwd") }},
	{"write its output", func(_ targets, _, out string) error {
		d := filepath.Join(out, "d")
		return errors.Join(os.Mkdir(d, 0o755), os.WriteFile(filepath.Join(d, "x"), []byte("x"), 0o644), os.Link(filepath.Join(d, "x"), filepath.Join(out, "y")),
			os.Rename(filepath.Join(out, "y"), filepath.Join(d, "y")), os.Symlink("x", filepath.Join(d, "z")), unix.Mkfifo(filepath.Join(d, "pipe"), 0o644), os.RemoveAll(d))
	}},
	{"write into TMPDIR", func(targets, string, string) error {
		name := filepath.Join(os.Getenv("TMPDIR"), "x")
		return errors.Join(os.WriteFile(name, nil, 0o644), os.Rename(name, name+"2"), os.Remove(name+"2"))
	}},
	{"change modes and times of open files", func(_ targets, _, out string) error {
		f, err := os.Create(filepath.Join(out, "mode"))
		if err != nil {
			return err
		}
		defer f.Close()
		now := unix.NsecToTimespec(time.Now().UnixNano())
		times := [2]unix.Timespec{now, now}
		return errors.Join(f.Chmod(0o600), call(nil, unix.SYS_UTIMENSAT, f.Fd(), 0, uintptr(unsafe.Pointer(&times)), 0))
	}},
	{"change modes of its output by path", func(_ targets, _, out string) error { return os.Chmod(filepath.Join(out, "mode"), 0o644) }},
	{"use /dev/null, zero and urandom", func(targets, string, string) error {
		b, err := os.ReadFile("/dev/null")
		f, err2 := os.Open("/dev/urandom")
		if err2 == nil {
			_, err2 = f.Read(make([]byte, 9))
			f.Close()
		}
		return errors.Join(err, err2, os.WriteFile("/dev/null", b, 0), writes("/dev/full"), reads0("/dev/zero"))
	}},
	{"run programs", func(targets, string, string) error { return exec.Command("/bin/sh", "-c", "true | cat").Run() }},
}

func reads0(name string) error {
	f, err := os.Open(name)
	if err == nil {
		_, err = f.Read(make([]byte, 9))
		f.Close()
	}
	return err
}

// attempts are all of them; names are unique.
var attempts = func() (all []trial) {
	for _, some := range [][]trial{processAttempts, fileAttempts, outputAttempts, socketAttempts, kernelAttempts} {
		all = append(all, some...)
	}
	seen := map[string]bool{}
	for _, a := range all {
		if seen[a.name] {
			panic(a.name + " is there twice")
		}
		seen[a.name] = true
	}
	return all
}()

// host and port of an address that is known to be good.
func hostPort(addr string) (ip [4]byte, port int) {
	a, err := net.ResolveTCPAddr("tcp4", addr)
	if err != nil {
		panic(err)
	}
	copy(ip[:], a.IP.To4())
	return ip, a.Port
}

// kinds joins what a list of tries came to: nil when one of them was done.
func anyOf(tries map[string]error) error {
	var all []string
	for name, err := range tries {
		if err == nil {
			return nil
		}
		all = append(all, name+": "+err.Error())
	}
	return errors.New(strings.Join(all, ", "))
}
