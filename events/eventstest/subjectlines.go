package eventstest

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"spool.internal/events/jet"
)

// lines are what the comment of a service's package says that it reads and writes.
type lines struct{ in, out []string }

var (
	lineOf    = regexp.MustCompile(`(?m)^// (In|Out): +(.*)$`)
	subjectIn = regexp.MustCompile(`spool(?:\.(?:[\w*>-]+|<[^>]*>|\{[^}]*\}))+`)
)

// readLines reads doc.go of the package; ok is false where it has no such lines.
func readLines() (l lines, ok bool) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		return l, false
	}
	for _, m := range lineOf.FindAllStringSubmatch(string(text), -1) {
		all := subjectIn.FindAllString(m[2], -1)
		if m[1] == "In" {
			l.in = all
		} else {
			l.out = all
		}
	}
	return l, len(l.in)+len(l.out) > 0
}

// uses is what a package did on the wire while its tests ran.
type uses struct {
	pkg string

	mu  sync.Mutex
	all map[jet.Use]bool
}

// watch records from now on what the package does.
func watch(pkg string) *uses {
	u := &uses{pkg: pkg, all: map[jet.Use]bool{}}
	jet.Record(func(use jet.Use) {
		if use.Package != pkg && !strings.HasPrefix(use.Package, pkg+"/") {
			return
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		u.all[jet.Use{Out: use.Out, Subject: use.Subject}] = true
	})
	return u
}

// judge compares what was done with what is said. What the package reads back of its
// own Out needs no In.
func (u *uses) judge(l lines) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	seen := map[string]bool{}
	wrong := map[string]bool{}
	for use := range u.all {
		said, line := l.in, "In"
		if use.Out {
			said, line = l.out, "Out"
		}
		found := false
		for _, s := range said {
			if covers(s, use.Subject) {
				seen[line+" "+s], found = true, true
			}
		}
		if !found && (use.Out || !slices.ContainsFunc(l.out, func(s string) bool { return readsBack(s, use.Subject) })) {
			wrong[line+": misses "+shape(use.Subject)] = true
		}
	}
	for line, all := range map[string][]string{"In": l.in, "Out": l.out} {
		for _, s := range all {
			if !seen[line+" "+s] {
				wrong[line+": says "+s+", which was not seen"] = true
			}
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("doc.go does not say what the package reads and writes:\n%s", strings.Join(slices.Sorted(maps.Keys(wrong)), "\n"))
}

// shape leaves of a subject what tells it from others: the ids in it are many.
func shape(subject string) string {
	tokens := strings.Split(subject, ".")
	for i, t := range tokens[2:] {
		if !slices.Contains([]string{"*", ">"}, t) && (len(tokens) < 4 || i > 0 || strings.ContainsAny(t, "0123456789-")) {
			tokens[i+2] = "<id>"
		}
	}
	return strings.Join(tokens, ".")
}

// readsBack reports whether a filter asks for nothing but what a pattern of Out writes: at
// least the family is that of the pattern.
func readsBack(out, filter string) bool {
	if covers(out, filter) {
		return true
	}
	begin, all := strings.CutSuffix(filter, ".>")
	tokens := strings.Split(out, ".")
	n := strings.Count(begin, ".") + 1
	return all && n >= 3 && n < len(tokens) && covers(strings.Join(tokens[:n], "."), begin)
}

// covers reports whether a pattern of a comment stands for a subject or filter: <x> and *
// are any token, {a,b} one of some, a last > all that follows.
func covers(pattern, subject string) bool {
	p, s := strings.Split(pattern, "."), strings.Split(subject, ".")
	for i, token := range p {
		if token == ">" {
			return len(s) > i
		}
		if i >= len(s) || s[i] == ">" {
			return false
		}
		switch {
		case token == "*", strings.HasPrefix(token, "<"):
		case strings.HasPrefix(token, "{"):
			if !slices.Contains(strings.Split(strings.Trim(token, "{}"), ","), s[i]) {
				return false
			}
		case token != s[i]:
			return false
		}
	}
	return len(p) == len(s)
}
