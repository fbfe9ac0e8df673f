//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// TestZoo plays every script of testdata/zoo: one way in which a file can come
// into a folder, and how many runs it leads to. The README there explains the
// commands. The whole way is real: files, spool as processes of its own, NATS on
// disk, and an endpoint on HTTP that looks at what it was given.
func TestZoo(t *testing.T) { playZoo(t, "testdata/zoo") }

// TestLongZoo plays those whose writers take their time.
func TestLongZoo(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: its writers take 10 s and more")
	}
	t.Parallel()
	playZoo(t, "testdata/zoo/long")
}

// crowd is how many scripts play at once. They wait more than they work.
const crowd = 24

// nobody owns the spool that may not read everything.
const nobody = 65534

// zoo is what all scripts share.
type zoo struct {
	*testing.T
	dir       string // the drive; each script has a folder of its own there
	shm       string // a folder on another file system, "" = there is none
	endpoint  *endpoint
	harnesses map[string]*harness // by what a job says with on=
	buses     map[string]*jet.Bus
	logs      map[string]*lockedBuffer
}

func playZoo(t *testing.T, scripts string) {
	z := &zoo{T: t, dir: openTempDir(t), harnesses: map[string]*harness{}, buses: map[string]*jet.Bus{}, logs: map[string]*lockedBuffer{}}
	z.endpoint = newEndpoint(t, z.dir)
	if err := os.MkdirAll(filepath.Join(z.dir, ".spool"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(z.dir, ".spool"), 0o777); err != nil { // whoever runs spool
		t.Fatal(err)
	}
	if shm, err := os.MkdirTemp("/dev/shm", "spool-zoo-"); err == nil {
		z.shm = shm
		t.Cleanup(func() { _ = os.RemoveAll(shm) })
	} else {
		loud("no second file system: /dev/shm: %v", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	flow := fmt.Sprintf("#!/bin/sh\nexec '%s' zoo-flow %s \"$1\" \"$2\"\n", self, z.endpoint.url)
	if err := os.WriteFile(filepath.Join(z.dir, "zoo.flow"), []byte(flow), 0o755); err != nil {
		t.Fatal(err)
	}
	z.start("endpoint", nil, "--run-binary-url", z.endpoint.url)
	z.start("runner", nil, "--stage", "link", "--runner-read", self) // the flow is this program
	if os.Getuid() == 0 {
		z.start("nobody", &syscall.Credential{Uid: nobody, Gid: nobody}, "--run-binary-url", z.endpoint.url, "--stage", "link")
	} else {
		z.harnesses["nobody"], z.buses["nobody"], z.logs["nobody"] = z.harnesses["endpoint"], z.buses["endpoint"], z.logs["endpoint"]
	}
	all := &sideBySide{T: t, room: make(chan struct{}, crowd)}
	testscript.RunT(all, testscript.Params{
		Dir: scripts, WorkdirRoot: z.dir, RequireUniqueNames: true,
		Setup: z.setup, Cmds: zooCommands, Condition: z.condition,
	})
	all.wg.Wait()
	for _, fault := range z.endpoint.fault {
		t.Error(fault)
	}
}

// start starts one more spool on the drive of the zoo.
func (z *zoo) start(name string, as *syscall.Credential, more ...string) {
	p := &harness{TB: z.T, data: filepath.Join(openTempDir(z.T), "data"), dir: z.dir, nats: eventstest.FreeAddress(z), api: eventstest.FreeAddress(z)}
	pr := &process{p: p, log: &lockedBuffer{}, args: append([]string{
		"serve", "--data", p.data, "--listen", p.api, "--nats-listen", p.nats, "--drive", testDrive + "=" + p.dir, "--rate", "1000", "--burst", "1000",
	}, more...)}
	if as != nil {
		if err := os.Mkdir(p.data, 0o700); err != nil {
			z.Fatal(err)
		}
		if err := os.Chown(p.data, int(as.Uid), int(as.Gid)); err != nil {
			z.Fatal(err)
		}
		pr.attr = &syscall.SysProcAttr{Credential: as}
	}
	pr.start()
	z.Cleanup(pr.kill)
	z.harnesses[name], z.buses[name], z.logs[name] = p, p.bus(), pr.log
}

// openTempDir is a folder that every user can reach.
func openTempDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && len(d) > 1; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// loud says on the terminal that a test shows less than it could.
func loud(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "ZOO: "+format+"\n", args...)
}

// setup gives a script its job-to-be and its words.
func (z *zoo) setup(env *testscript.Env) error {
	c := newScript(z, env.WorkDir)
	env.Values[scriptKey{}] = c
	env.Defer(c.close)
	if err := os.Chmod(env.WorkDir, 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(c.in, 0o755); err != nil {
		return err
	}
	shm := ""
	if z.shm != "" {
		shm = filepath.Join(z.shm, filepath.Base(env.WorkDir))
		if err := os.Mkdir(shm, 0o755); err != nil {
			return err
		}
	}
	// What a script cannot spell.
	env.Setenv("SHM", shm)
	env.Setenv("NEWLINE", "two\nlines.txt")
	env.Setenv("LATIN1", "caf\xe9.txt")
	env.Setenv("LONGEST", strings.Repeat("n", 251)+".txt")
	return nil
}

func (z *zoo) condition(cond string) (bool, error) {
	switch cond {
	case "root":
		if os.Getuid() != 0 {
			loud("not root: a case is left out")
		}
		return os.Getuid() == 0, nil
	case "shm":
		return z.shm != "", nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}

// sideBySide has the scripts play beside each other, more of them than there are processors.
type sideBySide struct {
	*testing.T
	room chan struct{}
	wg   sync.WaitGroup
}

func (p *sideBySide) Parallel()     {}
func (p *sideBySide) Verbose() bool { return testing.Verbose() }

func (p *sideBySide) Run(name string, f func(testscript.T)) {
	p.wg.Go(func() {
		p.room <- struct{}{}
		defer func() { <-p.room }()
		p.T.Run(name, func(t *testing.T) { f(&sideBySide{T: t}) })
	})
}
