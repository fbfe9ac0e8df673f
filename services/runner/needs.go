package runner

import "strings"

// means is what this host has to keep a flow in the sandbox.
type means struct {
	landlock int  // its version; 0 = there is none
	filter   bool // filters of system calls
	offline  bool // the filter takes all sockets away
	spaces   bool // pid and ipc namespaces of its own
	view     bool // a root of its own, with nothing in it but what it is given
	reaper   bool // whatever loses its parent comes to a guard, who ends it
	root     bool // the runner is root
	drop     bool // the flow has no capabilities, though the runner is root
	as       bool // the flow is another user than the runner
}

// need is something that flows of other users must be kept from. One of its ways is enough.
type need struct {
	name    string
	lacking string // what flows may do where it is not met
	ways    []way
}

type way struct {
	name string // what it takes, for the message that it is missing
	met  func(means) bool
}

// needs are what the flow of a user who is no administrator is kept from. The table in
// services/runner/README.md says the same in other words.
var needs = []need{
	{"files", "flows open files that are not theirs", []way{
		{"Landlock 3 (Linux 6.2)", func(m means) bool { return m.landlock >= 3 }},
		{"a mount namespace", func(m means) bool { return m.view && m.harmless() }},
	}},
	{"names", "flows change modes, owners and times of files that are not theirs", []way{
		{"a mount namespace", func(m means) bool { return m.view }},
		{"another user (--flow-user)", func(m means) bool { return m.as }},
		{"seccomp", func(m means) bool { return m.filter }},
	}},
	{"ports", "flows take ports that the host's services use", []way{
		{"Landlock 4 (Linux 6.7)", func(m means) bool { return m.landlock >= 4 }},
		{"no network at all (--runner-network deny)", func(m means) bool { return m.offline && m.filter }},
	}},
	{"signals", "flows stop other processes, Spool among them", []way{
		{"Landlock 6 (Linux 6.12)", func(m means) bool { return m.landlock >= 6 }},
		{"a pid namespace", func(m means) bool { return m.spaces }},
		{"another user (--flow-user)", func(m means) bool { return m.as }},
	}},
	{"sockets", "flows talk to the host's services by their sockets", []way{
		{"seccomp", func(m means) bool { return m.filter }},
	}},
	{"calls", "flows make system calls that reach beyond them", []way{
		{"seccomp", func(m means) bool { return m.filter }},
	}},
	{"privileges", "flows are root, whom the files of the host belong to", []way{
		{"a runner that is not root", func(m means) bool { return !m.root }},
		{"a mount namespace, in which flows do without them", func(m means) bool { return m.drop && m.view }},
		{"another user (--flow-user)", func(m means) bool { return m.as }},
	}},
	{"end", "what flows start outlives them", []way{
		{"a pid namespace", func(m means) bool { return m.spaces }},
		{"a guard out of their reach (Landlock 6, Linux 6.12, or --flow-user)", func(m means) bool { return m.reaper && (m.landlock >= 6 || m.as) }},
	}},
}

// harmless reports whether the flow cannot undo what was mounted for it.
func (m means) harmless() bool { return !m.root || m.drop || m.as }

// met reports whether the need is met.
func (n need) met(m means) bool {
	for _, w := range n.ways {
		if w.met(m) {
			return true
		}
	}
	return false
}

// unmet says of each need that is not met what flows may do, and what it takes.
func unmet(m means) []string {
	var all []string
	for _, n := range needs {
		if n.met(m) {
			continue
		}
		var takes []string
		for _, w := range n.ways {
			takes = append(takes, w.name)
		}
		all = append(all, n.name+": "+n.lacking+"; it takes "+strings.Join(takes, ", or "))
	}
	return all
}

// missing says what flows go without on this host although it would be harmless.
func (r *Runner) missing() []string {
	f := r.room.Form
	switch {
	case f.View && !f.Proc:
		return []string{noProc}
	case f.View || f.Landlock == 0: // then nothing is closed
		return nil
	}
	return []string{
		"tmp: /tmp is closed; TMPDIR takes its place; a private one takes a mount namespace",
		"shm: /dev/shm is closed, without which processes share neither memory nor semaphores (Python's multiprocessing fails); a private one takes a mount namespace",
		noProc,
	}
}

const noProc = "proc: /proc is closed; one of the flow's own takes a mount namespace in which it can be mounted, which many containers deny"

// needNames gives the names of what is lacking.
func needNames(lacks []string) []string {
	var names []string
	for _, l := range lacks {
		name, _, _ := strings.Cut(l, ":")
		names = append(names, name)
	}
	return names
}
