package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// apartEnv says in a test's process that it has a network and mounts of its own; what it
// holds is the folder with the programs that the process which started it has built.
const apartEnv = "CHAOS_APART"

// ownNetwork runs the test once more, in a process with a network and mounts of its own, which
// go with it, and reports whether this is that process. Where the machine gives none,
// this is the one, and the network that it makes cuts nobody off.
func ownNetwork(t *testing.T) bool {
	t.Helper()
	if os.Getenv(apartEnv) != "" {
		return true
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	natsServer(t) // while there is a network
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=0")
	cmd.Env = append(os.Environ(), apartEnv+"="+filepath.Dir(binary))
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	said := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = said, said
	if testing.Verbose() {
		both := io.MultiWriter(os.Stdout, said)
		cmd.Stdout, cmd.Stderr = both, both
	}
	if err := cmd.Start(); err != nil {
		t.Logf("THIS MACHINE GIVES NO NETWORK OF A TEST'S OWN (%v): NO PARTITION IS SHOWN", err)
		return true
	}
	if err := cmd.Wait(); err != nil && !testing.Verbose() {
		t.Fatalf("%v\n%s", err, said)
	} else if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains([]byte(said.String()), []byte("--- SKIP")) {
		t.Skip(said.String())
	}
	if !testing.Verbose() {
		t.Log(said.String())
	}
	return false
}

// natsServer gives a nats-server of the version that this module embeds.
func natsServer(t testing.TB) string {
	t.Helper()
	at := filepath.Join(filepath.Dir(binary), "nats-server")
	if _, err := os.Stat(at); err == nil {
		return at
	}
	if out, err := exec.Command("go", "build", "-o", at, "github.com/nats-io/nats-server/v2").CombinedOutput(); err != nil {
		t.Fatalf("build nats-server: %v\n%s", err, out)
	}
	return at
}

// network joins machines, each with an address of its own. A real one is a bridge with
// a cable to the network namespace of each machine.
type network struct {
	testing.TB
	test   string // the address of the test itself
	spaces []*os.File
	home   *os.File
}

// newNetwork makes one of so many machines.
func newNetwork(t testing.TB, machines int) *network {
	t.Helper()
	if os.Getenv(apartEnv) == "" {
		return &network{TB: t, test: "127.0.0.1"}
	}
	home, err := space()
	if err != nil {
		t.Fatal(err)
	}
	n := &network{TB: t, test: "10.213.0.254", home: home}
	n.ip("link", "set", "lo", "up")
	n.ip("link", "add", "lan", "type", "bridge", "forward_delay", "0")
	n.ip("addr", "add", n.test+"/24", "dev", "lan")
	n.ip("link", "set", "lan", "up")
	for i := range machines {
		var of *os.File
		err := inThread(func() error {
			defer func() { n.must(unix.Setns(int(home.Fd()), unix.CLONE_NEWNET)) }()
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return err
			}
			var err error
			of, err = space()
			return err
		})
		n.must(err)
		n.spaces = append(n.spaces, of)
		n.ip("link", "add", cable(i), "type", "veth", "peer", "name", "eth0", "netns", fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), of.Fd()))
		n.ip("link", "set", cable(i), "master", "lan", "up")
		n.within(i, func() error {
			n.ip("link", "set", "lo", "up")
			n.ip("addr", "add", n.address(i)+"/24", "dev", "eth0")
			n.ip("link", "set", "eth0", "up")
			return nil
		})
	}
	return n
}

func cable(machine int) string { return fmt.Sprint("cable", machine+1) }

// real reports whether machines can be cut off.
func (n *network) real() bool { return n.home != nil }

// address is that of a machine.
func (n *network) address(machine int) string {
	if n.real() {
		return fmt.Sprint("10.213.0.", machine+1)
	}
	return fmt.Sprintf("127.%d.213.%d", 1+os.Getpid()%250, machine+1)
}

// within has f run on a machine: what it opens and starts is there.
func (n *network) within(machine int, f func() error) {
	n.Helper()
	if !n.real() {
		n.must(f())
		return
	}
	n.must(inThread(func() error {
		if err := unix.Setns(int(n.spaces[machine].Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		return errors.Join(f(), unix.Setns(int(n.home.Fd()), unix.CLONE_NEWNET))
	}))
}

// cut takes a machine off the network: what it sends is lost, and so is what is sent to it.
func (n *network) cut(machine int)  { n.ip("link", "set", cable(machine), "nomaster") }
func (n *network) heal(machine int) { n.ip("link", "set", cable(machine), "master", "lan") }

func (n *network) ip(args ...string) {
	n.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		n.Fatalf("ip %v: %v %s", args, err, out)
	}
}

func (n *network) must(err error) {
	n.Helper()
	if err != nil {
		n.Fatal(err)
	}
}

// space is the network namespace of this thread.
func space() (*os.File, error) { return os.Open("/proc/thread-self/ns/net") }

// inThread has f keep its thread, in whose network it is to leave it again.
func inThread(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return f()
}
