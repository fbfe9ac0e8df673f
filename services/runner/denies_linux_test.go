package runner

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/services/runner/record"
)

// What the sandbox denies is tried in every form that a host can have, and so is
// what it allows.
func TestSandboxDenies(t *testing.T) {
	t.Parallel()
	inEveryForm(t, "TestSandboxDenies", denies)
}

func denies(t *testing.T, f *form) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(self), "README.md"))
	if inForm() == nil {
		text, err = os.ReadFile("README.md")
	}
	if err != nil {
		t.Fatal(err)
	}
	readme := tableOf(string(text), readmeHead)
	h := newHarness(t, eventstest.Options{})
	target := h.aim()
	for _, c := range []struct {
		what    string
		sandbox Sandbox
	}{{"without a sandbox", SandboxOff}, {"in the sandbox", SandboxAuto}} {
		change := func(cfg *Config) {
			cfg.Sandbox = c.sandbox
			if f.flowUser && c.sandbox != SandboxOff {
				cfg.FlowUser = "65534"
			}
		}
		r := h.runner(change)
		if len(r.Lacks()) > 0 { // then no flow starts: the harness has a token of somebody else
			r = h.runner(func(cfg *Config) { change(cfg); cfg.Sandbox = SandboxBestEffort })
		}
		got := h.probe(r, target, c.what)
		if c.sandbox == SandboxOff {
			if !f.nobody && !f.noSpaces {
				wantAllReached(t, got)
			}
			continue
		}
		column := columnOf(r)
		if column != f.column {
			fmt.Fprintf(os.Stderr, "NOT SHOWN on this machine: %s; it is as in column %d of the table\n", f.name, column+1)
		}
		t.Logf("%s: it lacks %q", f.name, r.Lacks())
		for _, trial := range attempts {
			want := mayIn(t, readme, column, trial.name)
			if may := got[trial.name] == "yes"; may != want {
				t.Errorf("%s: %s: %q, want %v", f.name, trial.name, got[trial.name], want)
			}
		}
	}
}

// aim makes what a probe aims at.
func (h *harness) aim() targets {
	h.t.Helper()
	for _, dir := range []string{filepath.Dir(h.base), h.base} { // flows may be another user
		if err := os.Chmod(dir, 0o755); err != nil {
			h.t.Fatal(err)
		}
	}
	h.write("in/a.txt", "as it was", 0o644)
	h.write("other/secret", "of another job", 0o600)
	h.write("shared/mine", "mine", 0o600)
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		h.t.Fatal(err)
	}
	h.write(probeName, string(self), 0o755)
	open := h.t.TempDir()
	for name, text := range map[string]string{"admin.token": "a token", "runs/other/run.log": "what it has printed"} {
		path := filepath.Join(h.data, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			h.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			h.t.Fatal(err)
		}
	}
	if err := os.Chmod(open, 0o777); err != nil {
		h.t.Fatal(err)
	}
	dir := h.t.TempDir()
	t := targets{
		Server: os.Getpid(), Unix: filepath.Join(dir, "stream"), Datagram: filepath.Join(dir, "datagram"), Abstract: fmt.Sprintf("@spool-probe-%d", os.Getpid()),
		Data: h.data, Other: h.host("other"), Open: open, Shared: h.host("shared"), Tmp: inode("/tmp"), Shm: inode("/dev/shm"), Proc: inode("/proc"),
	}
	listen := func(network, addr string) net.Listener {
		ln, err := net.Listen(network, addr)
		if err != nil {
			h.t.Fatal(err)
		}
		h.t.Cleanup(func() { ln.Close() })
		return ln
	}
	t.Port = listen("tcp4", "127.0.0.1:0").Addr().String()
	listen("unix", t.Unix)
	listen("unix", t.Abstract)
	dgram, err := net.ListenPacket("unixgram", t.Datagram)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { dgram.Close() })
	free := listen("tcp4", "127.0.0.1:0")
	t.Free = free.Addr().(*net.TCPAddr).Port
	free.Close()
	h.write("in/targets.json", string(events.Encode(t)), 0o644)
	return t
}

// probe runs the probe and gives what came of each trial.
func (h *harness) probe(r *Runner, _ targets, key string) (got map[string]string) {
	h.t.Helper()
	url := h.serve(r).URL
	stop := h.background(r.Run)
	defer stop()
	out := "out of it " + key
	id := h.accept(url, key, probeName, `{"output_dir":"`+logical(out)+`"}`)
	if ended := h.until(events.Ended, id); ended.Status != events.OK {
		printed, _ := os.ReadFile(filepath.Join(record.Dir(h.data, id), "run.log"))
		h.t.Fatalf("%s: ended %+v\n%s", key, ended, printed)
	}
	if err := json.Unmarshal([]byte(h.read(out+"/tried.json")), &got); err != nil {
		h.t.Fatal(err)
	}
	if len(got) != len(attempts) {
		h.t.Errorf("%d of %d were tried", len(got), len(attempts))
	}
	if text := h.read("in/a.txt"); text != "as it was" {
		h.t.Errorf("%s: the input is %q", key, text)
	}
	return got
}

// beyondRoot is what root cannot do here without a sandbox either: then the trial
// shows nothing, and something else has to.
var beyondRoot = []string{
	"write into a /tmp of its own", "write into a /dev/shm of its own", "see its own processes in /proc, and no others", // it has the host's
	"use descriptors that it was not given", // none is left open, with or without a sandbox
	"load modules", "load another kernel",   // many kernels cannot
	"use calls that nobody has judged", // there are none yet
}

// wantAllReached shows that the trials are no shots into the dark: root without a
// sandbox can do all of it.
func wantAllReached(t *testing.T, got map[string]string) {
	t.Helper()
	for _, trial := range attempts {
		if got[trial.name] != "yes" && !slices.Contains(beyondRoot, trial.name) {
			t.Errorf("without a sandbox root cannot %s: %s", trial.name, got[trial.name])
		}
	}
}

// columnOf is the column of the table in README.md that a runner is in: what it
// can do, whatever the form was to be.
func columnOf(r *Runner) int {
	switch f := r.room.Form; {
	case f.View:
		return 0
	case f.As:
		return 2
	case os.Geteuid() == 0:
		return 3
	}
	return 1
}

// mayIn reports whether a flow may do what a trial tries, by the table in README.md.
func mayIn(t *testing.T, readme map[string][]string, column int, trial string) bool {
	t.Helper()
	for does, cells := range readme {
		if slices.Contains(rows[does], trial) {
			return strings.HasPrefix(cells[column], "yes")
		}
	}
	t.Fatalf("%q is in no row of the table", trial)
	return false
}

// tableOf gives the rows below a line that begins with head, by their first cell.
func tableOf(text, head string) map[string][]string {
	table := map[string][]string{}
	in := false
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !strings.HasPrefix(line, "|"):
			in = false
		case in && !strings.HasPrefix(cells[0], "---"):
			table[cells[0]] = cells[1:]
		case strings.HasPrefix(line, head):
			in = true
		}
	}
	return table
}

const readmeHead = "| A flow can … |"

// The table in README.md has a row for every trial and no other, SECURITY.md has the
// same, and a table of all needs.
func TestSandboxTable(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	readme, security := tableOf(read("services/runner/README.md"), readmeHead), tableOf(read("SECURITY.md"), readmeHead)
	if diff := cmp.Diff(readme, security); diff != "" {
		t.Errorf("README.md and SECURITY.md differ:\n%s", diff)
	}
	var tried []string
	for does, trials := range rows {
		if len(readme[does]) != 4 {
			t.Errorf("%q is not a row of 5 cells in README.md", does)
		}
		tried = append(tried, trials...)
	}
	for does := range readme {
		if rows[does] == nil {
			t.Errorf("nothing is tried for %q", does)
		}
	}
	var all []string
	for _, a := range attempts {
		all = append(all, a.name)
	}
	slices.Sort(tried)
	slices.Sort(all)
	if diff := cmp.Diff(all, tried); diff != "" {
		t.Errorf("trials (-are there +are in a row):\n%s", diff)
	}
	wall := map[string][]string{}
	for _, n := range needs {
		var ways []string
		for _, w := range n.ways {
			ways = append(ways, w.name)
		}
		wall[n.name] = []string{n.lacking, strings.Join(ways, ", or ")}
	}
	if diff := cmp.Diff(wall, tableOf(read("SECURITY.md"), "| Need |")); diff != "" {
		t.Errorf("the table of needs (-want +got):\n%s", diff)
	}
}
