package denial

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/services/runner/cell"
)

// What programs say, in the words of C, Java, Go, Python and Node.
var (
	saysDenied  = regexp.MustCompile(`(?i)permission denied|operation not permitted|read-only file system|access denied|AccessDenied|\bEACCES\b|\bEPERM\b|\bEROFS\b`)
	saysMissing = regexp.MustCompile(`(?i)no such file or directory|\bENOENT\b|nonexistent|does not exist|NoSuchFile|(cannot|can't) connect|not found`)
	saysWrite   = regexp.MustCompile(`(?i)creat|writ|mkdir|read-only|EROFS|remov|unlink|renam|touch|truncat|FileOutputStream|for output`)
	saysRun     = regexp.MustCompile(`(?i)\bexec|spawn|can't execute|cannot execute|: not found`)
	saysConnect = regexp.MustCompile(`(?i)unix:|socket|\bconnect`)
	saysListen  = regexp.MustCompile(`(?i)\bbind\b|\blisten`)
	namesURL    = regexp.MustCompile(`[a-z0-9+.-]+://[^/\s][^\s"']*`) // of a host: no path of this one
	namesPath   = regexp.MustCompile(`["'‘“` + "`" + `](/[^"'’”` + "`" + `]+)["'’”` + "`" + `]|(?:^|[\s"'‘’“”` + "`" + `:;,()\[\]{}<>=])(/[^\s"'‘’“”` + "`" + `:;,()\[\]{}<>=]+)`)
	saysMkdir   = regexp.MustCompile(`(?i)mkdir|creat`)
)

const CannotGrant = "which no profile can grant"

// Allowed is what a flow was allowed.
type Allowed struct {
	Places  []cell.Place // its own, and those that were granted
	Read    []string     // what all flows may read
	Own     []string     // its own places: nobody can grant more there
	Hides   bool         // what it is not given is not there
	Offline bool
	Listen  bool
}

// Explain finds in the last lines of a flow that failed what the sandbox denied it, and says which
// line of a profile would allow that; empty when nothing tells.
func (a Allowed) Explain(said string) string {
	lines := strings.Split(said, "\n")
	for i, line := range slices.Backward(lines) {
		denied := saysDenied.MatchString(line)
		if !denied && !(a.Hides && saysMissing.MatchString(line)) {
			continue
		}
		for _, p := range slices.Backward(pathsIn(line)) {
			if saysMkdir.MatchString(line) {
				p = wanted(p, said)
			}
			if grants, ok := a.lineFor(p, line); ok {
				return "the sandbox denied " + p + ", " + grants
			}
		}
		// Python shows the call in the lines above its error.
		if grants := a.network(strings.Join(lines[max(0, i-2):i+1], "\n")); denied && grants != "" {
			return "the sandbox denied the network, " + grants
		}
	}
	return ""
}

// pathsIn are the paths that a text names.
func pathsIn(text string) (all []string) {
	for _, m := range namesPath.FindAllStringSubmatch(namesURL.ReplaceAllString(text, ""), -1) {
		if p := strings.TrimRight(m[1]+m[2], "."); p != "" { // the end of a sentence
			all = append(all, path.Clean(p))
		}
	}
	return all
}

// wanted is what a folder was to be made for, which may be one on the way: the
// uppermost path below it that the flow has named.
func wanted(p, said string) string {
	best := p
	for _, other := range pathsIn(said) {
		if other != p && drive.Inside(other, p) && (best == p || len(other) < len(best)) {
			best = other
		}
	}
	return best
}

// lineFor gives the line that would allow what failed at a path. What the flow could
// do there failed for another reason.
func (a Allowed) lineFor(p, line string) (grants string, ok bool) {
	writes := saysWrite.MatchString(line)
	could, known := a.could(p)
	if known && (could == cell.Write || !writes && could != cell.Read) || slices.ContainsFunc(a.Own, func(dir string) bool { return drive.Inside(p, dir) }) {
		return "", false
	}
	word, at := "read", p
	switch {
	case saysConnect.MatchString(line) && !writes:
		word = "unix"
	case writes:
		word, at = "write", path.Dir(p)
	case saysRun.MatchString(line) || known:
		word = "run"
	}
	if events.Grantable(at) != "" {
		return CannotGrant, at != "/"
	}
	grants = fmt.Sprintf("which the profile line %q would allow", word+" "+at)
	if word == "read" {
		grants += fmt.Sprintf(" (%q if it is to be changed)", "write "+at)
	}
	return grants, true
}

// could says what the flow could do at a path, if it was given it.
func (a Allowed) could(p string) (most cell.Access, known bool) {
	for _, place := range a.Places {
		if drive.Inside(p, place.Path) || drive.Inside(p, place.Real) {
			if !known || place.Access == cell.Write {
				most, known = place.Access, true
			}
		}
	}
	if !known && slices.ContainsFunc(a.Read, func(dir string) bool { return drive.Inside(p, dir) }) {
		return cell.Run, true
	}
	return most, known
}

func (a Allowed) network(line string) string {
	switch {
	case saysListen.MatchString(line) && !a.Listen:
		return "which the profile line \"listen\" would allow"
	case saysConnect.MatchString(line) && a.Offline:
		return "which the profile line \"network any\" would allow"
	}
	return ""
}

// Kernel says which line of a profile would allow the last of what the kernel denied.
func (a Allowed) Kernel(denials []Denial) string {
	for _, d := range slices.Backward(denials) {
		if d.path == "" {
			if strings.Contains(d.blockers, "net.bind_tcp") && !a.Listen {
				return "the sandbox denied a port, which the profile line \"listen\" would allow"
			}
			continue
		}
		word, at := "write", d.path
		switch {
		case strings.Contains(d.blockers, "fs.execute"):
			word = "run"
		case strings.HasPrefix(d.blockers, "fs.read"):
			word = "read"
		case strings.HasPrefix(d.blockers, "fs.write_file"), strings.HasPrefix(d.blockers, "fs.truncate"):
			at = path.Dir(d.path)
		}
		if events.Grantable(at) == "" && !slices.ContainsFunc(a.Own, func(dir string) bool { return drive.Inside(d.path, dir) }) {
			return fmt.Sprintf("the sandbox denied %s, which the profile line %q would allow", d.path, word+" "+at)
		}
	}
	return ""
}
