package reaper

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"spool.internal/services/runner/cell"
)

func bootID() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // without it the start times must do
	return strings.TrimSpace(string(id))
}

// Lookup finds one process. The fields are those of proc_pid_stat(5).
func Lookup(pid int) (p Process, found bool, err error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return Process{}, false, nil
	}
	if err != nil {
		return Process{}, false, err
	}
	// The second field is a name in parentheses that may hold anything; behind it comes the third.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return Process{}, false, errors.New("an entry of /proc is too short")
	}
	pgrp, err := strconv.Atoi(fields[2])
	zombie := fields[0] == "Z" || fields[0] == "X"
	return Process{PID: pid, Group: pgrp, Start: fields[19], Zombie: zombie}, err == nil, err
}

// Group finds the members of a process group, and its leader wherever that is.
func Group(pgid int) ([]Process, error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var members []Process
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		p, found, err := Lookup(pid)
		if err != nil {
			return nil, err
		}
		if found && (p.Group == pgid || p.PID == pgid) {
			members = append(members, p)
		}
	}
	return members, nil
}

// orphans finds the processes that were started after the process since and carry every
// assignment of marker in their environment. Ids are given out in ascending order: a process
// is younger when its id is above since or, once the numbers have wrapped around, not above
// the last one given out.
func orphans(since int, marker []string) []int {
	last := 0
	if load, err := os.ReadFile("/proc/loadavg"); err == nil { // its last field is the last id given out
		fields := strings.Fields(string(load))
		last, _ = strconv.Atoi(fields[len(fields)-1])
	}
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	var found []int
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == os.Getpid() {
			continue
		}
		younger := pid > since
		if last < since {
			younger = younger || pid <= last
		}
		if younger && carries(pid, marker) {
			found = append(found, pid)
		}
	}
	return found
}

// carries reports whether a process was started with all assignments in its environment.
func carries(pid int, assignments []string) bool {
	env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	return err == nil && !slices.ContainsFunc(assignments, func(a string) bool {
		return !bytes.Contains(append([]byte{0}, env...), []byte("\x00"+a+"\x00"))
	})
}

// endFlow is the signal that makes a guard kill its flow.
const endFlow = cell.EndFlow

// isGuard reports whether a process is the guard of a flow, as far as it says so.
func isGuard(pid int) bool {
	line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	return err == nil && bytes.HasPrefix(line, []byte(cell.Name+"\x00"+cell.Guard+"\x00"))
}
