package runner

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"spool.internal/services/runner/seccomp"
)

// form is how a runner may find itself on a host.
type form struct {
	name     string
	nobody   bool // an ordinary user, else root
	noSpaces bool // user.max_*_namespaces = 0
	noAdmin  bool // root without CAP_SYS_ADMIN
	flowUser bool // flows are another user
	column   int  // of the table in README.md, from 0
	noMounts bool // namespaces are granted, and mounting in them is denied
}

var forms = []form{
	{name: "user", nobody: true},
	{name: "root"},
	{name: "root, a flow user", flowUser: true},
	{name: "user, no namespaces", nobody: true, noSpaces: true, column: 1},
	{name: "user, no mounts", nobody: true, noMounts: true, column: 1},
	{name: "root, no namespaces, a flow user", noSpaces: true, noAdmin: true, flowUser: true, column: 2},
	{name: "root, no namespaces", noSpaces: true, noAdmin: true, column: 3},
}

// formVariable makes the test binary take a form before it runs a test: it names
// the form, and after that formReady.
const (
	formVariable = "RUNNER_TEST_FORM"
	formReady    = "ready: "
)

// inForm gives the form that this process is in, nil when it is in none.
func inForm() *form {
	name, ready := strings.CutPrefix(os.Getenv(formVariable), formReady)
	for _, f := range forms {
		if ready && f.name == name {
			return &f
		}
	}
	return nil
}

// A process puts itself into the form that it is told, and starts anew.
func init() {
	name := os.Getenv(formVariable)
	for _, f := range forms {
		if f.name == name {
			err := f.take()
			if err == nil {
				err = os.Setenv(formVariable, formReady+name)
			}
			if err == nil {
				err = syscall.Exec("/proc/self/exe", os.Args, os.Environ())
			}
			fmt.Fprintf(os.Stderr, "the form %q: %v\n", name, err)
			os.Exit(1)
		}
	}
}

// nobody is the user of that name, wherever it is.
const nobody = 65534

func (f form) take() error {
	runtime.LockOSThread() // exec keeps what this thread has become
	if f.noSpaces {
		all, err := filepath.Glob("/proc/sys/user/max_*_namespaces")
		if err != nil || len(all) == 0 {
			return fmt.Errorf("limits of namespaces: %v, %v", all, err)
		}
		for _, name := range all {
			if err := os.WriteFile(name, []byte("0"), 0); err != nil {
				return err
			}
		}
	}
	if f.noAdmin {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_ADMIN, 0, 0, 0); err != nil {
			return err
		}
	}
	if f.nobody {
		for _, step := range []func() error{
			func() error { return raw(unix.SYS_SETGROUPS, 0, 0, 0) },
			func() error { return raw(unix.SYS_SETRESGID, nobody, nobody, nobody) },
			func() error { return raw(unix.SYS_SETRESUID, nobody, nobody, nobody) },
		} {
			if err := step(); err != nil {
				return err
			}
		}
	}
	if f.noMounts {
		return denyMounts()
	}
	return nil
}

func raw(number, a, b, c uintptr) error {
	if _, _, errno := syscall.RawSyscall(number, a, b, c); errno != 0 {
		return errno
	}
	return nil
}

// denyMounts does what AppArmor does in many containers.
func denyMounts() error {
	program := []bpf.Instruction{bpf.LoadAbsolute{Off: 0, Size: 4}}
	denied := []uint32{unix.SYS_MOUNT, unix.SYS_FSOPEN, unix.SYS_FSMOUNT, unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_MOUNT_SETATTR, unix.SYS_PIVOT_ROOT}
	for i, number := range denied {
		program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: number, SkipTrue: uint8(len(denied) - i)})
	}
	program = append(program, bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW}, bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES)})
	filter, err := bpf.Assemble(program)
	if err != nil {
		return err
	}
	text := seccomp.Bytes(filter)
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: (*unix.SockFilter)(unsafe.Pointer(&text[0]))}
	return errors.Join(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
		unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)), 0, 0))
}

// inEveryForm runs one test again in each form, as a process of its own. Whoever
// is not root has only the form that it is in.
func inEveryForm(t *testing.T, test string, try func(*testing.T, *form)) {
	if f := inForm(); f != nil {
		try(t, f)
		return
	}
	if os.Geteuid() != 0 {
		fmt.Fprintf(os.Stderr, "%s: NOT SHOWN for other forms than this: root alone can take them\n", t.Name())
		try(t, &form{name: "as it is", nobody: true})
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(self) // other users may not reach where it lies
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "forms")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "runner.test")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(binary, text, 0o755), os.WriteFile(filepath.Join(dir, "README.md"), readme, 0o644)); err != nil {
		t.Fatal(err)
	}
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), binary, "-test.run=^"+test+"$", "-test.v", "-test.count=1")
			cmd.Dir, cmd.Env = "/", append(os.Environ(), formVariable+"="+f.name, "HOME=/", "TMPDIR="+os.TempDir())
			if f.noSpaces { // in a user namespace of the test's own, whose limits are nobody else's
				whole := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: nobody + 2}}
				cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: whole, GidMappings: whole, GidMappingsEnableSetgroups: true}
			}
			out, err := cmd.CombinedOutput()
			if f.noSpaces && cmd.Process == nil { // a container in which root may make no namespace
				fmt.Fprintf(os.Stderr, "NOT SHOWN on this machine: %s: %v\n", f.name, err)
				return
			}
			if err != nil || !bytes.Contains(out, []byte("--- PASS: "+test)) {
				t.Errorf("%v\n%s", err, out)
			} else if testing.Verbose() {
				t.Logf("%s", out)
			}
		})
	}
}
