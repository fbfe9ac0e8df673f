package cell

import (
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// sweep kills all that is left of the flow and waits until it is gone. Processes
// whose parent has ended are children of the guard.
func (g *guarding) sweep() {
	if g.spaces {
		for n, err := 0, error(nil); err != unix.ECHILD; n++ { // whose parent has ended is a child of process 1
			if n%1000 == 0 { // the kernel looks at every process of the host; forks that are under way it stops
				_ = unix.Kill(-1, unix.SIGKILL)
			}
			_, err = unix.Wait4(-1, nil, 0, nil)
		}
		return
	}
	_ = unix.Kill(-g.flow, unix.SIGKILL)
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		for {
			pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
			if err == unix.ECHILD {
				return
			}
			if err != nil && err != unix.EINTR || pid == 0 {
				break
			}
		}
		killBelow(os.Getpid())
		time.Sleep(wait)
	}
}

// killBelow kills what descends from a process, and the process groups that this
// has founded: the kernel kills a group at once, so that no fork slips through.
func killBelow(root int) {
	parents, groups := table()
	own := unix.Getpgrp()
	for pid := range parents {
		if pid == root || !descends(parents, pid, root) {
			continue
		}
		if pgid := groups[pid]; pgid != own && pgid > 1 && (pgid == pid || descends(parents, pgid, root)) {
			_ = unix.Kill(-pgid, unix.SIGKILL)
		}
		_ = unix.Kill(pid, unix.SIGKILL)
	}
}

func descends(parents map[int]int, pid, root int) bool {
	for range len(parents) {
		if pid = parents[pid]; pid == root {
			return true
		}
		if pid <= 1 {
			return false
		}
	}
	return false
}

// table reads who is whose child, and in which group.
func table() (parents, groups map[int]int) {
	parents, groups = map[int]int{}, map[int]int{}
	proc, err := os.Open("/proc")
	if err != nil {
		return parents, groups
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue
		}
		if ppid, pgid, ok := family(stat); ok {
			parents[pid], groups[pid] = ppid, pgid
		}
	}
	return parents, groups
}

// family takes parent and group out of proc_pid_stat(5). The second field is a name
// in parentheses that may hold anything.
func family(stat []byte) (ppid, pgid int, ok bool) {
	end := len(stat) - 1
	for end >= 0 && stat[end] != ')' {
		end--
	}
	var n [2]int
	field, digits := 0, false
	for _, b := range stat[end+1:] {
		switch {
		case b == ' ':
			if field++; field > 3 {
				return n[0], n[1], digits
			}
		case field >= 2 && b >= '0' && b <= '9':
			n[field-2], digits = n[field-2]*10+int(b-'0'), true
		}
	}
	return 0, 0, false
}
