package cgroup

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Groups makes a control group for each flow.
type Groups struct {
	dir    string  // the group they are made in; its controllers are on for what is below
	bound  string  // the file that the bound of memory is written to
	memory int64   // bytes of each group; 0 = not bounded
	cores  float64 // processors of each group; 0 = not bounded
}

// Memory gives groups that bound the memory of each flow, all its processes together.
func Memory(bytes int64) (*Groups, error) {
	dir, err := delegatedTree()
	if err != nil {
		return nil, err
	}
	return At(dir, "memory", "memory.max", bytes)
}

// Processor gives groups that bound how many processors' time a flow may use.
func Processor(cores float64) (*Groups, error) {
	dir, err := delegatedTree()
	if err != nil {
		return nil, err
	}
	g := &Groups{dir: dir, bound: "memory.max", cores: cores}
	return g, g.open("cpu")
}

// At gives groups below dir whose memory is bounded by a controller, which writes its bound
// to a file.
func At(dir, controller, file string, bytes int64) (*Groups, error) {
	g := &Groups{dir: dir, bound: file, memory: bytes}
	return g, g.open(controller)
}

// delegatedTree finds the part of the tree of control groups that was given to this
// process.
func delegatedTree() (dir string, err error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	members, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	own, top, err := ownTree(string(mounts), string(members))
	if err != nil {
		return "", err
	}
	// systemd may have put this process into a group below the one that it delegated.
	for _, dir := range []string{own, filepath.Dir(own)} {
		if delegated(dir, top && dir == own) {
			return dir, nil
		}
	}
	return "", fmt.Errorf("control group %s is not delegated to Spool (systemd: Delegate=yes)", own)
}

// ownTree gives the folder of this process in the tree of control groups (version
// 2), and whether it is the top of what the process sees of the tree.
func ownTree(mountinfo, cgroup string) (dir string, top bool, err error) {
	path, found := "", false
	for line := range strings.Lines(cgroup) {
		if path, found = strings.CutPrefix(strings.TrimSpace(line), "0::"); found {
			break
		}
	}
	if !found {
		return "", false, errors.New("there are no control groups of version 2")
	}
	for line := range strings.Lines(mountinfo) {
		fields, rest, _ := strings.Cut(line, " - ")
		mount := strings.Fields(fields)
		if !strings.HasPrefix(rest, "cgroup2 ") || len(mount) < 5 {
			continue
		}
		below, inside := strings.CutPrefix(path, strings.TrimSuffix(mount[3], "/"))
		if inside {
			return filepath.Join(mount[4], below), path == "/" && mount[3] == "/", nil
		}
	}
	return "", false, errors.New("control groups of version 2 are not mounted")
}

// delegated reports whether this process alone manages what is below a group: systemd says
// so, or the group is the top of a container, or it belongs to our user.
func delegated(dir string, top bool) bool {
	if unix.Access(filepath.Join(dir, "cgroup.procs"), unix.W_OK) != nil {
		return false
	}
	mark := make([]byte, 8)
	for _, name := range []string{"user.delegate", "trusted.delegate"} {
		if n, err := unix.Getxattr(dir, name, mark); err == nil && string(mark[:n]) == "1" {
			return true
		}
	}
	var info unix.Stat_t
	return top || os.Geteuid() != 0 && unix.Stat(dir, &info) == nil && int(info.Uid) == os.Geteuid()
}

// open switches a controller on for the groups below dir, and removes those that earlier
// runners left there. A group with processes of its own cannot have controllers on for what
// is below it, so its processes move into a group below it.
func (g *Groups) open(controller string) error {
	has := func(file string) bool {
		text, _ := os.ReadFile(filepath.Join(g.dir, file)) // what cannot be read has nothing
		return slices.Contains(strings.Fields(string(text)), controller)
	}
	if !has("cgroup.controllers") {
		return fmt.Errorf("control group %s has no %s controller", g.dir, controller)
	}
	if !has("cgroup.subtree_control") {
		if err := g.moveDown(); err != nil {
			return err
		}
		if err := put(g.dir, "cgroup.subtree_control", "+"+controller); err != nil {
			return err
		}
	}
	left, _ := filepath.Glob(filepath.Join(g.dir, "flow-*")) // the pattern is a good one
	for _, dir := range left {
		_ = unix.Rmdir(dir) // fails as long as a process lives there
	}
	return nil
}

func (g *Groups) moveDown() error {
	below := filepath.Join(g.dir, "spool")
	if err := os.Mkdir(below, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	members, err := os.ReadFile(filepath.Join(g.dir, "cgroup.procs"))
	if err != nil {
		return err
	}
	for pid := range strings.FieldsSeq(string(members)) {
		if err := put(below, "cgroup.procs", pid); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}

func put(dir, file, text string) error {
	return os.WriteFile(filepath.Join(dir, file), []byte(text), 0)
}

// In changes attr so that the process starts in the group; a nil group leaves attr as it is.
func (m *Group) In(attr *syscall.SysProcAttr) *syscall.SysProcAttr {
	if m != nil {
		attr.UseCgroupFD, attr.CgroupFD = true, int(m.dir.Fd())
	}
	return attr
}

// With gives groups with other bounds; 0 leaves a bound as it is.
func (g *Groups) With(memory int64, cores float64) *Groups {
	other := *g
	if memory > 0 {
		other.memory = memory
	}
	if cores > 0 {
		other.cores = cores
	}
	return &other
}

// Unbound gives groups without bounds.
func (g *Groups) Unbound() *Groups {
	other := *g
	other.memory, other.cores = 0, 0
	return &other
}

// Group is the control group of one flow.
type Group struct {
	path string
	dir  *os.File // to start processes in
}

// New makes a group. Nil groups make nil groups, and every method of those does nothing.
func (g *Groups) New() (*Group, error) {
	if g == nil {
		return nil, nil
	}
	path := filepath.Join(g.dir, "flow-"+rand.Text())
	if err := os.Mkdir(path, 0o755); err != nil {
		return nil, err
	}
	m := &Group{path: path}
	err := g.bind(path)
	if err == nil {
		m.dir, err = os.Open(path)
	}
	if err != nil {
		return nil, errors.Join(err, unix.Rmdir(path))
	}
	return m, nil
}

// bind bounds a group.
func (g *Groups) bind(path string) error {
	if g.memory > 0 {
		if err := put(path, g.bound, strconv.FormatInt(g.memory, 10)); err != nil {
			return err
		}
		_ = put(path, "memory.swap.max", "0")  // there may be no swap
		_ = put(path, "memory.oom.group", "1") // all of the flow or nothing; older kernels choose one of it
	}
	if g.cores > 0 {
		const period = 100_000 // µs, the kernel's own
		return put(path, "cpu.max", fmt.Sprintf("%d %d", int(g.cores*period), period))
	}
	return nil
}

// Exceeded reports whether the kernel killed a process of the group for using more memory
// than the bound.
func (m *Group) Exceeded() (over bool) {
	if m == nil {
		return false
	}
	counts, _ := os.ReadFile(filepath.Join(m.path, "memory.events")) // without it, it was not
	for line := range strings.Lines(string(counts)) {
		if n, is := strings.CutPrefix(line, "oom_kill "); is && strings.TrimSpace(n) != "0" {
			over = true
		}
	}
	return over
}

// Close removes the group of a flow that is gone.
func (m *Group) Close() {
	if m == nil {
		return
	}
	_ = m.dir.Close()
	for range 50 {
		if err := unix.Rmdir(m.path); !errors.Is(err, unix.EBUSY) {
			break
		}
		time.Sleep(time.Millisecond) // the last of it is on its way out
	}
}
