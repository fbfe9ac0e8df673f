package runner

import (
	"errors"
	"os"
	"slices"
	"strings"

	"spool.internal/events"
	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/process"
)

// maxGranted is how many paths a run may be granted, by all its profiles together.
const maxGranted = 64

// grant is one path of a profile.
type grant struct {
	word   string // of the line that grants it
	path   string
	access cell.Access
}

func grantsOf(p events.Profile) (all []grant) {
	for _, group := range []struct {
		word   string
		paths  []string
		access cell.Access
	}{{"read", p.Read, cell.Read}, {"run", p.Run, cell.Run}, {"write", p.Write, cell.Write}, {"unix", p.Unix, cell.Connect}} {
		for _, path := range group.paths {
			all = append(all, grant{group.word, path, group.access})
		}
	}
	if p.Home != "" {
		all = append(all, grant{"home", p.Home, cell.Write})
	}
	return all
}

// openGranted opens what the profiles of a run grant beyond its own places.
func (r *Runner) openGranted(a *attempt, into *places) error {
	all := grantsOf(a.granted)
	if len(all) > maxGranted {
		return events.Faultf(events.Invalid, "spool.run.profiles", "grant %d paths; at most %d are allowed: name fewer, or folders that hold them", len(all), maxGranted)
	}
	if f := r.room.Form; len(a.granted.Unix) > 0 && r.room.Shut && !(f.View && f.Landlock >= 6) {
		return events.Faultf(events.Unavailable, "spool.run.profiles", "unix %s: this host cannot grant one socket without granting all; it takes a mount namespace, and Landlock 6 (Linux 6.12)", a.granted.Unix[0])
	}
	for _, g := range all {
		f, err := openPlain(g.path)
		if err != nil {
			return unlessShort(err, events.Faultf(events.NotFound, "spool.run.profiles", "%s %s: %v", g.word, g.path, err))
		}
		into.add(g.path, g.access, f)
		last := &into.list[len(into.list)-1]
		last.Granted = true
		if err := r.drives.Clear(last.Real); err != nil {
			return unlessShort(err, events.Faultf(events.Forbidden, "spool.run.profiles", "%s %s: %v", g.word, g.path, err))
		}
	}
	return nil
}

// plain is a path without the link that most systems have on the way to sockets.
func plain(path string) string {
	if rest, ok := strings.CutPrefix(path, "/var/run/"); ok {
		if to, err := os.Readlink("/var/run"); err == nil && (to == "/run" || to == "../run") {
			return "/run/" + rest
		}
	}
	return path
}

// roomOf is the room of an attempt that begins now, and what it is started from; nil: it
// has the room of all.
func (r *Runner) roomOf(a *attempt) (room cell.Room, own *process.Program, err error) {
	room, strict := r.roomNow()
	g := a.granted
	limited := len(g.Connect) > 0
	offline := !limited && (g.Network == events.NetworkNone || room.Offline && g.Network != events.NetworkAny)
	listen := !offline && (room.Listen || g.Listen)
	a.offline, a.listens = offline, listen
	if g.Listen && offline {
		return room, nil, events.Faultf(events.Invalid, "spool.run.profiles", "listen needs the network, which flows are denied here (--runner-network deny): a profile grants it with \"network any\"")
	}
	local := offline && len(g.Unix) > 0
	if offline == room.Offline && listen == room.Listen && !local && !limited && a.form == room.Form && g.Memory == 0 && g.Processor == 0 {
		return room, nil, nil
	}
	if why := r.cfg.hidden.canFilter(); offline && why != nil {
		return room, nil, events.Faultf(events.Unavailable, "spool.run.profiles", "network none: this kernel cannot do it: %v", why)
	}
	cfg := r.cfg
	cfg.Offline, cfg.Listen, cfg.local = offline, listen, local
	room.Form, room.Offline, room.Listen = a.form, offline, listen
	room.Form.Asks = limited
	room.Form.Hears = !listen && (!offline || local) && r.cfg.hidden.canHear(room.Form)
	from := r.boundAs(a, &room.Limits)
	cfg.pinned = room.Limits.Processors > 0
	room.Filter, err = filterOf(cfg, room.Form, strict)
	return room, &from, err
}

// withGranted is the environment of a flow with what its profiles set.
func withGranted(env []string, g events.Profile) []string {
	set := slices.Clone(g.Env)
	if g.Home != "" {
		set = append(set, events.Variable{Name: "HOME", Value: g.Home})
	}
	for _, v := range set {
		env = slices.DeleteFunc(env, func(e string) bool { return strings.HasPrefix(e, v.Name+"=") })
		env = append(env, v.Name+"="+v.Value)
	}
	return env
}

// readGrantedSecrets reads the secrets that the profiles of a run grant, which become
// variables.
func (a *attempt) readGrantedSecrets() (values []string, err error) {
	for _, s := range a.granted.Secrets {
		value, err := readSecretFile(s.Value)
		if err != nil {
			return nil, unlessShort(err, events.Faultf(events.Unavailable, "spool.run.profiles", "secret %s: its file %v", s.Name, err))
		}
		values = append(values, value)
		a.granted.Env = append(a.granted.Env, events.Variable{Name: s.Name, Value: value})
	}
	return values, nil
}

// readSecretFile reads a file without the end of its last line. Its path is not for
// those who read the run.
func readSecretFile(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", errors.New("cannot be read: is it there?")
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o007 != 0:
		return "", errors.New("is no file that is closed to others: chmod o= it")
	case info.Size() > maxVariable:
		return "", errors.New("is too long for a variable")
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.ContainsRune(string(text), 0) {
		return "", errors.New("cannot be read, or holds a NUL")
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}
