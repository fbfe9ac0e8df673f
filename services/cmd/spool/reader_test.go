package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// pages is a flow that leaves a result, and fails on a file without pages.
const pages = `#!/bin/sh
for f in "$1"/*; do
	n=$(grep -c page "$f") || { echo "no pages" >&2; exit 3; }
	echo "{\"pages\": $n}" > "$SPOOL_RESULT"
done
`

// A program of fifteen lines, as it is printed, gets the name of the file, the
// outcome and the result of every run.
func TestPrintedSubscribers(t *testing.T) {
	t.Parallel()
	printedSubscribers(newHarness(t), "go", "python")
}

// TestSubscriberAsksForARun: with everything in one process.
func TestSubscriberAsksForARun(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.serve("--durability", "interval")
	p.asksFor(p.job("asked", "@yearly", "flow.ibflowbin", "tick/in", nil))
}

// The command line of NATS is built from its module for this, which takes minutes.
func TestLongPrintedSubscriberOfNATS(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	t.Parallel()
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("jq is not here, which the program needs")
	}
	bin := t.TempDir()
	install := exec.Command("go", "install", natscli)
	install.Env = append(os.Environ(), "GOBIN="+bin, "GOWORK=off", "GOFLAGS=")
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("the command line of NATS cannot be had here: %v\n%s", err, out)
	}
	p := newHarness(t)
	p.env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	printedSubscribers(p, "nats")
	asksByCommand(p)
}

// asksByCommand asks for a run with the line that is printed for it.
func asksByCommand(p *harness) {
	p.Helper()
	job := p.job("asked", "@yearly", "flow.ibflowbin", "tick/in", nil)
	creds := filepath.Join(p.TempDir(), "asks.creds")
	out, code := spool(p, "subscriber", "create", "asks", "--may-trigger", "-o", creds, "--url", "http://"+p.api, "--data", p.data, "--nats-url", "nats://"+p.nats)
	_, line, found := strings.Cut(out, "it requests a run with: ")
	if code != 0 || !found {
		p.Fatalf("create: status %d, %s", code, out)
	}
	ask := exec.Command("sh", "-c", strings.Replace(line, "<id or name>", "asked", 1))
	ask.Env = p.env
	text, err := ask.CombinedOutput()
	if err != nil || !strings.Contains(string(text), `{"trigger_id":"manual:`+job) {
		p.Errorf("%s says %v: %s", line, err, text)
	}
}

const natscli = "github.com/nats-io/natscli/nats@v0.3.0"

func printedSubscribers(p *harness, languages ...string) {
	p.Helper()
	p.flow("pages", pages)
	p.serve("--durability", "interval")
	p.job("scans", "", "pages", "in", nil)
	programs := map[string]*lockedBuffer{}
	for _, language := range languages {
		if out := p.readWith(language, p.reader(language)); out != nil {
			programs[language] = out
		}
	}
	for name, text := range map[string]string{"two pages.pdf": "page\npage\n", "blank.pdf": "\n"} {
		temporary := filepath.Join(p.dir, "."+name)
		if err := os.WriteFile(temporary, []byte(text), 0o644); err != nil {
			p.Fatal(err)
		}
		if err := os.Rename(temporary, filepath.Join(p.dir, "in", name)); err != nil {
			p.Fatal(err)
		}
	}
	for language, out := range programs {
		p.eventually(language+" prints both runs", func() bool {
			printed := strings.ReplaceAll(out.String(), `": `, `":`)
			return strings.Contains(printed, `two pages.pdf ok {"pages":2}`+"\n") && strings.Contains(printed, "blank.pdf failed ")
		})
		if n := strings.Count(out.String(), "\n"); n != 2 {
			p.Errorf("%s printed %d lines:\n%s", language, n, out.String())
		}
	}
}

// reader makes a subscriber and its program, which has at most fifteen lines.
func (p *harness) reader(language string) (file string) {
	p.Helper()
	creds := filepath.Join(p.TempDir(), "it's mine.creds")
	cmd := exec.Command(binary, "subscriber", "create", language, "--print", language, "--nats-url", "nats://"+p.nats, "-o", creds, "--url", "http://"+p.api, "--data", p.data)
	text, err := cmd.Output()
	if err != nil {
		p.Fatalf("create: %v, %s", err, text)
	}
	if n := strings.Count(string(text), "\n"); n > 15 {
		p.Errorf("the program in %s has %d lines", language, n)
	}
	file = filepath.Join(p.TempDir(), "main."+map[string]string{"go": "go", "python": "py", "nats": "sh"}[language])
	if err := os.WriteFile(file, text, 0o755); err != nil {
		p.Fatal(err)
	}
	return file
}

// readWith starts a program in a language, if the machine has it; what it lacks is said.
func (p *harness) readWith(language, file string) *lockedBuffer {
	p.Helper()
	var cmd *exec.Cmd
	switch language {
	case "go":
		program := filepath.Join(p.TempDir(), "reader")
		build := exec.Command("go", "build", "-o", program, file)
		build.Dir = filepath.Join("..", "..") // where the module has nats.go
		if out, err := build.CombinedOutput(); err != nil {
			p.Fatalf("build: %v\n%s", err, out)
		}
		cmd = exec.Command(program)
	case "python":
		if out, err := exec.Command("python3", "-m", "py_compile", file).CombinedOutput(); err != nil {
			p.Errorf("python3 cannot read the program: %v\n%s", err, out)
		}
		if err := exec.Command("python3", "-c", "import nats").Run(); err != nil {
			p.Log("no nats-py here (Debian has no package of it): the program in Python is compiled and not run")
			return nil
		}
		cmd = exec.Command("python3", file)
	case "nats":
		cmd = exec.Command("timeout", "300", "sh", file) // ends all of them when it is asked to end
		cmd.Env = p.env
	}
	out := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() })
	return out
}
