package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"spool.internal/events/eventstest"
)

// TestRunbooks plays the scripts of testdata/runbooks: what an operator does with the machines of a store,
// step by step, with real processes. The README there explains the commands.
func TestRunbooks(t *testing.T) { playRunbooks(t, "testdata/runbooks") }

// TestLongRunbooks plays those that take three machines.
func TestLongRunbooks(t *testing.T) {
	long(t)
	playRunbooks(t, "testdata/runbooks/long")
}

// operator is what a script has at hand.
type operator struct {
	*harness
	machines map[string]*process
}

type operatorKey struct{}

func operatorOf(ts *testscript.TestScript) *operator { return ts.Value(operatorKey{}).(*operator) }

// playRunbooks plays the scripts of a folder, one after the other: three machines of each are enough.
func playRunbooks(t *testing.T, dir string) {
	scripts, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts in", dir, err)
	}
	for _, script := range scripts {
		t.Run("script", func(t *testing.T) { playRunbook(t, script) })
	}
}

func playRunbook(t *testing.T, script string) {
	testscript.Run(t, testscript.Params{
		Files: []string{script}, RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"spool": spoolRuns, "exits": exits, "until": until,
			"serve": serveMachine, "ready": readyMachine, "says": machineSays, "halt": haltMachine, "ran": ranFiles,
		},
		Setup: func(env *testscript.Env) error {
			p := &harness{TB: env.T().(testing.TB)}
			env.Values[operatorKey{}] = &operator{p, map[string]*process{}}
			env.Values[harnessKey{}] = p
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, ".config"))
			env.Setenv("TZ", "UTC")
			golden, err := filepath.Abs("testdata/golden")
			if err != nil {
				return err
			}
			env.Setenv("GOLDEN", golden)
			env.Setenv("PATH", filepath.Dir(binary)+string(os.PathListSeparator)+env.Getenv("PATH"))
			for _, m := range []string{"one", "two", "m1", "m2", "m3", "n1", "n2", "n3", "back", "former", "restored"} {
				env.Setenv("API_"+m, eventstest.FreeAddress(p))
				env.Setenv("ROUTE_"+m, eventstest.FreeAddress(p))
			}
			return os.MkdirAll(filepath.Join(env.WorkDir, "drive", "in"), 0o755)
		},
	})
}

// serveMachine: serve NAME ARG… starts spool serve with the data folder NAME and the drive of the script.
func serveMachine(ts *testscript.TestScript, _ bool, args []string) {
	o, name := operatorOf(ts), args[0]
	pr := &process{p: o.harness, log: &lockedBuffer{}, attr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}, args: append([]string{
		"serve", "--data", ts.MkAbs(name), "--listen", ts.Getenv("API_" + name), "--insecure", "--sandbox", "off",
		"--drive", testDrive + "=" + ts.MkAbs("drive"),
	}, args[1:]...)}
	if i := slices.Index(pr.args, "--bundle"); i > 0 {
		pr.args[i+1] = ts.MkAbs(pr.args[i+1])
	}
	pr.launch()
	o.Cleanup(pr.kill)
	o.machines[name] = pr
}

// readyMachine: ready NAME… waits until machines are ready.
func readyMachine(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		machineSays(ts, false, []string{name, `msg=ready`})
	}
}

// machineSays: says NAME PATTERN waits until the log of a machine, or what it ended with, matches.
func machineSays(ts *testscript.TestScript, _ bool, args []string) {
	o, pattern := operatorOf(ts), regexp.MustCompile("(?m)"+args[1])
	pr := o.machines[args[0]]
	o.eventually(args[0]+" says "+args[1], func() bool {
		said := pr.log.String()
		if pattern.MatchString(said) {
			return true
		}
		if strings.Contains("\n"+said, "\nspool: ") {
			ts.Fatalf("%s has ended: %s", args[0], tail(said, 1000))
		}
		return false
	})
}

// haltMachine: halt NAME… asks machines to end, and waits until they have.
func haltMachine(ts *testscript.TestScript, _ bool, args []string) {
	o := operatorOf(ts)
	for _, name := range args {
		if err := o.machines[name].cmd.Process.Signal(syscall.SIGTERM); err != nil {
			ts.Fatalf("halt %s: %v", name, err)
		}
	}
	for _, name := range args {
		_ = o.machines[name].cmd.Wait() // the status does not matter
	}
}

// ranFiles: ran FILE N ARG… waits until a file has run N times, as spool runs list ARG… says, and fails when
// it was more often.
func ranFiles(ts *testscript.TestScript, _ bool, args []string) {
	o := operatorOf(ts)
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	times := func() int {
		_ = ts.Exec(binary, append([]string{"runs", "list", "-o", "json"}, args[2:]...)...) // the output decides
		return strings.Count(ts.ReadFile("stdout"), `"path": "`+args[0]+`"`)
	}
	o.eventually(args[0]+" has run "+args[1]+" times", func() bool { return times() >= want })
	if n := times(); n != want {
		ts.Fatalf("%s has run %d times, not %d", args[0], n, want)
	}
}
