// Command licenses writes the licence of Spool, and those of all modules that are
// linked into it on any system: licenses ROOT >services/cmd/spool/licenses.txt.
//
// A licence that several modules share word for word stands once. What it writes
// depends on the modules and their versions alone.
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// systems are those that Spool is built for.
var systems = [][2]string{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}}

// legal are the names of files that a module's licence or notice stands in.
var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents|unlicense)([.-].*)?$`)

// code are files that happen to be named like one.
var code = regexp.MustCompile(`(?i)\.(go|sh|json|html)$`)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: licenses ROOT")
		os.Exit(2)
	}
	text, err := write(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "licenses:", err)
		os.Exit(1)
	}
	_, _ = io.WriteString(os.Stdout, text)
}

// part is a licence and the modules that it is of.
type part struct {
	modules []string
	text    string
}

func write(root string) (string, error) {
	folders, err := folders(root)
	if err != nil {
		return "", err
	}
	goRoot, err := run(root, nil, "env", "GOROOT")
	if err != nil {
		return "", err
	}
	own, err := read(root)
	if err != nil {
		return "", err
	}
	library, err := read(strings.TrimSpace(goRoot))
	if err != nil {
		return "", err
	}
	parts := []part{{[]string{"Spool"}, own}, {[]string{"The standard library of Go"}, library}}
	for _, module := range slices.Sorted(maps.Keys(folders)) {
		text := ""
		for _, dir := range slices.SortedFunc(maps.Keys(folders[module]), func(a, b string) int {
			return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
		}) {
			more, err := read(dir)
			if err != nil {
				return "", err
			}
			if !strings.Contains(text, more) {
				text += more
			}
		}
		if text == "" {
			return "", fmt.Errorf("%s has no licence", module)
		}
		if i := slices.IndexFunc(parts, func(p part) bool { return p.text == text }); i > 1 {
			parts[i].modules = append(parts[i].modules, module)
			continue
		}
		parts = append(parts, part{[]string{module}, text})
	}
	var b strings.Builder
	for _, p := range parts {
		rule := strings.Repeat("=", 100)
		fmt.Fprintf(&b, "%s\n%s\n%s\n\n%s\n", rule, strings.Join(p.modules, "\n"), rule, p.text)
	}
	return b.String(), nil
}

// folders gives, for each module and version, the folders that hold what is
// linked of it, and those above them.
func folders(root string) (map[string]map[string]bool, error) {
	found := map[string]map[string]bool{}
	for _, system := range systems {
		out, err := run(root, []string{"GOOS=" + system[0], "GOARCH=" + system[1], "CGO_ENABLED=0"}, "list", "-deps", "-json=Dir,Module", "./services/...")
		if err != nil {
			return nil, err
		}
		for dec := json.NewDecoder(strings.NewReader(out)); ; {
			var p struct {
				Dir    string
				Module *struct {
					Path, Version, Dir string
					Main               bool
				}
			}
			if err := dec.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, err
			}
			if p.Module == nil || p.Module.Main || p.Module.Version == "v0.0.0" {
				continue // the standard library, and our own
			}
			module := p.Module.Path + " " + p.Module.Version
			if found[module] == nil {
				found[module] = map[string]bool{}
			}
			for dir := p.Dir; strings.HasPrefix(dir, p.Module.Dir); dir = filepath.Dir(dir) {
				found[module][dir] = true
			}
		}
	}
	return found, nil
}

func run(dir string, env []string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	cmd.Env = append(append(os.Environ(), "GOWORK="), env...) // the workspace of dir
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return string(out), nil
}

// read gives what is legal in a folder.
func read(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	text := ""
	for _, e := range entries {
		if !e.Type().IsRegular() || !legal.MatchString(e.Name()) || code.MatchString(e.Name()) {
			continue
		}
		more, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", err
		}
		text += strings.TrimSpace(strings.ReplaceAll(string(more), "\r\n", "\n")) + "\n\n"
	}
	return text, nil
}
