package cell

import (
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// What a process is there for, besides what all systems have.
const (
	Launcher = "launch"
	Guard    = "guard"
)

// Descriptors of a launcher and a guard, beyond the standard three.
const (
	guardSocket   = 3
	controlSocket = 4 // for what becomes the flow
)

// GuardArgs are the arguments of a guard.
func GuardArgs() []string { return []string{Name, Guard} }

// LaunchArgs are the arguments of a launcher that makes what the form asks for.
func (f Form) LaunchArgs() []string {
	return []string{Name, Launcher, strconv.Itoa(os.Geteuid()), strconv.Itoa(os.Getegid()), f.as()}
}

// as is the user that the flow becomes, uid:gid.
func (f Form) as() string {
	if !f.As {
		return "-"
	}
	return strconv.Itoa(f.UID) + ":" + strconv.Itoa(f.GID)
}

// Spaces are the namespaces that a guard is started in, where it has any, besides
// that of users.
const Spaces = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWIPC

// needs are the capabilities, in a user namespace, of whoever shuts a flow in: to
// mount, to become another user, to give up what is left, to take its sockets.
var needs = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SYS_PTRACE, unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_SETPCAP, unix.CAP_KILL, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_CHOWN}

// launch makes the namespaces with a guard in them, which becomes a child of the
// runner, and exits. The processes of the namespaces see the same ids as before.
func launch(args []string) {
	closeOthers(controlSocket)
	uid, _ := strconv.Atoi(args[0])
	gid, _ := strconv.Atoi(args[1])
	attr := &syscall.SysProcAttr{
		Cloneflags:  Spaces | syscall.CLONE_NEWUSER | syscall.CLONE_PARENT,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}},
	}
	if asUID, asGID, ok := ids(args[2]); ok {
		attr.UidMappings = append(attr.UidMappings, syscall.SysProcIDMap{ContainerID: asUID, HostID: asUID, Size: 1})
		attr.GidMappings = append(attr.GidMappings, syscall.SysProcIDMap{ContainerID: asGID, HostID: asGID, Size: 1})
		attr.GidMappingsEnableSetgroups = true
	}
	if uid != 0 {
		attr.AmbientCaps = needs // exec takes all but these from everybody but root
	}
	runner := os.NewFile(guardSocket, "runner")
	pid, err := syscall.ForkExec("/proc/self/exe", GuardArgs(), &syscall.ProcAttr{
		Dir: "/", Env: Environment, Files: []uintptr{0, 1, 2, guardSocket, controlSocket}, Sys: attr,
	})
	news := News{PID: pid}
	if err != nil {
		news.Fault = err.Error()
	}
	if Send(runner, &news) != nil || err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

func ids(s string) (uid, gid int, ok bool) {
	for i := range s {
		if s[i] == ':' {
			uid, err := strconv.Atoi(s[:i])
			gid, err2 := strconv.Atoi(s[i+1:])
			return uid, gid, err == nil && err2 == nil
		}
	}
	return 0, 0, false
}
