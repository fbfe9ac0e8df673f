package reaper

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func bootID() string {
	id, _ := syscall.Sysctl("kern.bootsessionuuid") // without it the start times must do
	return id
}

func Lookup(pid int) (Process, bool, error) {
	all, err := ps("-p", strconv.Itoa(pid))
	if err != nil || len(all) == 0 {
		return Process{}, false, err
	}
	return all[0], true, nil
}

// Group finds the members of a process group, and its leader wherever that is.
func Group(pgid int) ([]Process, error) {
	all, err := ps("-ax")
	var members []Process
	for _, p := range all {
		if p.Group == pgid || p.PID == pgid {
			members = append(members, p)
		}
	}
	return members, err
}

// ps asks the tool of that name, since the process table has no files here.
func ps(which ...string) ([]Process, error) {
	out, err := run(append(which, "-o", "pid=,pgid=,stat=,lstart=")...)
	if err != nil {
		return nil, err
	}
	var all []Process
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) < 4 {
			continue
		}
		pid, err1 := strconv.Atoi(fields[0])
		pgid, err2 := strconv.Atoi(fields[1])
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("ps: %w", err)
		}
		all = append(all, Process{pid, pgid, strings.Join(fields[3:], " "), strings.HasPrefix(fields[2], "Z")})
	}
	return all, nil
}

func run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/ps", args...)
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC0"} // so that a time is always spelled alike
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 && len(exit.Stderr) == 0 {
		return "", nil // its way to say that there is no such process
	}
	if err != nil {
		return "", fmt.Errorf("ps: %w", err)
	}
	return string(out), nil
}

// carries reports whether a process was started with all assignments in its
// environment. The system hides that of its own programs, a shell's too.
func carries(pid int, assignments []string) bool {
	out, err := run("-E", "-ww", "-p", strconv.Itoa(pid), "-o", "command=")
	return err == nil && !slices.ContainsFunc(assignments, func(a string) bool {
		return !strings.Contains(" "+strings.TrimSpace(out)+" ", " "+a+" ")
	})
}

// orphans finds none: here it would take a start of ps for each flow.
func orphans(int, []string) []int { return nil }

const endFlow = syscall.SIGTERM

// isGuard is always false: guards exist only on Linux.
func isGuard(int) bool { return false }
