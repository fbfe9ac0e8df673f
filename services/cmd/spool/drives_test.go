package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A server does not start with a drive, or something that flows may read, that
// touches its data folder; nor with a drive inside another.
func TestDrivesAndTheDataFolder(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	pr := p.serve()
	if code := pr.stop(syscall.SIGTERM); code != 0 {
		t.Fatalf("stopped with status %d", code)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Join(p.data, "runs"), link); err != nil {
		t.Fatal(err)
	}
	below := filepath.Join(t.TempDir(), "o/r/fs/D")
	if err := os.MkdirAll(filepath.Dir(below), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(p.data, below); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"the data folder":             {"--drive", "o/r/fs/X=" + p.data},
		"around the data folder":      {"--drive", "o/r/fs/X=" + filepath.Dir(p.data)},
		"everything":                  {"--drive", "o/r/fs/X=/"},
		"in the data folder":          {"--drive", "o/r/fs/X=" + filepath.Join(p.data, "new")},
		"in the data folder, linked":  {"--drive", "o/r/fs/X=" + link},
		"a link below --drives":       {"--drives", filepath.Join(below, "../../../..")},
		"--drives in the data folder": {"--drives", filepath.Join(p.data, "runs")},
		"a drive inside another":      {"--drive", "o/r/fs/X=" + filepath.Join(p.dir, "in")},
		"flows read everything":       {"--runner-read", "/"},
		"flows read the data folder":  {"--runner-read", p.data},
		"flows read a secret":         {"--runner-read", filepath.Join(p.data, "seal.key")},
	} {
		out, code := spool(t, append(append([]string{}, pr.args...), append(args, "--log-level", "error")...)...)
		if code == 0 || strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, "spool: ") {
			t.Errorf("%s: status %d, %q", name, code, out)
		}
	}
	pr.args = append(pr.args, "--drive", "admin/repo/fs/Demo="+filepath.Join(p.data, "demo"), "--drive", "admin/repo/fs/Same="+p.dir)
	pr.start()
}
