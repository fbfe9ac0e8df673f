package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// file is one file of a package.
type file struct {
	to     string // where it is installed
	text   []byte
	mode   fs.FileMode
	config bool // people change it
}

// plain are files that are installed as they are in the repository.
var plain = [][2]string{
	{"LICENSE", "usr/share/doc/spool/copyright"},
	{"README.md", "usr/share/doc/spool/README.md"},
	{"CHANGELOG.md", "usr/share/doc/spool/CHANGELOG.md"},
	{"SECURITY.md", "usr/share/doc/spool/SECURITY.md"},
	{"services/cmd/spool/README.md", "usr/share/doc/spool/README-commands.md"},
	{"services/cmd/spool/licenses.txt", "usr/share/doc/spool/licenses.txt"},
	{"deploy/systemd/README.md", "usr/share/doc/spool/systemd.md"},
	{"deploy/systemd/spool.sysusers", "usr/lib/sysusers.d/spool.conf"},
	{"deploy/systemd/spool.tmpfiles", "usr/lib/tmpfiles.d/spool.conf"},
}

// trees are folders that are installed with all that is in them.
var trees = [][2]string{
	{"deploy/systemd", "usr/lib/systemd/system"}, // units and what is added to them
	{"deploy/runbooks", "usr/share/doc/spool/runbooks"},
	{"deploy/prometheus", "usr/share/doc/spool/prometheus"},
	{"deploy/grafana", "usr/share/doc/spool/grafana"},
	{"deploy/nats", "usr/share/doc/spool/nats"},
}

// completions are where shells look for them.
var completions = map[string]string{
	"bash": "usr/share/bash-completion/completions/spool",
	"zsh":  "usr/share/zsh/site-functions/_spool",
	"fish": "usr/share/fish/vendor_completions.d/spool.fish",
}

// contents gives the files of a package, in the order of their names.
func contents(o options, program, sbom string) (files []file, err error) {
	add := func(from, to string, mode fs.FileMode) {
		if err != nil {
			return
		}
		var text []byte
		if text, err = os.ReadFile(from); err == nil {
			files = append(files, file{to: to, text: text, mode: mode})
		}
	}
	add(program, "usr/bin/spool", 0o755)
	add(sbom, "usr/share/doc/spool/sbom.cdx.json", 0o644)
	for _, p := range plain {
		add(filepath.Join(o.root, p[0]), p[1], 0o644)
	}
	for _, t := range trees {
		dir := filepath.Join(o.root, t[0])
		walked := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || t[0] == "deploy/systemd" && !isUnit(path) {
				return err
			}
			rel, err := filepath.Rel(dir, path)
			if err == nil {
				add(path, filepath.ToSlash(filepath.Join(t[1], rel)), 0o644)
			}
			return err
		})
		if walked != nil {
			return nil, walked
		}
	}
	add(filepath.Join(o.root, "deploy/systemd/spool.env"), "etc/spool/spool.env", 0o640)
	if err != nil {
		return nil, err
	}
	files[len(files)-1].config = true
	for shell, to := range completions {
		text, err := completion(o, shell)
		if err != nil {
			return nil, err
		}
		files = append(files, file{to: to, text: text, mode: 0o644})
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.to, b.to) })
	return files, nil
}

// isUnit says whether a file is for systemd, or about the folder it is in.
func isUnit(path string) bool {
	ending := filepath.Ext(path)
	return ending == ".service" || ending == ".timer" || ending == ".conf"
}

// completion asks the program of this machine: it is the same for all.
func completion(o options, shell string) ([]byte, error) {
	cmd := exec.Command(filepath.Join(o.programs, "spool_"+runtime.GOARCH), "completion", shell)
	cmd.Env = []string{"HOME=/nonexistent"}
	var fault bytes.Buffer
	cmd.Stderr = &fault
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("completion for %s: %w: %s", shell, err, fault.String())
	}
	return text, nil
}
