package watcher_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// A file whose stage cannot be made holds up nobody: the others run, the state of the
// folder names it and says why, and it runs when that is over.
func TestOneThatCannotBeStaged(t *testing.T) {
	t.Parallel()
	disk := eventstest.NewSmallDisk(t, 192<<20, true)
	r := newHarnessOn(t, eventstest.Options{}, disk.Dir)
	dir := r.dir("in")
	for i := range 5 {
		r.write(filepath.Join(dir, strconv.Itoa(i)), "some")
	}
	big, err := os.OpenFile(filepath.Join(dir, "2"), os.O_WRONLY, 0)
	r.check(err)
	r.check(errors.Join(syscall.Fallocate(int(big.Fd()), 0, 0, 64<<20), big.Close()))
	giveBack := disk.Leave(32 << 20)
	r.job("job", "in", nil)
	r.start()
	r.await("job", 4)
	r.awaitState("job", func(s events.WatchState) bool {
		return s.Pending == 1 && strings.HasPrefix(s.Reason, "files wait: 2: its copy for the run cannot be made: ")
	})
	r.awaitWaiting("job", func(all map[string]events.WaitingFile) bool {
		return len(all) == 1 && all["2"].State == events.FileUnstaged && strings.Contains(all["2"].Reason, "no room for a copy") && !all["2"].Since.IsZero()
	})
	r.write(filepath.Join(dir, "later"), "comes after it")
	r.await("job", 5)
	giveBack()
	r.await("job", 6)
	r.awaitWaiting("job", func(all map[string]events.WaitingFile) bool { return len(all) == 0 })
	r.awaitState("job", func(s events.WatchState) bool { return s.Pending == 0 && s.Reason == "" })
}
