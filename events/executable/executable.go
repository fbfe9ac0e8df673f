// Package executable says why a file cannot be started, which the kernel does not:
// an interpreter that is missing, Windows line ends, a byte order mark, no first
// line, another machine. It opens nothing; what is asked about the host goes through
// [Host].
package executable

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// HeadSize is how much of the beginning of a file is looked at, in bytes.
const HeadSize = 4096

// Host is the machine that is to start a file.
type Host struct {
	OS, Arch string                      // as runtime.GOOS and runtime.GOARCH
	Path     []string                    // folders in which env looks for programs
	Reads    []string                    // folders and files that flows may read and execute; nil: all
	Exists   func(hostPath string) error // nil when a file is there
}

// script is the first line of a script.
type script struct {
	Interpreter string // the program that the kernel starts
	Argument    string // the rest of the line, which is one argument
}

var (
	utf8Mark  = []byte("\xef\xbb\xbf")
	utf16Mark = [][]byte{[]byte("\xff\xfe"), []byte("\xfe\xff")}
)

// readScript reads the first line of a file that begins with head.
func readScript(head []byte) (s script, ok bool) {
	line, ok := bytes.CutPrefix(head, []byte("#!"))
	if !ok {
		return s, false
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	text := strings.Trim(string(line), " \t")
	s.Interpreter, s.Argument, _ = strings.Cut(text, " ")
	if i := strings.IndexByte(s.Interpreter, '\t'); i >= 0 {
		s.Interpreter, s.Argument = text[:i], text[i+1:]
	}
	s.Argument = strings.Trim(s.Argument, " \t")
	return s, true
}

// Why says in words that follow the name of a file why the host cannot start one
// that begins with head, and what to do; it is empty when nothing speaks against it.
func (h Host) Why(head []byte) string {
	if len(head) == 0 {
		return "is empty: write a program into it, as a script whose first line is #!/bin/sh"
	}
	if bytes.HasPrefix(head, utf8Mark) {
		return "begins with a byte order mark, so that the kernel does not see #! in its first line: save it as UTF-8 without one"
	}
	for _, mark := range utf16Mark {
		if bytes.HasPrefix(head, mark) {
			return "is text in UTF-16, in which the kernel does not see #! in its first line: save it as UTF-8"
		}
	}
	if script, ok := readScript(head); ok {
		return h.whyScript(script)
	}
	if b, ok := readProgram(head); ok {
		return h.whyProgram(b)
	}
	if isText(head) {
		return "has no #! in its first line, so that the kernel does not know its interpreter: begin it with #!/bin/sh, #!/usr/bin/env python3 or the like"
	}
	return "is no program that this machine can start, and no script that begins with #!"
}

func (h Host) whyScript(s script) string {
	if strings.HasSuffix(s.Interpreter, "\r") || strings.HasSuffix(s.Argument, "\r") {
		return "has Windows line ends, so that its first line asks for the interpreter " + quoted(s.Interpreter+" "+s.Argument) +
			": convert it with dos2unix, or save it with Unix line ends"
	}
	if s.Interpreter == "" {
		return "has nothing after #! in its first line: name the interpreter there, as in #!/bin/sh"
	}
	if !path.IsAbs(s.Interpreter) {
		return "asks for the interpreter " + quoted(s.Interpreter) + " in its first line, which is no whole path: write one, as in #!/bin/sh"
	}
	if why := h.whyMissing("asks for the interpreter "+quoted(s.Interpreter)+" in its first line", s.Interpreter); why != "" {
		return why
	}
	if path.Base(s.Interpreter) != "env" {
		return ""
	}
	return h.whyEnv(s)
}

// whyEnv looks for the program that env is asked for.
func (h Host) whyEnv(s script) string {
	words := strings.Fields(s.Argument)
	if len(words) > 1 && words[0] == "-S" {
		words = words[1:]
	}
	if len(words) == 0 || strings.HasPrefix(words[0], "-") || strings.ContainsAny(words[0], "=/") {
		return "" // env has options of its own
	}
	if slices.ContainsFunc(h.Path, func(dir string) bool { return h.readable(dir) && h.Exists(path.Join(dir, words[0])) == nil }) {
		return ""
	}
	return "asks env for the interpreter " + quoted(words[0]) + " in its first line, which flows find in none of " +
		strings.Join(h.Path, ", ") + ": install it there, or write its whole path"
}

func (h Host) whyProgram(b program) string {
	if b.os != h.OS {
		return fmt.Sprintf("is a program for %s, and this machine has %s: build it for %s/%s", nameOf(b.os), nameOf(h.OS), h.OS, h.Arch)
	}
	if b.arch != "" && b.arch != h.Arch && !(b.arch == "386" && h.Arch == "amd64") {
		return fmt.Sprintf("is built for %s, and this machine is %s: build it for %s/%s", b.arch, h.Arch, h.OS, h.Arch)
	}
	if b.loader == "" {
		return ""
	}
	return h.whyMissing("needs the interpreter "+quoted(b.loader)+" (the loader of its C library)", b.loader)
}

// whyMissing looks for a program. Of what flows may not read nothing is told, not
// even whether it is there.
func (h Host) whyMissing(asks, file string) string {
	switch {
	case !h.readable(file):
		return asks + ", which is not there or lies where the sandbox lets flows read nothing: use one below " + strings.Join(h.Reads, ", ") +
			", or have an administrator grant its folder: a profile with the line \"run " + path.Dir(file) + "\", or --runner-read"
	case h.Exists(file) != nil:
		return asks + ", which is not on this host: install it, or name another"
	}
	return ""
}

// readable reports that flows may read and execute what lies at a path.
func (h Host) readable(p string) bool {
	if h.Reads == nil {
		return true
	}
	p = path.Clean(p)
	return slices.ContainsFunc(h.Reads, func(dir string) bool {
		return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
	})
}

func isText(head []byte) bool {
	for cut := range utf8.UTFMax { // the last character may be cut
		if cut < len(head) && utf8.Valid(head[:len(head)-cut]) {
			return !bytes.ContainsRune(head, 0)
		}
	}
	return false
}

// maxQuoted bounds what is repeated of a first line, in bytes.
const maxQuoted = 200

func quoted(s string) string {
	s = strings.TrimSuffix(s, " ")
	if len(s) > maxQuoted {
		s = s[:maxQuoted] + "…"
	}
	return fmt.Sprintf("%q", s)
}
