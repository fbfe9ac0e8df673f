package system

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
)

// Heard is what a role said, and when the store took it.
type Heard struct {
	events.RoleState
	At time.Time
}

// lost says what does not happen while a role is away, for each role that Spool needs.
var lost = map[string]string{
	"broker": "nothing is stored", "cron": "no slot starts a job", "watcher": "no file starts a job", "dispatcher": "nothing is called",
	"runner": "no flow runs", "notify": "nobody is told of anything", "gateway": "it answers no requests",
}

// necessary are the roles without which Spool does not do what it is for, wherever they
// run; a runner is not among them, for the endpoint can be another server.
var necessary = []string{"cron", "watcher", "dispatcher", "notify"}

// Roles gives a line for each process of each role. A process that is not heard of any
// more is left out once another one of its role has started on its host, or has the store that it had.
func Roles(all []Heard, now time.Time) (lines []Line) {
	lives := map[string]bool{}
	for _, h := range all {
		if follower(h, all, now) {
			continue
		}
		l := Role(h, now)
		lives[h.Role] = lives[h.Role] || l.State == OK
		lines = append(lines, l)
	}
	for i := range lines {
		if l := &lines[i]; lives[l.Name] && (l.State == Away || l.State == Failed) {
			l.Means += " Another " + l.Name + " is ready and does its work."
			l.State = Warning
		}
	}
	for _, name := range necessary {
		if !slices.ContainsFunc(all, func(h Heard) bool { return h.Role == name }) {
			lines = append(lines, Line{
				Name: name, Kind: KindRole, State: Away,
				Means: fmt.Sprintf("None was heard of within the last hour: %s.", lost[name]),
				Todo:  start(name),
			})
		}
	}
	return lines
}

func start(role string) string {
	if role == "notify" {
		role = "dispatcher"
	}
	return fmt.Sprintf("Start it: spool %s, or spool serve, which runs all of them.", role)
}

// away reports whether a role is not heard of any more.
func away(h Heard, now time.Time) bool { return h.Stopped || now.Sub(h.At) > events.RoleAwayAfter }

// follower reports whether another process took the place of one that is away.
func follower(h Heard, all []Heard, now time.Time) bool {
	return away(h, now) && slices.ContainsFunc(all, func(o Heard) bool {
		return o.Role == h.Role && (o.Host == h.Host || o.Holds && h.Holds) && o.Instance != h.Instance && o.Since.After(h.Since) && !away(o, now)
	})
}

// Role gives the line of one process of a role, whatever others there are.
func Role(h Heard, now time.Time) Line {
	l := Line{
		Name: h.Role, Kind: KindRole, State: OK, Since: cmp.Or(h.Turned, h.Since), Means: "Ready.",
		Host: h.Host, Instance: h.Instance, Version: h.Version, Detail: fmt.Sprintf("pid %d, started %s", h.PID, h.Since.UTC().Format(time.RFC3339)),
	}
	switch {
	case h.Stopped:
		l.State, l.Since, l.Todo = Away, h.At, start(h.Role)
		l.Means = fmt.Sprintf("It was stopped: %s.", lost[h.Role])
	case away(h, now):
		l.State, l.Since = Away, h.At
		l.Means = fmt.Sprintf("Not heard of for %s: %s.", ago(now.Sub(h.At)), lost[h.Role])
		l.Todo = "See whether its process runs and reaches NATS. " + start(h.Role)
	case !h.Ready && h.At.Sub(h.Since) < events.RoleAwayAfter:
		l.State, l.Means = Unknown, "Starting: not ready yet are "+parts(h.Why)+"."
		l.Detail += "; " + strings.Join(h.Why, "; ")
	case !h.Ready:
		l.State, l.Means = Failed, "Not ready: "+parts(h.Why)+"."
		l.Todo = "Its /readyz and its log say more."
		l.Detail += "; " + strings.Join(h.Why, "; ")
	case h.Held != "":
		l.State, l.Means = Warning, "On hold ("+h.Held+"): nothing is fired, dispatched or run."
		l.Todo = "See that the old store is stopped, then: spool release."
	}
	return l
}

// parts names the parts that are not ready, without their reasons: those can name
// hosts and paths.
func parts(why []string) string {
	if len(why) == 0 {
		return "it does not say why"
	}
	var names []string
	for _, w := range why {
		name, _, _ := strings.Cut(w, ": ")
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// Answered adds to the lines of cron the minute up to which it has answered for all slots: the one that is
// committed, or that a cron said last, which is 0 where none says. Minutes without a slot are committed together,
// see [events.QuietMinutes], so only the word of a cron tells within minutes that the clock stands still.
func Answered(lines []Line, committed, said events.Minute, now time.Time) {
	minute, most := max(committed, said), 3*time.Minute
	if said == 0 {
		most += events.QuietMinutes * time.Minute
	}
	at := minute.Time()
	for i := range lines {
		l := &lines[i]
		if l.Kind != KindRole || l.Name != "cron" {
			continue
		}
		if minute == 0 {
			l.Means += " It has not answered for a minute yet."
			continue
		}
		l.Means += fmt.Sprintf(" The last minute that was answered for is %s.", at.UTC().Format("2006-01-02T15:04Z"))
		if late := now.Sub(at); l.State == OK && late > most {
			l.State = Warning
			l.Means = fmt.Sprintf("Ready, and %s behind: the last minute that was answered for is %s.", ago(late), at.UTC().Format("2006-01-02T15:04Z"))
			l.Todo = "It catches up by itself; when it does not, its log says why."
		}
	}
}

// Versions says whether all roles that are heard of are of one version.
func Versions(all []Heard, now time.Time) Line {
	by := map[string][]string{}
	for _, h := range all {
		if !away(h, now) && !slices.Contains(by[h.Version], h.Role) {
			by[h.Version] = append(by[h.Version], h.Role)
		}
	}
	l := Line{Name: "versions", Kind: KindVersion, State: OK}
	said := withRoles(by)
	switch len(said) {
	case 0:
		l.State, l.Means = Unknown, "No role was heard of."
	case 1:
		l.Means = "All roles are of version " + said[0] + "."
	default:
		l.State, l.Means = Warning, "The roles are of different versions: "+strings.Join(said, ", ")+"."
		l.Todo = "Finish the upgrade: the broker first, then the others; what one writes the other may not know."
	}
	return l
}

// withRoles names versions, each with the roles that have it.
func withRoles(by map[string][]string) (said []string) {
	for version, roles := range by {
		slices.Sort(roles)
		said = append(said, fmt.Sprintf("%s (%s)", version, strings.Join(roles, ", ")))
	}
	slices.Sort(said)
	return said
}

// ago writes a duration as people do.
func ago(d time.Duration) string {
	if d < time.Second {
		return max(d.Round(time.Millisecond), time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
