package crondlog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"spool.internal/events/schedule"
	"spool.internal/events/sorting"
)

// Job is a job that may have been made of a line of a crontab.
type Job struct {
	Key, Name string
	User      string    // a word that its user begins the profile with, see [Slug]; empty: not known
	Command   string    // as crond logs it
	Shadowed  bool      //
	Since     time.Time // it is what it is since then
	Schedule  *schedule.Schedule
	Slots     []Slot // oldest first
}

// Slot is a slot of a job, and what became of it.
type Slot struct {
	Time    time.Time
	Verdict string
	Reason  string
}

// Shadow is the verdict of a slot that would have run.
const Shadow = "shadow"

// Sides of a [Line].
const (
	Both  = "both"
	Crond = "crond"
	Spool = "spool"
)

// Line is a start, on one side or on both.
type Line struct {
	Time    time.Time  `json:"time"` // the minute
	On      string     `json:"on"`   // both, crond, spool
	Key     string     `json:"key,omitzero"`
	User    string     `json:"user,omitzero"`
	Command string     `json:"command"`
	Started *time.Time `json:"started,omitempty"` // by crond
	Log     int        `json:"line,omitzero"`     // of the log
	Reason  string     `json:"reason,omitzero"`   // why it is on one side only, where that is known
}

// late is how long after its minute crond may log a start.
const late = 2 * time.Minute

// Compare matches starts and slots from from to to.
func Compare(starts []Start, jobs []*Job, from, to time.Time) []Line {
	taken := map[*Job]map[int]bool{}
	var lines []Line
	starts = slices.Clone(starts)
	sorting.Stably(starts, func(a, b Start) int { return a.At.Compare(b.At) })
	for _, s := range starts {
		if s.At.Before(from) || s.At.After(to) {
			continue
		}
		l := Line{Time: s.At.Truncate(time.Minute).UTC(), On: Crond, User: s.User, Command: s.Command, Started: new(s.At.UTC()), Log: s.Line}
		job, slot := match(s, jobs, taken)
		if slot >= 0 {
			if taken[job] == nil {
				taken[job] = map[int]bool{}
			}
			taken[job][slot] = true
			l.On, l.Key, l.Time = Both, job.Key, job.Slots[slot].Time.UTC()
		} else {
			l.Key, l.Reason = why(s, jobs)
		}
		lines = append(lines, l)
	}
	for _, j := range jobs {
		for i, slot := range j.Slots {
			if slot.Verdict != Shadow || taken[j][i] || slot.Time.Before(from.Truncate(time.Minute)) || slot.Time.After(to.Add(-late)) {
				continue
			}
			lines = append(lines, Line{Time: slot.Time.UTC(), On: Spool, Key: j.Key, Command: j.Command, Reason: j.onlyHere(slot)})
		}
	}
	sorting.Stably(lines, func(a, b Line) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Key, b.Key)) })
	return lines
}

// Mentions are the jobs that have the command of a start.
func mentions(s Start, jobs []*Job) (list []*Job) {
	for _, j := range jobs {
		if j.Command == s.Command && (j.User == "" || j.User == Slug(s.User)) {
			list = append(list, j)
		}
	}
	return list
}

// match finds the newest slot that a start is of.
func match(s Start, jobs []*Job, taken map[*Job]map[int]bool) (found *Job, at int) {
	at = -1
	for _, j := range mentions(s, jobs) {
		for i := len(j.Slots) - 1; i >= 0; i-- {
			slot := j.Slots[i]
			behind := s.At.Sub(slot.Time)
			if behind >= late {
				break
			}
			if behind < 0 || slot.Verdict != Shadow || taken[j][i] {
				continue
			}
			if at < 0 || slot.Time.After(found.Slots[at].Time) {
				found, at = j, i
			}
			break
		}
	}
	return found, at
}

// why says why Spool would not have started what crond did.
func why(s Start, jobs []*Job) (key, reason string) {
	list := mentions(s, jobs)
	if len(list) == 0 {
		return "", "no job has this command of this user"
	}
	minute := s.At.Truncate(time.Minute)
	for _, j := range list {
		for _, slot := range j.Slots {
			if slot.Time.Equal(minute) && slot.Verdict != Shadow {
				reason = strings.TrimSuffix("its slot is "+slot.Verdict+": "+slot.Reason, ": ")
				return j.Key, reason
			}
			if slot.Time.Equal(minute) {
				return j.Key, "crond started it twice in this minute"
			}
		}
		if c, ok := j.clocks(minute); ok {
			return j.Key, c
		}
	}
	j := list[0]
	switch {
	case s.At.Before(j.Since):
		return j.Key, "the job is what it is since " + j.Since.UTC().Format(time.RFC3339)
	case !j.Shadowed:
		return j.Key, "the job is not shadowed"
	case j.Schedule != nil && j.Schedule.Reboot():
		return j.Key, "crond was started, or the machine: @reboot has no slots"
	}
	return j.Key, "the job has no slot then: its schedule or its zone differ from the line's"
}

// onlyHere says why crond may not have started what Spool would.
func (j *Job) onlyHere(slot Slot) string {
	if c, ok := j.clocks(slot.Time); ok {
		return c
	}
	return "crond logged no start: it was not running, the line has gone or is another, or - before its minute keeps it quiet"
}

// clocks tells of a change of clocks around a time that matters to the job.
func (j *Job) clocks(at time.Time) (string, bool) {
	if j.Schedule == nil {
		return "", false
	}
	for c := range j.Schedule.Changes(at.Add(-4*time.Hour), at.Add(4*time.Hour)) {
		return fmt.Sprintf("%s; crond took them otherwise", c.Text), true
	}
	return "", false
}

// Slug is a user as the names of keys and profiles have it.
func Slug(user string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return '-'
	}, user), "-")
}
