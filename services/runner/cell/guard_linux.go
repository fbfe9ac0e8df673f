package cell

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// guarding is a guard at work.
type guarding struct {
	runner *os.File
	spaces bool // the end of this process is that of all others
	flow   int  // the warm process, which becomes the flow; it leads a process group

	connects *connecting // nil: the flow asks for nothing
	telling  sync.Mutex  // one message at a time goes to the runner
}

// guard starts the warm process, outlives the flow it becomes and ends all that descends
// from it.
func guard(args []string) {
	g := guarding{runner: os.NewFile(guardSocket, "runner"), spaces: args[0] == inSpaces}
	syscall.CloseOnExec(guardSocket)
	closeOthers(warmSocket)
	_ = unix.Setpgid(0, 0) // else it is in that of its launcher
	if !g.spaces {
		g.fail(unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
	}
	files := []uintptr{0, 1, 2, warmSocket}
	var err error
	if len(args) > 2 {
		g.connects, err = newConnecting(&g, args[1] == toConnect, args[2])
		g.fail(err)
		files = append(files, g.connects.theirs.Fd())
	}
	null, noNull := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0) // the warm process changes the root of both
	g.flow, err = syscall.ForkExec("/proc/self/exe", []string{Name, Warm}, &syscall.ProcAttr{
		Dir: "/", Env: Environment, Files: files, Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	g.fail(err)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, EndFlow, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	// What the flow prints has an end when nobody of it is left; and nobody but the
	// warm process may keep its socket open.
	if noNull == nil {
		for fd := range 3 {
			_ = unix.Dup3(null, fd, 0)
		}
		_ = unix.Close(null)
	}
	_ = unix.Close(warmSocket)
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	g.keepCapabilities()
	go g.hear(signals)
	go g.obey()
	if g.connects != nil {
		go g.connects.serve(g.flow)
	}
	os.Exit(g.watch())
}

// keepCapabilities leaves the guard those that it may need, since the flow can be
// another user: to end it, and to take its sockets where it is to connect them or have
// them listen, as that user.
func (g *guarding) keepCapabilities() {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var have [2]unix.CapUserData
	if unix.Capget(&header, &have[0]) != nil {
		return
	}
	mask := uint32(1 << unix.CAP_KILL)
	if g.connects != nil {
		mask |= 1 << unix.CAP_SYS_PTRACE
	}
	if g.connects != nil && g.connects.as {
		mask |= 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID
	}
	left := [2]unix.CapUserData{{Effective: have[0].Effective & mask, Permitted: have[0].Permitted & mask}}
	_, _, _ = syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&left[0])), 0) // giving up is allowed
}

// tell says something to the runner.
func (g *guarding) tell(n News) error {
	g.telling.Lock()
	defer g.telling.Unlock()
	return Send(g.runner, &n)
}

func (g *guarding) fail(err error) {
	if err != nil {
		_ = g.tell(News{Fault: err.Error()})
		os.Exit(1)
	}
}

// obey does what the runner wishes. When the runner is gone its flow ends too: its
// next attempt may begin as soon as this one is known to be dead.
func (g *guarding) obey() {
	for {
		var w Wish
		if _, err := Receive(g.runner, &w); err != nil || w.Kill {
			g.end()
			return
		}
		if w.Reach != nil {
			if g.connects != nil {
				g.connects.hold(*w.Reach)
			}
			continue
		}
		_ = unix.Kill(-g.flow, unix.SIGTERM)
	}
}

// EndFlow tells a guard to end its flow: another runner does that, which has no
// socket of it.
const EndFlow = syscall.SIGUSR1

// hear passes on what asks processes to stop, such as the end of the system.
func (g *guarding) hear(signals <-chan os.Signal) {
	for s := range signals {
		if s == EndFlow {
			g.end()
			return
		}
		_ = unix.Kill(-g.flow, unix.SIGTERM)
	}
}

// end kills the flow, and with a pid namespace everything at once.
func (g *guarding) end() {
	if g.spaces {
		_ = unix.Kill(-1, unix.SIGKILL)
	}
	_ = unix.Kill(-g.flow, unix.SIGKILL)
	_ = unix.Kill(g.flow, unix.SIGKILL) // it may have left its group
}

// watch reaps until the flow has ended and nothing that descends from it lives.
func (g *guarding) watch() int {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 1
		}
		if pid == g.flow {
			g.sweep()
			_ = g.tell(News{Ended: true, Status: int(status)})
			return 0
		}
	}
}
