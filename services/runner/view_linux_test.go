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
	inShapes(t, func(t *testing.T, l *lab, _ string, change func(*Config)) {
		real, tools := t.TempDir(), t.TempDir()
		for name, target := range map[string]string{"the-drive": real, "tools": tools} {
			if err := os.Symlink(target, filepath.Join(l.base, name)); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		if l.drives, err = drive.New(l.base, []string{theDrive + "=" + filepath.Join(l.base, "the-drive")}); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{
			filepath.Join(tools, "tool"):   "#!/bin/sh\necho tool\n",
			filepath.Join(real, "flow"):    fmt.Sprintf("#!/bin/sh\nset -e\n%s/tools/tool; %s/tool; cat \"$1/link\"; pwd; echo x > '%s/out/x'\n", l.base, tools, real),
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
		r := l.runner(func(c *Config) { change(c); c.ReadPaths = []string{filepath.Join(l.base, "tools")} })
		l.background(r.Run)
		if ended := l.until(events.Ended, l.accept(l.serve(r).URL, "k", "flow", `{}`)); ended.Status != events.OK {
			t.Errorf("ended %+v", ended)
		}
		if _, err := os.Stat(filepath.Join(real, "out/x")); err != nil {
			t.Error(err)
		}
	})
}

// Places may lie in each other.
func TestPlacesInEachOther(t *testing.T) {
	inShapes(t, func(t *testing.T, l *lab, _ string, change func(*Config)) {
		l.flow("in/bin/flow", `set -e; cat "$1/a.txt"; echo x > "$2/x"`)
		l.write("in/a.txt", "as it was\n", 0o644)
		r := l.runner(change)
		url := l.serve(r).URL
		l.background(r.Run)
		for _, output := range []string{"in/out", "in/bin/out"} {
			ended := l.until(events.Ended, l.accept(url, output, "in/bin/flow", `{"output_dir":"`+logical(output)+`"}`))
			if ended.Status != events.OK || !l.exists(output+"/x") {
				t.Errorf("%s: %+v", output, ended)
			}
		}
		for _, c := range []string{"in", "."} { // it may write to what it reads then
			if ended := l.until(events.Ended, l.accept(url, "same "+c, "in/bin/flow", `{"output_dir":"`+strings.TrimSuffix(logical(c), "/.")+`"}`)); !l.exists(filepath.Join(c, "x")) {
				t.Errorf("output %q: %+v", c, ended)
			}
		}
	})
}

// What is mounted while a process waits for its command is there for the flow.
func TestMountedLater(t *testing.T) {
	l := newLab(t, eventstest.Options{})
	l.flow("flow", `ls "$1"; [ -e "$1/new" ]`)
	r := l.shut(nil)
	if !process.HasCapability(unix.CAP_SYS_ADMIN) || !r.room.Form.View {
		t.Skip("only root can mount a drive")
	}
	url := l.serve(r).URL
	l.background(r.Run)
	l.until(events.Ended, l.accept(url, "before", "flow", `{}`))
	if err := unix.Mount("none", l.host("in"), "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(l.host("in"), unix.MNT_DETACH) })
	l.write("in/new", "", 0o644)
	l.eventually("the runner knows", func() bool { return r.pool.Changes() > 0 })
	if ended := l.until(events.Ended, l.accept(url, "after", "flow", `{}`)); ended.Status != events.OK {
		t.Errorf("ended %+v", ended)
	}
}

// What programs look for in /proc is there.
func TestProcServes(t *testing.T) {
	l := newLab(t, eventstest.Options{})
	l.flow("flow", `for c in "nproc" "free" "uptime" "ps aux" "top -bn1" "java -version"; do command -v ${c%% *} >/dev/null || continue; said=$($c 2>&1) || echo "$c: $said"; done
command -v node >/dev/null && [ "$(node -p 'os.cpus().length')" != "$(nproc --all)" ] && echo "node sees $(node -p 'os.cpus().length') processors"
command -v ps >/dev/null && ps aux 2>&1 >/dev/null; exit 0`)
	r := l.shut(nil)
	if !r.room.Form.Proc {
		t.Skip("flows have no /proc here")
	}
	l.background(r.Run)
	ended := l.until(events.Ended, l.accept(l.serve(r).URL, "k", "flow", `{}`))
	if said := l.printed(ended); said != "" || ended.Status != events.OK {
		t.Errorf("it says %q: %+v", said, ended)
	}
}
