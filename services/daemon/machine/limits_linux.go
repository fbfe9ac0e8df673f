package machine

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"spool.internal/events"
)

// Inotify tells how many directory watches, and queues of them, a process has, and how
// many its user may have. pid "self" is this process.
func Inotify(pid string) (watches, instances events.Usage) {
	const limits = "/proc/sys/fs/inotify/"
	watches.Limit, instances.Limit = number(limits+"max_user_watches"), number(limits+"max_user_instances")
	folder := filepath.Join("/proc", pid, "fd")
	open, err := os.ReadDir(folder)
	if err != nil {
		return watches, instances
	}
	for _, fd := range open {
		if to, err := os.Readlink(filepath.Join(folder, fd.Name())); err != nil || to != "anon_inode:inotify" {
			continue
		}
		instances.Used++
		info, err := os.ReadFile(filepath.Join("/proc", pid, "fdinfo", fd.Name()))
		if err == nil {
			watches.Used += int64(bytes.Count(info, []byte("inotify wd:")))
		}
	}
	return watches, instances
}

// InotifyOfUser adds up what all processes of this user have, as far as they can be seen.
func InotifyOfUser() (watches, instances events.Usage) {
	all, err := os.ReadDir("/proc")
	if err != nil {
		return Inotify("self")
	}
	own := uint32(os.Getuid())
	for _, p := range all {
		info, err := p.Info()
		if _, number := strconv.Atoi(p.Name()); number != nil || err != nil {
			continue
		}
		if s, ok := info.Sys().(*syscall.Stat_t); !ok || s.Uid != own {
			continue
		}
		w, i := Inotify(p.Name())
		watches.Used, watches.Limit = watches.Used+w.Used, w.Limit
		instances.Used, instances.Limit = instances.Used+i.Used, i.Limit
	}
	return watches, instances
}

// Descriptors tells how many files a process has open, and how many it may have. pid
// "self" is this process.
func Descriptors(pid string) (u events.Usage) {
	folder, err := os.Open(filepath.Join("/proc", pid, "fd"))
	if err != nil {
		return u
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(-1)
	u.Used = int64(len(names))
	text, _ := os.ReadFile(filepath.Join("/proc", pid, "limits"))
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "Max open files"); ok {
			if f := strings.Fields(rest); len(f) > 0 {
				u.Limit, _ = strconv.ParseInt(f[0], 10, 64) // "unlimited" is none
			}
		}
	}
	return u
}

func number(file string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n
}
