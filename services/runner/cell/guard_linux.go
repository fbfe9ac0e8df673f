package cell

import (
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

var roles = map[string]func([]string){Launcher: launch, Guard: guard}

// init keeps main on the first thread of a guard, which cannot end: the one that starts the flow
// ends.
func init() {
	if len(os.Args) > 1 && os.Args[0] == Name && os.Args[1] == Guard {
		runtime.LockOSThread()
	}
}

// guarding is a guard at work.
type guarding struct {
	runner *os.File
	spaces bool // the end of this process is that of all others

	connects *connecting // nil: the flow asks for nothing
	telling  sync.Mutex  // one message at a time goes to the runner

	mu   sync.Mutex
	flow int // the process that becomes the flow; it leads a process group. 0 = there is none yet
}

// guard puts up the room, waits for the command and starts what becomes the flow; then it
// outlives that, and ends all that descends from it. When the runner goes, so does all of it.
func guard([]string) {
	g := &guarding{runner: os.NewFile(guardSocket, "runner")}
	control := os.NewFile(controlSocket, "control") // blocking: there is nothing else to do
	syscall.CloseOnExec(guardSocket)
	syscall.CloseOnExec(controlSocket)
	closeOthers(controlSocket)
	_ = unix.Setpgid(0, 0) // else it is in that of its launcher
	var room Room
	rights, err := Receive(control, &room)
	if err != nil {
		g.over(1 << 8)
	}
	g.spaces = room.Form.Spaces
	if !g.spaces {
		g.fail(unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
	}
	s, met := room.prepare(rights)
	if Send(control, &met) != nil || met.Fault != "" {
		g.over(1 << 8)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, EndFlow, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	if room.Form.Asks || room.Form.Hears {
		g.connects = newConnecting(g, room.Form)
	}
	go g.hear(signals)
	go g.obey()
	g.begin(s, control)
	os.Exit(g.watch())
}

// begin has the process of the flow started, and leaves the guard what it may need and no more
// before the flow runs.
func (g *guarding) begin(s *shell, control *os.File) {
	null, noNull := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0) // the flow may get none
	var word [2]int                                                       // a pipe
	if err := unix.Pipe2(word[:], unix.O_CLOEXEC); err != nil {
		g.refuse(err)
	}
	listener := g.bear(s, control, word[0])
	g.keepCapabilities()
	if s.room.Form.Asks {
		if err := canTake(g.flow); err != nil {
			g.end()
			g.refuse(err)
		}
	}
	// What the flow prints has an end when nobody of it is left; and nobody but the
	// process of the flow may keep its socket open.
	if noNull == nil {
		for fd := range 3 {
			_ = unix.Dup3(null, fd, 0)
		}
		_ = unix.Close(null)
	}
	_ = control.Close()
	_ = unix.Close(word[0])
	s.close()
	if listener != nil {
		go g.connects.serve(listener)
	}
	_, _ = unix.Write(word[1], []byte{1})
	_ = unix.Close(word[1])
}

// bear waits for the command, and has a thread shut itself in and start the process of the flow,
// which is what that thread is. Then the thread ends.
func (g *guarding) bear(s *shell, control *os.File, word int) (listener *os.File) {
	thread := make(chan int, 1)
	go func() {
		runtime.LockOSThread() // for good
		var cmd Command
		rights, err := Receive(control, &cmd)
		if err != nil {
			g.over(1 << 8)
		}
		_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
		b, err := newBirth(&cmd, s.room.Limits, control, word)
		if err == nil {
			err = s.enter(&cmd, rights)
		}
		if err == nil {
			listener, err = s.filter()
		}
		if err != nil {
			g.refuse(err)
		}
		g.start(b, s.shortage)
		for _, f := range rights {
			_ = f.Close()
		}
		thread <- unix.Gettid()
	}()
	for tid := <-thread; unix.Tgkill(unix.Getpid(), tid, 0) == nil; {
		runtime.Gosched() // until it is gone
	}
	return listener
}

// start starts the process, which the kernel is to end before anything of Spool when memory is short.
func (g *guarding) start(b *birth, shortage int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	was := make([]byte, 16)
	n, _ := unix.Pread(shortage, was, 0)
	_, _ = unix.Pwrite(shortage, []byte("1000"), 0) // without it the flow is as likely as others
	pid, err := b.start()
	_, _ = unix.Pwrite(shortage, was[:max(0, n)], 0)
	if err != nil {
		say(b.said, err.Error())
		g.over(notExecuted << 8)
	}
	g.flow = pid
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

// over ends a guard of whose flow nothing is there, with the status of that.
func (g *guarding) over(status int) {
	_ = g.tell(News{Ended: true, Status: status})
	os.Exit(0)
}

// refuse says in the log of the run why its flow does not begin.
func (g *guarding) refuse(err error) {
	cannotShutIn(err)
	g.over(notShutIn << 8)
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
		g.stop()
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
		g.stop()
	}
}

// stop asks the flow to stop.
func (g *guarding) stop() { _ = unix.Kill(-g.begun(unix.SIGTERM), unix.SIGTERM) }

// end kills the flow, and with a pid namespace everything at once.
func (g *guarding) end() {
	flow := g.begun(unix.SIGKILL)
	if g.spaces {
		_ = unix.Kill(-1, unix.SIGKILL)
	}
	_ = unix.Kill(-flow, unix.SIGKILL)
	_ = unix.Kill(flow, unix.SIGKILL) // it may have left its group
}

// begun is the process of the flow. As long as there is none this process ends instead, as if the
// flow had died by a signal.
func (g *guarding) begun(by unix.Signal) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.flow == 0 {
		g.over(int(by))
	}
	return g.flow
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
