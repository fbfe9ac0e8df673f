package events

import (
	"path"
	"strings"
)

// UnfinishedEndings are endings, in small letters, of names under which programs
// build a file that they rename, or remove, when it is done. A later rename to
// another name is a new file.
var UnfinishedEndings = []string{
	".tmp", ".temp", ".part", ".partial", ".filepart",
	".crdownload", ".download", ".opdownload", ".aria2",
	".swp", ".lock", ".camellock",
}

var unfinished = func() map[string]bool {
	set := map[string]bool{}
	for _, ending := range UnfinishedEndings {
		set[ending] = true
	}
	return set
}()

// WhyIgnored says by which rule what lies at a path below the folder of a job is not
// for a run, as the end of a sentence: hidden, unfinished, some system's own, or
// matched by a pattern of the job, or there to say that another is complete. Empty:
// by none. It is about the last name alone.
func (w Watch) WhyIgnored(rel string) string {
	name := path.Base(rel)
	switch {
	case strings.HasPrefix(name, "."):
		return "is hidden: its name begins with a dot"
	case strings.HasPrefix(name, "~$"), strings.HasSuffix(name, "~"), len(name) > 1 && name[0] == '#' && name[len(name)-1] == '#':
		return "is what an editor keeps beside a file: ~$x, x~ and #x# are never run"
	case unfinished[strings.ToLower(path.Ext(name))]:
		return "is under construction, by its ending " + path.Ext(name)
	}
	if of, marker := w.MarkedBy(name); marker {
		if of == "" {
			of = "other files"
		}
		return "is the marker (spool.watch.marker) of " + of
	}
	if systemName(name) {
		return "is what a system, or Spool, keeps for itself under this name"
	}
	if p := matching(w.Ignore, rel); p != "" {
		return "is ignored by the pattern " + p + " of spool.watch.ignore"
	}
	return ""
}

// WhyNot says why the file at a path below the folder of a job is not one of those
// that are run, as the end of a sentence; empty when it is. It knows names alone.
func (w Watch) WhyNot(rel string) string {
	_, why := w.Judge(rel)
	return why
}

// Judge is WhyNot that also says of what kind that is.
func (w Watch) Judge(rel string) (state FileState, why string) {
	if strings.Contains(rel, "/") && !w.Recursive {
		return FileNotWatched, "lies in a folder below the watched one, and the job does not watch those: spool.watch.recursive is not set"
	}
	for i := range rel + "/" {
		if (rel + "/")[i] != '/' {
			continue
		}
		if why := w.WhyIgnored(rel[:i]); why != "" && i < len(rel) {
			return FileNotWatched, "lies in the folder " + NewFile(rel[:i]).Path + ", which " + why
		} else if why != "" {
			return FileIgnored, why
		}
	}
	if !w.Includes(rel) {
		return FileNotIncluded, "is matched by no pattern of spool.watch.include (" + strings.Join(w.Include, ", ") + ")"
	}
	return "", ""
}
