package programs

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/services/runner/cell"
)

var (
	update   = flag.Bool("update", false, "write PROGRAMS.md anew")
	flowUser = flag.String("flow-user", "", "whom flows are, where the tests are root's")
)

// program is a row of the table: something that people run, what it is granted, and
// what it is to make.
type program struct {
	name     string
	needs    []string // programs; one without a slash is looked for in PATH
	packages string   // of Debian, that have them
	grant    string   // lines of its one profile, with a ; between them; empty = none
	says     string   // what the run says that lacks the grant; empty = nothing tells
	script   string   // of /bin/sh: $1 is the input, it works in its output, where it leaves the file "made"
	read     string   // a command of the host that shows "made" (at its end) as text; empty = it is text, or begins with magic
	want     string   // what must be in it, as a regular expression
	makes    string   // what that is, for people
	denied   bool     // it is to fail, and its message is what is looked at
	ten      bool     // it is one of those of make test-long
	quick    bool     // it is in make test, too

	serve func(t *testing.T) served       // makes what the program needs beside it, such as a server
	build func(t *testing.T, path string) // makes the flow, in place of a script
}

// served is what a program needs to know of what it needs.
type served struct {
	value  string            // for the {} of grant, says and script
	inputs map[string]string // what lies in the input, too
}

// programs is the table, in the order of PROGRAMS.md.
var programs = slices.Concat(documents, languages, databases, network, archives)

// The ten that are quick, of every kind.
func TestLongPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: it starts servers and takes half a minute")
	}
	try(t, func(p program) bool { return p.ten })
}

// Those that need a moment.
func TestPrograms(t *testing.T) {
	try(t, func(p program) bool { return p.quick })
}

// All of them.
func TestAllPrograms(t *testing.T) {
	if os.Getenv("SPOOL_PROGRAMS") == "" {
		t.Skip("make test-programs runs it: it takes minutes, and many programs")
	}
	try(t, func(program) bool { return true })
}

// What of the ten this machine lacks is said by make test-long, which shows nothing of
// tests that pass.
func TestTenAreHere(t *testing.T) {
	t.Setenv("PATH", flowPath)
	for _, p := range programs {
		if lacks := p.lacking(); p.ten && lacks != "" {
			t.Logf("NOT SHOWN: %s: this machine has no %s: apt-get install %s", p.name, lacks, p.packages)
		}
	}
}

// flowPath is the PATH of flows here: what people have, not what a machine that
// builds has before it.
const flowPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/go/bin"

func try(t *testing.T, wanted func(program) bool) {
	if abi := cell.Landlock(); abi < 6 {
		t.Skipf("NOT SHOWN: the whole sandbox takes Landlock 6 (Linux 6.12), and this kernel has %d", abi)
	}
	t.Setenv("PATH", flowPath)
	s := newStation(t)
	var missing []string
	n := 0
	for _, p := range programs {
		if !wanted(p) {
			continue
		}
		n++
		t.Run(p.name, func(t *testing.T) {
			if lacks := p.lacking(); lacks != "" {
				missing = append(missing, p.name)
				t.Skipf("NOT SHOWN: this machine has no %s: apt-get install %s", lacks, p.packages)
			}
			s.try(t, p)
		})
	}
	if len(missing) > 0 {
		fmt.Fprintf(os.Stderr, "%s: %d of %d programs were NOT SHOWN, which this machine does not have: %s\n", t.Name(), len(missing), n, strings.Join(missing, ", "))
	}
}

func (p program) lacking() string {
	for _, need := range p.needs {
		found, _ := filepath.Glob(need)
		if _, err := exec.LookPath(need); err != nil && len(found) == 0 {
			return need
		}
	}
	return ""
}

// id is the name of a program as tokens of subjects and names of files take it.
func (p program) id() string {
	return regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(p.name), "-")
}

func (s *station) try(t *testing.T, p program) {
	var with served
	if p.serve != nil {
		with = p.serve(t)
	}
	fill := func(text string) string { return strings.ReplaceAll(text, "{}", with.value) }
	at := s.site(t, p.id(), fill(p.grant))
	for _, files := range []map[string]string{inputs, with.inputs} {
		for name, text := range files {
			at.write("in/"+name, text, 0o644)
		}
	}
	if p.build != nil {
		p.build(t, filepath.Join(at.folder, "flow"))
	} else {
		at.write("flow", "#!/bin/sh\nset -e\n"+fill(p.script)+"\n", 0o755)
	}
	if p.grant != "" {
		ended, printed := at.run("without", "")
		if ended.Status == events.OK || !strings.Contains(ended.Message, fill(p.says)) {
			t.Errorf("without its grant it ended %s and says %q, want %q\n%s", ended.Status, ended.Message, fill(p.says), printed)
		}
	}
	profiles := ""
	if p.grant != "" {
		profiles = "it"
	}
	ended, printed := at.run("out", profiles)
	made := ended.Message
	switch {
	case p.denied && ended.Status == events.OK, !p.denied && ended.Status != events.OK:
		t.Fatalf("it ended %s: %s\n%s", ended.Status, ended.Message, printed)
	case !p.denied:
		made = p.made(t, filepath.Join(at.folder, "out", "made"))
	}
	if !regexp.MustCompile(p.want).MatchString(made) {
		t.Errorf("it has made %.400q, want %s\n%s", made, p.want, printed)
	}
}

// made reads what a program has made, out of its sandbox.
func (p program) made(t *testing.T, file string) string {
	if p.read == "" {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	text, err := exec.Command("sh", "-c", strings.ReplaceAll(p.read, "MADE", "'"+file+"'")).CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v", p.read, err)
	}
	return string(text)
}
