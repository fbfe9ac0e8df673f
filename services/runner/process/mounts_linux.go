package process

import (
	"context"
	"os"

	"golang.org/x/sys/unix"
)

// watchMounts calls changed whenever something is mounted or unmounted on this
// host, until ctx ends. Where that cannot be known it does nothing.
func watchMounts(ctx context.Context, changed func()) {
	// Not by package os: its poller would take some of the events.
	table, err := unix.Open("/proc/self/mountinfo", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(table)
	wakes, wake, err := os.Pipe()
	if err != nil {
		return
	}
	defer wakes.Close()
	defer context.AfterFunc(ctx, func() { _ = wake.Close() })()
	fds := []unix.PollFd{{Fd: int32(table), Events: unix.POLLPRI}, {Fd: int32(wakes.Fd()), Events: unix.POLLIN}}
	for ctx.Err() == nil {
		if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR {
			return
		}
		if fds[0].Revents != 0 {
			changed()
		}
	}
}
