package settle_test

import (
	"fmt"
	"time"

	"spool.internal/watcher/settle"
)

// A file that is being written, then left alone: it is probed after its quiet period.
func ExampleFile() {
	rule := settle.Rule{Quiet: 50 * time.Millisecond, Slow: 2 * time.Second}
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	written := settle.Stat{Inode: 7, Size: 5, Modified: start.UnixNano(), Changed: start.UnixNano()}

	var f settle.File
	action, wait := f.Observe(rule, written, start.Add(20*time.Millisecond))
	fmt.Println(action == settle.Wait, wait, f.State())
	action, _ = f.Observe(rule, written, start.Add(50*time.Millisecond))
	fmt.Println(action == settle.Probe)

	wait = f.Busy(rule, start.Add(50*time.Millisecond)) // a program has it open for writing
	fmt.Println(wait, f.State())
	// Output:
	// true 30ms young
	// true
	// 50ms held
}

// A file that was renamed into the folder needs no quiet period: its content came with its name.
func ExampleFile_Named() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var f settle.File
	f.Named()
	action, _ := f.Observe(settle.Rule{Quiet: time.Hour}, settle.Stat{Inode: 7, Size: 5, Changed: now.UnixNano()}, now)
	fmt.Println(action == settle.Confirm, f.State())
	// Output: true named
}

// A folder that is found and watched is scanned at once, then checked every 5 s.
func ExampleFolder() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f := settle.NewFolder(time.Minute, now)
	f.Found(settle.Local, now)
	f.Watched(now)
	step, _ := f.Next(now)
	fmt.Println(step == settle.FullScan)

	f.Begun(step, now)
	f.Scanned(true, now)
	state, _, _ := f.Status()
	step, wait := f.Next(now)
	fmt.Println(state, step == settle.Rest, wait)

	f.Overflowed(now.Add(time.Second)) // the system dropped reports
	state, _, reason := f.Status()
	fmt.Println(state, "because", reason)
	// Output:
	// true
	// live true 5s
	// rescan because more happened at once than the system reports
}

// The trust in a mount follows from its file system.
func ExampleFileSystem() {
	for _, magic := range []uint32{0xEF53, 0x794C7630, 0x6969} {
		name, trust := settle.FileSystem(magic)
		fmt.Println(name, trust == settle.Local, trust == settle.Remote)
	}
	// Output:
	// ext true false
	// overlayfs false false
	// nfs false true
}

// A marker counts if it is not older than the file that it speaks of.
func ExampleMarks() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	file := settle.Stat{Modified: now.Add(-time.Minute).UnixNano()}
	fresh, old := settle.Stat{Modified: now.UnixNano()}, settle.Stat{Modified: now.Add(-time.Hour).UnixNano()}
	fmt.Println(settle.Marks(fresh, file, now), settle.Marks(old, file, now))
	// Output: true false
}
