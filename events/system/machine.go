package system

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/reserve"
)

// Disk says how much room there is. A disk without a reserve warns when a twentieth of
// it, or less than 1 GiB of a large one, is left.
func Disk(d events.DiskState) Line {
	l := Line{Name: "disk of the " + d.Name, Kind: KindDisk, State: OK, Detail: d.Path}
	if d.Error != "" || d.Total <= 0 {
		l.State, l.Means = Unknown, "How much room it has cannot be told."
		l.Detail = strings.TrimPrefix(d.Path+": "+d.Error, ": ")
		l.Todo = "See whether the disk, or the server that it is mounted from, answers."
		return l
	}
	l.Means = fmt.Sprintf("%s of %s are free.", reserve.Size(d.Free), reserve.Size(d.Total))
	switch {
	case d.Reserve > 0 && d.Free < d.Reserve/2:
		l.State = Failed
		l.Means = fmt.Sprintf("%s are free, less than half of the %s that are kept for the store: uploads, stages and logs are refused, and flows that write there are stopped.",
			reserve.Size(d.Free), reserve.Size(d.Reserve))
	case d.Reserve > 0 && d.Free < d.Reserve:
		l.State = Failed
		l.Means = fmt.Sprintf("%s are free, and %s are kept for the store: uploads, stages and logs are refused.", reserve.Size(d.Free), reserve.Size(d.Reserve))
	case d.Reserve > 0 && d.Free < 2*d.Reserve:
		l.State = Warning
		l.Means = fmt.Sprintf("%s are free; below %s, which are kept for the store, nothing large is taken.", reserve.Size(d.Free), reserve.Size(d.Reserve))
	case d.Reserve == 0 && d.Free < min(d.Total/20, 1<<30):
		l.State, l.Means = Warning, fmt.Sprintf("Only %s of %s are free.", reserve.Size(d.Free), reserve.Size(d.Total))
	}
	if l.State != OK {
		l.Todo = "Make room on this disk, or move the folder to a larger one."
	}
	return l
}

// limit judges how much of something is taken: nine tenths are a warning, all is a fault.
func limit(l Line, u events.Usage, of, raise string) Line {
	switch {
	case u.Limit <= 0:
		l.State, l.Means = OK, fmt.Sprintf("%d %s; no limit is known.", u.Used, of)
	case u.Used >= u.Limit:
		l.State, l.Means, l.Todo = Failed, fmt.Sprintf("All %d %s are taken.", u.Limit, of), raise
	case u.Used > u.Limit/10*9:
		l.State, l.Means, l.Todo = Warning, fmt.Sprintf("%d of %d %s are taken.", u.Used, u.Limit, of), raise
	default:
		l.State, l.Means = OK, fmt.Sprintf("%d of %d %s are taken.", u.Used, u.Limit, of)
	}
	return l
}

// Watches says how many directory watches are taken: folders that get none are looked at
// every few seconds instead.
func Watches(u events.Usage) Line {
	return limit(Line{Name: "inotify watches", Kind: KindInotify}, u, "directory watches",
		"Raise fs.inotify.max_user_watches (sysctl): folders without a watch are looked at every few seconds instead.")
}

// Instances says how many queues of directory watches are taken.
func Instances(u events.Usage) Line {
	return limit(Line{Name: "inotify instances", Kind: KindInotify}, u, "queues of directory watches", "Raise fs.inotify.max_user_instances (sysctl).")
}

// Descriptors says how many files a process has open.
func Descriptors(name string, u events.Usage) Line {
	return limit(Line{Name: "open files of " + name, Kind: KindDescriptors}, u, "open files", "Raise the limit of open files: LimitNOFILE of its unit, or ulimit -n.")
}

// Certificate says how long a certificate is good for.
func Certificate(ends, now time.Time) Line {
	l := Line{Name: "certificate", Kind: KindCertificate, State: OK, Since: time.Time{}}
	left := ends.Sub(now)
	days := int(left.Hours() / 24)
	switch {
	case left <= 0:
		l.State, l.Since = Failed, ends
		l.Means = fmt.Sprintf("It expired on %s: clients refuse to connect.", ends.UTC().Format(time.DateOnly))
	case days < 21:
		l.State, l.Means = Warning, fmt.Sprintf("It expires in %d days, on %s.", days, ends.UTC().Format(time.DateOnly))
	default:
		l.Means = fmt.Sprintf("Good until %s, %d days from now.", ends.UTC().Format(time.DateOnly), days)
	}
	if l.State != OK {
		l.Todo = "Put a new one in the place of --tls-cert and --tls-key, and start the process again."
	}
	return l
}

// Offset bounds for clocks that are compared through the store.
const (
	offsetWarns = 2 * time.Second
	offsetFails = 30 * time.Second
)

// Clocks compares the clocks of the hosts with the clock of the store.
func Clocks(all []Heard, now time.Time) (lines []Line) {
	worst := time.Duration(0)
	seen := map[string]bool{}
	heard := 0
	for _, h := range all {
		if away(h, now) || h.At.IsZero() {
			continue
		}
		heard++
		offset := h.Clock.Sub(h.At)
		worst = max(worst, offset.Abs())
		if offset.Abs() < offsetWarns || seen[h.Host] {
			continue
		}
		seen[h.Host] = true
		l := Offset(offset)
		l.Name, l.Host = "clock of "+h.Role, h.Host
		lines = append(lines, l)
	}
	if len(lines) == 0 && heard > 0 {
		lines = append(lines, Line{Name: "clocks", Kind: KindClock, State: OK, Means: fmt.Sprintf("The clocks of all roles agree with that of the store within %s.", ago(worst))})
	}
	return lines
}

// stepCounts is how long it is told that a clock was set.
const stepCounts = 24 * time.Hour

// Steps tells of the clocks that were set within a day, one line for each host.
func Steps(all []Heard, now time.Time) (lines []Line) {
	seen := map[string]bool{}
	for _, h := range all {
		step := h.Machine.Step
		if away(h, now) || step.At.IsZero() || now.Sub(step.At) > stepCounts || seen[h.Host] {
			continue
		}
		seen[h.Host] = true
		word := "ahead"
		if step.By < 0 {
			word = "back"
		}
		lines = append(lines, Line{
			Name: "clock step", Kind: KindClock, State: Warning, Since: step.At, Host: h.Host,
			Means: fmt.Sprintf("The clock was set %s by %s, or the machine slept: slots in between were caught up, or ran once.", word, ago(step.By.Abs())),
			Todo:  "Let a time service slew the clock (chrony, systemd-timesyncd) in place of setting it.",
		})
	}
	return lines
}

// Offset judges by how much a clock is ahead of another.
func Offset(offset time.Duration) Line {
	l := Line{Name: "clock", Kind: KindClock, State: OK, Means: fmt.Sprintf("It agrees with that of the server within %s.", ago(offset.Abs()))}
	if offset.Abs() < offsetWarns {
		return l
	}
	word := "ahead of"
	if offset < 0 {
		word = "behind"
	}
	l.State = Warning
	if offset.Abs() >= offsetFails {
		l.State = Failed
	}
	l.Means = fmt.Sprintf("It is %s %s that of the server: jobs start, and tokens expire, at other times than people expect.", ago(offset.Abs()), word)
	l.Todo = "Have a time service set the clock (chrony, systemd-timesyncd)."
	return l
}

// TZData says whether all hosts know the same time zone rules.
func TZData(all []Heard, now time.Time) Line {
	by := map[string][]string{}
	for _, h := range all {
		if v := h.Machine.TZData; v != "" && !away(h, now) && !slices.Contains(by[v], h.Role) {
			by[v] = append(by[v], h.Role)
		}
	}
	l := Line{Name: "time zones", Kind: KindTZData, State: OK}
	said := withRoles(by)
	switch len(said) {
	case 0:
		l.State, l.Means = Unknown, "No role says which rules it knows."
	case 1:
		l.Means = "The rules are those of " + said[0] + "."
	default:
		l.State, l.Means = Warning, "The roles know different rules: "+strings.Join(said, ", ")+"."
		l.Todo = "Upgrade the package tzdata on the hosts that are behind: cron decides by its own, the gateway shows the next runs by its."
	}
	return l
}
