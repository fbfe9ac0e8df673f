package events

import (
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Watch is how a folder is watched.
type Watch struct {
	Recursive     bool
	Include       []string // patterns of the files that are run; empty = all. See [Watch.Includes]
	Ignore        []string // patterns of files and folders that are left alone besides [SystemNames]
	Marker        string   // pattern of the file that says another is complete, see [Watch.MarkerOf]; empty = none
	QuietMS       int      // negative = the default
	IgnoreInitial bool     // files that lie there already are not run
	Asked         bool     // the job says what becomes of those
}

// What becomes of files that lie in a folder already: spool.watch.existing.
const (
	ExistingRun  = "run"  // they are run
	ExistingMark = "mark" // they are marked as seen, and not run
)

// MaxExisting is how many files may lie in a folder without the question whether
// they are to be run.
const MaxExisting = 20

func readWatch(r *reader) Watch {
	w := Watch{
		Recursive:     r.boolean("recursive", false),
		Include:       r.strings("include"),
		Ignore:        r.strings("ignore"),
		Marker:        r.text("marker"),
		QuietMS:       r.integer("quiet_ms", -1, 0, 3_600_000),
		IgnoreInitial: oneOf(r, "initial", "process", "ignore") == "ignore",
	}
	w.readExisting(r)
	if fault := markerFault(w.Marker); fault != "" {
		r.fail("marker", "%q %s", w.Marker, fault)
	}
	for key, patterns := range map[string][]string{"include": w.Include, "ignore": w.Ignore} {
		for _, pattern := range patterns {
			if !doublestar.ValidatePattern(pattern) {
				r.fail(key, "%q is not a pattern: *, ?, [a-z], {a,b} and, with a slash, ** are known", pattern)
			}
		}
	}
	return w
}

// readExisting reads the plainer word for initial.
func (w *Watch) readExisting(r *reader) {
	initial, existing := r.text("initial"), r.text("existing")
	w.Asked = initial != "" || existing != ""
	if existing == "" {
		return
	}
	mark := oneOf(r, "existing", ExistingRun, ExistingMark) == ExistingMark
	if initial != "" && mark != w.IgnoreInitial {
		r.fail("existing", "%q says the contrary of initial %q: leave initial out", existing, initial)
	}
	w.IgnoreInitial = mark
}

// Check refuses what can never match. Jobs that were stored before this was
// checked are read all the same.
func (w Watch) Check() error {
	for key, patterns := range map[string][]string{"include": w.Include, "ignore": w.Ignore} {
		for _, pattern := range patterns {
			if fault := neverMatches(pattern, w.Recursive); fault != "" {
				return Faultf(Invalid, "spool.watch."+key, "%q can never match: %s", pattern, fault)
			}
		}
	}
	if strings.Contains(w.Marker, "*") {
		return Faultf(Invalid, "spool.watch.marker", "%q can never be there, since * is no pattern here: write %q for the name of the file with an ending (%s.done speaks of %s), or {stem} for its name without its own ending",
			w.Marker, strings.Replace(w.Marker, "*", markerName, 1), "a.pdf", "a.pdf")
	}
	return nil
}

// neverMatches says why a pattern can match nothing, and what to write instead.
func neverMatches(pattern string, recursive bool) string {
	bare := strings.TrimPrefix(pattern, "**/")
	switch {
	case pattern == "":
		return "it is empty; leave it out, or write * for everything"
	case strings.HasPrefix(pattern, "/"):
		return "patterns begin below the watched folder; leave the first slash out"
	case strings.HasSuffix(pattern, "/"):
		return "leave the last slash out for a folder of that name, or write ** after it for all that is in it"
	case pattern != path.Clean(pattern):
		return `"." , ".." and double slashes have no meaning in it; write ` + path.Clean(pattern)
	case !recursive && strings.Contains(strings.TrimSuffix(bare, "/**"), "/"):
		return "the job does not watch the folders below its own; give a pattern for names, or set recursive"
	}
	return ""
}

// Ignores reports that a file or folder is left alone: by its name, or by its
// path below the watched folder.
func (w Watch) Ignores(rel string) bool {
	return systemName(path.Base(rel)) || matchAny(w.Ignore, rel)
}

// Includes reports that a file at a path below the watched folder is one of
// those that are to be run.
func (w Watch) Includes(rel string) bool { return len(w.Include) == 0 || matchAny(w.Include, rel) }

// matchAny holds a path against patterns: one with a slash against all of it,
// another against its last name.
func matchAny(patterns []string, rel string) bool { return matching(patterns, rel) != "" }

// matching gives the pattern that matches.
func matching(patterns []string, rel string) string {
	for _, p := range patterns {
		held := rel
		if !strings.Contains(p, "/") {
			held = path.Base(rel)
		}
		if ok, err := doublestar.Match(p, held); ok && err == nil {
			return p
		}
	}
	return ""
}

// EscapePattern makes a pattern of a name that matches it alone.
func EscapePattern(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `{`, `\{`).Replace(name)
}

// SystemNames are the files and folders, in small letters, that NAS systems, macOS
// and Windows keep for themselves in every folder that they share. They are
// never run, and the folders not entered.
var SystemNames = []string{
	"@eadir", "@tmp", "@recycle", "@recently-snapshot", "#recycle", "#snapshot", "~snapshot", "lost+found", // NAS, Linux
	"__macosx", "network trash folder", "temporary items", "icon\r", // macOS; .DS_Store and .Trashes are hidden
	"$recycle.bin", "recycler", "system volume information", "thumbs.db", "ehthumbs.db", "desktop.ini", // Windows
}

// WhyEnding is what the name of a file ends with that says why another failed.
const WhyEnding = ".why.txt"

// systemName reports that a name is one of [SystemNames], or of a file that Spool
// itself put beside another.
func systemName(name string) bool {
	name = strings.ToLower(name)
	if strings.HasSuffix(name, WhyEnding) {
		return true
	}
	return slices.Contains(SystemNames, name)
}
