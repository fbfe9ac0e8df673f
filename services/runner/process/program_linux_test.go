package process

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"spool.internal/services/runner/cell"
)

// buildGate builds the gate program, as `make gate` does.
func buildGate(t testing.TB) (text []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gate")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "../gate")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The gate program is small: it starts for every run.
func TestTheGateProgramIsSmall(t *testing.T) {
	if n := len(buildGate(t)); n > 2_000_000 {
		t.Errorf("it has %d bytes", n)
	}
	out, err := exec.Command("go", "list", "-deps", "../gate").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		if slices.Contains([]string{"fmt", "encoding/json", "net", "log", "os/exec"}, dep) {
			t.Errorf("it imports %s", dep)
		}
	}
}

// A flow runs whatever its process was started from.
func TestWhereTheGateProgramLies(t *testing.T) {
	text := buildGate(t)
	for name, place := range map[string]func(io.Reader, string) (Program, error){
		"memory": inMemory, "folder": inFolder,
		"spool itself": func(io.Reader, string) (Program, error) { return Program{Path: "/proc/self/exe"}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, `touch "$2/ran"`)
			p, err := place(bytes.NewReader(text), h.data)
			if err == nil {
				err = p.Try()
			}
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			for _, room := range []cell.Room{{}, {Form: cell.Form{Spaces: true, User: !HasCapability(21), View: true}, Run: []string{"/usr", "/bin", "/lib", "/lib64"}}} {
				f, err := Start(p, room)
				if err != nil {
					t.Fatal(err)
				}
				if room.Form.View && !f.Met.View {
					t.Logf("no view on this machine: %s", f.Met.Lacks)
				}
				h.load(f)
				defer f.Open(time.Minute, func() {})()
				f.Wait(context.Background())
				if !room.Form.View && (!f.State.Success() || !h.exists("ran")) {
					t.Errorf("%+v: %v", room, f.State)
				}
			}
		})
	}
}

// A program that cannot be executed where it lies is not started from there.
func TestAGateProgramThatCannotBeExecuted(t *testing.T) {
	for name, text := range map[string]string{"no program": "what is this", "another's": "#!/bin/false\n"} {
		p, err := inFolder(strings.NewReader(text), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Try(); err == nil {
			t.Errorf("%s can be executed", name)
		}
	}
	if _, err := inFolder(strings.NewReader(""), "/dev/null/folder"); err == nil {
		t.Error("a folder below a file")
	}
}
