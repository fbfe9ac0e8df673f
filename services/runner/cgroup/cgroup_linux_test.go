package cgroup

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOwnTree(t *testing.T) {
	const host = "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"
	const hybrid = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
	const bound = "31 23 0:28 /docker/ab /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n"
	for _, c := range []struct {
		mounts, own, dir string
		top              bool
	}{
		{host, "0::/system.slice/spool.service\n", "/sys/fs/cgroup/system.slice/spool.service", false},
		{host, "0::/\n", "/sys/fs/cgroup", true},
		{hybrid, "4:memory:/a\n0::/b\n", "/sys/fs/cgroup/unified/b", false},
		{bound, "0::/docker/ab/c\n", "/sys/fs/cgroup/c", false},
		{"", "0::/a\n", "", false},
		{host, "4:memory:/a\n", "", false},
		{bound, "0::/elsewhere\n", "", false},
	} {
		if dir, top, err := ownTree(c.mounts, c.own); dir != c.dir || top != c.top || (err == nil) != (c.dir != "") {
			t.Errorf("%q in %q: %q, %v, %v", c.own, c.mounts, dir, top, err)
		}
	}
}

// Processor time is written as the kernel wants it, and bounds nothing else.
func TestProcessor(t *testing.T) {
	for cores, want := range map[float64]string{0.5: "50000 100000", 2: "200000 100000"} {
		g := (&Groups{dir: t.TempDir()}).With(0, cores)
		m, err := g.New()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(m.path, "cpu.max")); string(got) != want {
			t.Errorf("%v cores are %q, %v; want %q", cores, got, err, want)
		}
		if _, err := os.Stat(filepath.Join(m.path, "memory.max")); err == nil {
			t.Error("memory is bounded, too")
		}
	}
}
