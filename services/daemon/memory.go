package daemon

import (
	"io/fs"
	"os"
	"path"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"time"
)

// How garbage is collected. Under load the heap may grow to heapMost, or to a part of the memory where there is
// little: a small one is gone through so often that this is a seventh of what a busy dispatcher does. When that is
// over the process gives the memory back.
const (
	heapMost   = 128 << 20
	heapPart   = 32          // of the memory
	calmAfter  = time.Second // a heap that lasts so long is collected as Go does it
	garbage    = 100         // percent of the heap, then
	garbageMax = 1000

	garbageAtStart = 800 // of the smallest heap, which is 4 MB: a start is over before it is collected
)

// LimitMemory has garbage collected more often where the memory that the process may use comes to its end: its limit
// is nine tenths of that, unless GOMEMLIMIT is set.
var LimitMemory = sync.OnceFunc(func() {
	if memory := memoryOf(os.DirFS("/")); memory > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memory / 10 * 9)
	}
})

// PaceGarbage has garbage collected less often while much is done and there is memory, unless GOGC is set.
var PaceGarbage = sync.OnceFunc(func() {
	if os.Getenv("GOGC") == "" {
		c := &collector{
			most: heapTarget(debug.SetMemoryLimit(-1)), percent: garbageAtStart,
			set: func(percent int) { debug.SetGCPercent(percent) },
		}
		c.set(garbageAtStart)
		c.watch()
	}
})

// heapTarget is how large a busy heap may be where the process may use so much memory.
func heapTarget(limit int64) int64 { return min(heapMost, limit/heapPart) }

// collector adjusts how often garbage is collected, after each time that it was.
type collector struct {
	most    int64 // how large the heap may become
	percent int   // as it was set last
	set     func(percent int)
	last    time.Time
}

// watch has the collector called when garbage was collected: then nobody holds the mark any more.
func (c *collector) watch() {
	mark := &struct{ of *collector }{c}
	runtime.AddCleanup(mark, func(c *collector) {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		c.collected(int64(live[0].Value.Uint64()), time.Now())
		c.watch()
	}, c)
}

// collected adjusts it to what is live in the heap. A change of less than a quarter is not worth its stop.
func (c *collector) collected(live int64, now time.Time) {
	want := garbage
	if live = max(live, 1); now.Sub(c.last) < calmAfter {
		want = int(min(max(garbage, 100*(c.most-live)/live), garbageMax))
	}
	c.last = now
	if want == garbage && c.percent != garbage || abs(want-c.percent) > c.percent/4 {
		c.percent = want
		c.set(want)
	}
}

func abs(n int) int { return max(n, -n) }

// memoryOf gives the bytes that this process may use: all of the machine, or what its control groups allow; 0 where
// the system tells neither.
func memoryOf(root fs.FS) int64 {
	least := int64(0)
	note := func(bytes int64) {
		if bytes > 0 && (least == 0 || bytes < least) {
			least = bytes
		}
	}
	if fields := strings.Fields(after(read(root, "proc/meminfo"), "MemTotal:")); len(fields) > 0 {
		kib, _ := strconv.ParseInt(fields[0], 10, 64)
		note(kib << 10)
	}
	for line := range strings.Lines(read(root, "proc/self/cgroup")) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(part) < 3 || part[1] != "" && part[1] != "memory" {
			continue
		}
		at, file := "sys/fs/cgroup", "memory.max"
		if part[1] != "" { // the first version
			at, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		}
		for group := path.Clean("/" + part[2]); ; group = path.Dir(group) {
			bytes, _ := strconv.ParseInt(strings.TrimSpace(read(root, path.Join(at, group, file))), 10, 64)
			note(bytes)
			if group == "/" {
				break
			}
		}
	}
	return least
}

// read gives what a file holds; nothing where there is none.
func read(root fs.FS, name string) string {
	text, _ := fs.ReadFile(root, name)
	return string(text)
}

// after gives what follows a word in a text.
func after(text, word string) string {
	_, rest, _ := strings.Cut(text, word)
	return rest
}
