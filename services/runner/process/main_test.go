//go:build linux || darwin

package process

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"spool.internal/events/eventstest"
	"spool.internal/services/runner/cell"
)

func TestMain(m *testing.M) {
	cell.Main()
	os.Exit(eventstest.Main(m))
}

// harness is a folder for what flows start from, and one with a flow.
type harness struct {
	t    testing.TB
	data string
	in   string
	flow string
}

// newHarness makes a flow of a shell script.
func newHarness(t testing.TB, script string) *harness {
	t.Helper()
	h := &harness{t: t, data: t.TempDir(), in: t.TempDir()}
	h.flow = filepath.Join(h.in, "flow")
	if err := os.WriteFile(h.flow, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *harness) exists(name string) bool {
	_, err := os.Stat(filepath.Join(h.in, name))
	return err == nil
}

// load gives a warm process the command to run the flow on its folder.
func (h *harness) load(f *Flow) {
	h.t.Helper()
	in, err := os.Open(h.in)
	if err != nil {
		h.t.Fatal(err)
	}
	defer in.Close()
	cmd := cell.Command{Argv: []string{h.flow, h.in, h.in}, Places: []cell.Place{{Path: h.in, Real: h.in, Access: cell.Read}}}
	if err := f.Load(cmd, []*os.File{in}, nil, io.Discard); err != nil {
		h.t.Fatal(err)
	}
}
