// Package importer turns what other schedulers keep into jobs of Spool, and accounts for
// every line of it.
//
//	got := crontab.Parse(importer.Source{Name: "crontab", Text: text}, importer.Options{Zone: zone, Now: now})
//	file := got.File("crontab@host")
//
// The packages below it read one kind of source each: crontabs, systemd's timers,
// CronJobs of Kubernetes, lists of Instabase's jobs. They are pure: bytes in; jobs, and
// what became of each line, out. Nothing is sent to a server.
//
// # Guarantees
//
//   - Each line of a source stands in [Import.Lines] at least once, as [Taken],
//     [Warning], [Refused] or [Nothing]; what has no counterpart says why.
//   - A job that cannot run at the same times is refused, never approximated in silence.
//   - Keys depend on the source alone, so importing it again changes the same jobs.
//   - No text makes a parser panic.
package importer

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"spool.internal/events/sorting"
)

// Source is one file.
type Source struct {
	Name string // as it is shown
	Text []byte
}

// Options is what a source does not say itself.
type Options struct {
	Zone string    // of the host, an IANA name
	Now  time.Time // changes of clocks are looked for in the year from then on
}

// Verdict is what became of a line.
type Verdict string

// The verdicts, from the mildest on.
const (
	Nothing Verdict = "nothing" // blank, a comment, or the frame of what follows
	Taken   Verdict = "taken"
	Warning Verdict = "warning" // taken, but not all of it or not in the same way
	Refused Verdict = "refused"
)

var verdicts = []Verdict{Nothing, Taken, Warning, Refused}

// Line is what became of one line, or of one field on it.
type Line struct {
	File    string   `json:"file,omitzero"`
	Line    int      `json:"line"` // from 1
	Text    string   `json:"text"`
	Verdict Verdict  `json:"verdict"`
	Keys    []string `json:"keys,omitempty"`    // of the jobs that it went into
	Reasons []string `json:"reasons,omitempty"` // sentences
}

// Import is what a source gave.
type Import struct {
	Jobs     []*Job    `json:"-"`
	Lines    []Line    `json:"lines"`
	Profiles []Profile `json:"profiles,omitempty"`
	Notes    []string  `json:"notes,omitempty"` // about all of it
}

// Count counts the lines with a verdict.
func (i *Import) Count(v Verdict) (n int) {
	for _, l := range i.Lines {
		if l.Verdict == v {
			n++
		}
	}
	return n
}

// Add appends what another source gave.
func (i *Import) Add(other *Import) {
	i.Jobs = append(i.Jobs, other.Jobs...)
	i.Lines = append(i.Lines, other.Lines...)
	for _, note := range other.Notes {
		i.Note(note)
	}
	for _, p := range other.Profiles {
		for _, line := range p.Lines {
			i.Grant(p.Name, line)
		}
	}
}

// Note adds a sentence about all of the source, once.
func (i *Import) Note(text string) {
	if !slices.Contains(i.Notes, text) {
		i.Notes = append(i.Notes, text)
	}
}

// Profile is what an administrator has to declare before the jobs can be made.
type Profile struct {
	Name  string   `json:"name"`
	Lines []string `json:"lines"` // as events.ParseProfiles reads them
}

// Grant adds a line to a profile.
func (i *Import) Grant(name, line string) {
	at := slices.IndexFunc(i.Profiles, func(p Profile) bool { return p.Name == name })
	if at < 0 {
		i.Profiles, at = append(i.Profiles, Profile{Name: name}), len(i.Profiles)
	}
	if p := &i.Profiles[at]; !slices.Contains(p.Lines, line) {
		p.Lines = append(p.Lines, line)
	}
}

// ProfileText is the profiles as a file declares them.
func (i *Import) ProfileText() string {
	var b strings.Builder
	for _, p := range i.Profiles {
		b.WriteString(p.Name + ":\n")
		for _, line := range p.Lines {
			b.WriteString("    " + line + "\n")
		}
	}
	return b.String()
}

// Account collects what becomes of the lines of one file.
type Account struct {
	name  string
	texts []string
	lines map[int]*Line
}

// NewAccount begins the account of a file: nothing has become of its lines yet.
func NewAccount(s Source) *Account {
	text := strings.TrimSuffix(string(s.Text), "\n")
	a := &Account{name: s.Name, lines: map[int]*Line{}}
	if text != "" || len(s.Text) > 0 {
		a.texts = strings.Split(text, "\n")
	}
	return a
}

// Texts are the lines of the file, without their ends.
func (a *Account) Texts() []string { return a.texts }

// Say records what becomes of a line. Of several verdicts the worst counts; all reasons
// are kept. key is that of the job it went into, or empty.
func (a *Account) Say(line int, v Verdict, key string, reasons ...string) {
	l := a.lines[line]
	if l == nil {
		l = &Line{File: a.name, Line: line, Verdict: Nothing}
		a.lines[line] = l
	}
	if slices.Index(verdicts, v) > slices.Index(verdicts, l.Verdict) {
		l.Verdict = v
	}
	if key != "" && !slices.Contains(l.Keys, key) {
		l.Keys = append(l.Keys, key)
	}
	for _, r := range reasons {
		if r != "" && !slices.Contains(l.Reasons, r) {
			l.Reasons = append(l.Reasons, r)
		}
	}
}

// Lines gives the account, line by line. A line of which nothing was said goes on what
// stands above it, or is a frame.
func (a *Account) Lines() []Line {
	all := make([]Line, 0, len(a.texts))
	for n, text := range a.texts {
		l := Line{File: a.name, Line: n + 1, Verdict: Nothing}
		if said := a.lines[n+1]; said != nil {
			l = *said
		}
		l.Text = strings.TrimRight(text, " \t\r")
		all = append(all, l)
	}
	sorting.Stably(all, func(a, b Line) int { return cmp.Compare(a.Line, b.Line) })
	return all
}

// Drop records that no job came of a key.
func (a *Account) Drop(key, reason string) {
	for _, l := range a.lines {
		i := slices.Index(l.Keys, key)
		if i < 0 {
			continue
		}
		l.Keys = slices.Delete(l.Keys, i, i+1)
		if len(l.Keys) == 0 && (l.Verdict == Taken || l.Verdict == Warning) {
			l.Verdict, l.Reasons = Refused, []string{reason}
		}
	}
}

// Verdict is what has become of a line so far.
func (a *Account) Verdict(line int) Verdict {
	if l := a.lines[line]; l != nil {
		return l.Verdict
	}
	return Nothing
}
