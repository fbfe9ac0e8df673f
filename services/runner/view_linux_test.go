package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/eventstest"
	"spool.internal/services/runner/process"
)

// A drive that a link leads to, and tools too, are there under both names.
func TestRealNames(t *testing.T) {
	t.Parallel()
	inShapes(t, func(t *testing.T, h *harness, _ string, change func(*Config)) {
		real, tools := t.TempDir(), t.TempDir()
		for name, target := range map[string]string{"the-drive": real, "tools": tools} {
			if err := os.Symlink(target, filepath.Join(h.base, name)); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		if h.drives, err = drive.New(h.base, []string{theDrive + "=" + filepath.Join(h.base, "the-drive")}); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{
			filepath.Join(tools, "tool"):   "#!/bin/sh\necho tool\n",
			filepath.Join(real, "flow"):    fmt.Sprintf("#!/bin/sh\nset -e\n%s/tools/tool; %s/tool; cat \"$1/link\"; pwd; echo x > '%s/out/x'\n", h.base, tools, real),
			filepath.Join(real, "in/file"): "as it was\n",
		} {
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(filepath.Join(real, "in/file"), filepath.Join(real, "in/link")); err != nil {
			t.Fatal(err)
		}
		r := h.runner(func(c *Config) { change(c); c.ReadPaths = []string{filepath.Join(h.base, "tools")} })
		h.background(r.Run)
		if ended := h.until(events.Ended, h.accept(h.serve(r).URL, "k", "flow", `{}`)); ended.Status != events.OK {
			t.Errorf("ended %+v", ended)
		}
		if _, err := os.Stat(filepath.Join(real, "out/x")); err != nil {
			t.Error(err)
		}
	})
}

// Places may lie in each other.
func TestPlacesInEachOther(t *testing.T) {
	t.Parallel()
	inShapes(t, func(t *testing.T, h *harness, _ string, change func(*Config)) {
		h.flow("in/bin/flow", `set -e; cat "$1/a.txt"; echo x > "$2/x"`)
		h.write("in/a.txt", "as it was\n", 0o644)
		r := h.runner(change)
		url := h.serve(r).URL
		h.background(r.Run)
		for _, output := range []string{"in/out", "in/bin/out"} {
			ended := h.until(events.Ended, h.accept(url, output, "in/bin/flow", `{"output_dir":"`+logical(output)+`"}`))
			if ended.Status != events.OK || !h.exists(output+"/x") {
				t.Errorf("%s: %+v", output, ended)
			}
		}
		for _, c := range []string{"in", "."} { // it may write to what it reads then
			if ended := h.until(events.Ended, h.accept(url, "same "+c, "in/bin/flow", `{"output_dir":"`+strings.TrimSuffix(logical(c), "/.")+`"}`)); !h.exists(filepath.Join(c, "x")) {
				t.Errorf("output %q: %+v", c, ended)
			}
		}
	})
}

// What is mounted while a process waits for its command is there for the flow.
func TestMountedLater(t *testing.T) {
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", `ls "$1"; [ -e "$1/new" ]`)
	r := h.shut(nil)
	if !process.HasCapability(unix.CAP_SYS_ADMIN) || !r.room.Form.View {
		t.Skip("only root can mount a drive")
	}
	url := h.serve(r).URL
	h.background(r.Run)
	h.until(events.Ended, h.accept(url, "before", "flow", `{}`))
	if err := unix.Mount("none", h.host("in"), "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(h.host("in"), unix.MNT_DETACH) })
	h.write("in/new", "", 0o644)
	h.eventually("the runner knows", func() bool { return r.pool.Changes() > 0 })
	if ended := h.until(events.Ended, h.accept(url, "after", "flow", `{}`)); ended.Status != events.OK {
		t.Errorf("ended %+v", ended)
	}
}

// What programs look for in /proc is there.
func TestProcServes(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", `for c in "nproc" "free" "uptime" "ps aux" "top -bn1" "java -version"; do command -v ${c%% *} >/dev/null || continue; said=$($c 2>&1) || echo "$c: $said"; done
command -v node >/dev/null && [ "$(node -p 'os.cpus().length')" != "$(nproc --all)" ] && echo "node sees $(node -p 'os.cpus().length') processors"
command -v ps >/dev/null && ps aux 2>&1 >/dev/null; exit 0`)
	r := h.shut(nil)
	if !r.room.Form.Proc {
		t.Skip("flows have no /proc here")
	}
	h.background(r.Run)
	ended := h.until(events.Ended, h.accept(h.serve(r).URL, "k", "flow", `{}`))
	if said := h.printed(ended); said != "" || ended.Status != events.OK {
		t.Errorf("it says %q: %+v", said, ended)
	}
}
