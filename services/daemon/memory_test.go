package daemon

import (
	"slices"
	"testing"
	"testing/fstest"
	"time"
)

// The least of the machine's memory and of the limits of all groups above the process counts.
func TestMemoryOf(t *testing.T) {
	const machine = "MemTotal:       24684084 kB\nMemFree: 1 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing is told":         {nil, 0},
		"the machine's":           {map[string]string{"proc/meminfo": machine}, 24684084 << 10},
		"a group without a limit": {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n"}, 24684084 << 10},
		"a group above":           {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "9000000\n", "sys/fs/cgroup/a/memory.max": "8000000\n"}, 8000000},
		"a container":             {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "536870912\n"}, 512 << 20},
		"the first version":       {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "3:cpu:/x\n2:memory:/x\n", "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "7000000\n"}, 7000000},
		"its way to say no limit": {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "2:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 24684084 << 10},
	} {
		root := fstest.MapFS{}
		for file, text := range c.files {
			root[file] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := memoryOf(root); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// A heap that is collected often may grow, up to its bound; one that is calm is collected as usual, at once.
func TestCollector(t *testing.T) {
	var set []int
	c := &collector{most: 128 << 20, percent: garbage, set: func(percent int) { set = append(set, percent) }}
	now := time.Now()
	for _, one := range []struct {
		live  int64
		after time.Duration
	}{
		{16 << 20, time.Hour},              // the first
		{16 << 20, 100 * time.Millisecond}, // busy: to 128 MB
		{18 << 20, 100 * time.Millisecond}, // about as before
		{32 << 20, 100 * time.Millisecond}, // busy, and more lives
		{100 << 20, time.Millisecond},      // no room for more
		{1 << 20, time.Millisecond},        // hardly anything lives
		{20 << 20, time.Minute},            // calm
	} {
		now = now.Add(one.after)
		c.collected(one.live, now)
	}
	if want := []int{700, 300, 100, 1000, 100}; !slices.Equal(set, want) {
		t.Errorf("set to %v, want %v", set, want)
	}
}
