package events

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Placement is where the files that a run wrote go when it has ended OK. The zero
// value leaves them in the run's own folder.
type Placement struct {
	Pattern  string         `json:"pattern"`     // of a path below the output folder of the job
	Conflict OutputConflict `json:"conflict"`    // what becomes of a name that is taken
	At       string         `json:"at,omitzero"` // of a run: the time that the pattern is filled with, RFC 3339 in the job's zone
}

// Given reports whether outputs are to be placed.
func (p Placement) Given() bool { return p.Pattern != "" }

// placeholders are what a pattern may have in braces.
var placeholders = []string{"yyyy", "mm", "dd", "hh", "mi", "stem", "ext", "name", "input", "dir", "run_id"}

const (
	maxPattern = 1024 // bytes
	maxSegment = 255  // bytes of a name, as file systems have it
)

func readPlacement(r *reader) (p Placement) {
	p.Pattern = r.text("output")
	p.Conflict = oneOf(r, "output_conflict", ConflictSuffix, ConflictReplace, ConflictFail)
	_, named := r.o.Get("output")
	_, ruled := r.o.Get("output_conflict")
	switch {
	case !named && ruled:
		r.fail("output_conflict", "says what becomes of names that spool.output gives: give that, too, or leave it out")
	case named:
		if fault := patternFault(p.Pattern); fault != "" {
			r.fail("output", "%s", fault)
		}
	}
	return p
}

// patternFault says what is wrong with a pattern, and what to write instead.
func patternFault(pattern string) string {
	const like = "{yyyy}/{mm}/{stem}{ext}"
	switch {
	case pattern == "":
		return "is empty: give a pattern like " + like + ", or leave it out for a folder of each run's own"
	case len(pattern) > maxPattern:
		return "is too long: a pattern has at most 1024 bytes"
	case strings.ContainsRune(pattern, 0):
		return "contains a NUL, which no name can hold: leave it out"
	case strings.HasPrefix(pattern, "/"):
		return "begins with a slash: it is a path below output_dir; leave the slash out, and name another folder in settings.output_dir"
	case strings.HasSuffix(pattern, "/"):
		return "ends with a slash, and names a folder: write the name of the file after it, as {name}"
	}
	for segment := range strings.SplitSeq(pattern, "/") {
		switch {
		case segment == "":
			return "has two slashes side by side: leave one out"
		case segment == "." || segment == "..":
			return "contains \"" + segment + "\": it cannot lead out of output_dir; give a path below it, like " + like
		case Reserved(segment):
			return "leads into what Spool keeps on the drive for itself (" + segment + "): give another name"
		}
	}
	return placeholderFault(pattern)
}

func placeholderFault(pattern string) string {
	known := "{" + strings.Join(placeholders, "}, {") + "}"
	for rest := pattern; ; {
		open, closed := strings.IndexByte(rest, '{'), strings.IndexByte(rest, '}')
		switch {
		case open < 0 && closed < 0:
			return ""
		case open < 0 || closed < open:
			return "has a brace that does not belong to a placeholder: these are known: " + known
		}
		if name := rest[open+1 : closed]; !slices.Contains(placeholders, name) {
			return "has an unknown placeholder {" + name + "}: these are known: " + known
		}
		rest = rest[closed+1:]
	}
}

// checkPlacement holds the rules that need more than one key.
func (p *Parameters) checkPlacement() error {
	o := p.Options.Output
	if !o.Given() {
		return nil
	}
	if raw, ok := p.Settings.Get("output_has_run_id"); ok && string(raw) == "false" {
		return Faultf(Invalid, "spool.output", "needs a folder of each run's own to write to, and settings.output_has_run_id is false: leave that out")
	}
	// What comes before the first placeholder is certain.
	sure, _, _ := strings.Cut(o.Pattern, "{")
	if i := strings.LastIndexByte(sure, '/'); p.Spooled && i > 0 && p.OutputDir().Join(sure[:i]).Within(p.InputDir) {
		return Faultf(Invalid, "spool.output", "leads into the watched folder %s: results would be run again; give another folder", p.InputDir)
	}
	return nil
}

// Naming is what a pattern is filled with beside the time.
type Naming struct {
	Path  string // of the output, below the run's own folder
	Alone bool   // it is the only one of its run
	Input string // the file that the run is about, below the watched folder; empty = none
	RunID string
}

// Target fills the pattern: where below the output folder of the job a file goes.
// The fault of one that can have no such name is a sentence.
func (p Placement) Target(n Naming) (target, fault string) {
	below, name := path.Split(n.Path)
	stem, ext := SplitName(name)
	input, _ := SplitName(path.Base(n.Input))
	if n.Input == "" {
		input = stem
	} else if n.Alone {
		stem = input
	}
	at, err := time.Parse(time.RFC3339, p.At)
	if err != nil {
		return "", "the time of the run is unknown"
	}
	dir := path.Dir(n.Input)
	if dir == "." {
		dir = ""
	}
	filled := strings.NewReplacer(
		"{yyyy}", at.Format("2006"), "{mm}", at.Format("01"), "{dd}", at.Format("02"), "{hh}", at.Format("15"), "{mi}", at.Format("04"),
		"{stem}", stem, "{ext}", ext, "{name}", stem+ext, "{input}", input, "{dir}", dir, "{run_id}", n.RunID,
	).Replace(p.Pattern)
	head, last := path.Split(filled)
	var names []string
	for segment := range strings.SplitSeq(head+below+last, "/") {
		switch {
		case segment == "": // {dir} of a file that lies in no folder below
			continue
		case segment == "." || segment == ".." || Reserved(segment) || hiddenRun.MatchString(segment):
			return "", "the pattern makes " + head + below + last + " of it, which is no place for a file"
		case len(segment) > maxSegment:
			return "", "the pattern makes a name of more than 255 bytes of it"
		}
		names = append(names, segment)
	}
	if last == "" {
		return "", "the pattern leaves it without a name"
	}
	return strings.Join(names, "/"), ""
}

// SplitName takes a name apart into stem and ending. A name that begins with its
// only dot has no ending.
func SplitName(name string) (stem, ext string) {
	if ext = path.Ext(name); ext == name {
		ext = ""
	}
	return strings.TrimSuffix(name, ext), ext
}

// RunFolder names the folder that a run has for itself below the output folder of
// its job. One whose outputs are placed has a hidden one: nobody finds there what is
// not whole.
func RunFolder(at time.Time, flowJobID string, hidden bool) string {
	name := at.UTC().Format("20060102-150405") + "-" + flowJobID
	if hidden {
		return "." + name
	}
	return name
}

// hiddenRun is the folder of another run.
var hiddenRun = regexp.MustCompile(`^\.\d{8}-\d{6}-[0-9a-f-]{36}$`)

// PlacedIn gives the folder below which a run places what it writes, if it does.
func (ev RunEvent) PlacedIn() (Path, bool) { return PlacedIn(ev.OutputFolder, ev.FlowJobID) }

// PlacedIn gives the folder below which the outputs of a run are placed that has an
// output folder of that name.
func PlacedIn(outputFolder, flowJobID string) (Path, bool) {
	p, err := ParsePath("output_folder", outputFolder)
	if err != nil {
		return Path{}, false
	}
	dir, name := path.Split(p.Rel)
	if !strings.HasPrefix(name, ".") || !strings.HasSuffix(name, "-"+flowJobID) {
		return Path{}, false
	}
	return Path{p.Drive, strings.TrimSuffix(dir, "/")}, true
}
