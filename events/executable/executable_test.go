package executable

import (
	"errors"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestWhy(t *testing.T) {
	there := []string{"/bin/sh", "/usr/bin/env", "/usr/bin/python3", "/opt/venv/bin/python", "/lib64/ld.so"}
	host := Host{
		OS: "linux", Arch: "amd64", Path: []string{"/usr/bin", "/opt/venv/bin"}, Reads: []string{"/usr", "/bin", "/lib64"},
		Exists: func(p string) error {
			if slices.Contains(there, p) {
				return nil
			}
			return errors.New("not there")
		},
	}
	for name, c := range map[string]struct{ head, want string }{
		"a shell":               {"#!/bin/sh\necho hi\n", ""},
		"blanks and options":    {"#! \t/bin/sh -eu\n", ""},
		"one line alone":        {"#!/bin/sh", ""},
		"env":                   {"#!/usr/bin/env python3\n", ""},
		"env -S":                {"#!/usr/bin/env -S python3 -u\n", ""},
		"env with a variable":   {"#!/usr/bin/env A=1 python9\n", ""},
		"empty":                 {"", "is empty"},
		"CRLF":                  {"#!/bin/sh\r\necho hi\r\n", `has Windows line ends, so that its first line asks for the interpreter "/bin/sh\r"`},
		"CRLF after an option":  {"#!/usr/bin/env python3\r\n", `has Windows line ends`},
		"CR in a later line":    {"#!/bin/sh\necho hi\r\n", ""},
		"BOM":                   {"\ufeff#!/bin/sh\n", "begins with a byte order mark"},
		"UTF-16":                {"\xff\xfe#\x00!\x00", "is text in UTF-16"},
		"no first line":         {"echo hi\n", "has no #! in its first line"},
		"cut in a character":    {"echo " + strings.Repeat("ü", 2000)[:3999], "has no #! in its first line"},
		"nothing after it":      {"#!\n", "has nothing after #!"},
		"relative":              {"#!python3\n", `asks for the interpreter "python3" in its first line, which is no whole path`},
		"missing":               {"#!/usr/bin/python9\n", `asks for the interpreter "/usr/bin/python9" in its first line, which is not on this host`},
		"missing for env":       {"#!/usr/bin/env python9\n", `asks env for the interpreter "python9"`},
		"env, where none reads": {"#!/usr/bin/env python\n", `asks env for the interpreter "python"`},
		"outside, there":        {"#!/opt/venv/bin/python\n", `asks for the interpreter "/opt/venv/bin/python" in its first line, which is not there or lies where the sandbox`},
		"outside, not there":    {"#!/opt/none\n", `asks for the interpreter "/opt/none" in its first line, which is not there or lies where the sandbox`},
		"outside by dots":       {"#!/usr/../opt/venv/bin/python\n", `which is not there or lies where the sandbox`},
		"a neighbour's name":    {"#!/binary/sh\n", `which is not there or lies where the sandbox`},
		"Windows":               {"MZ\x90\x00", "is a program for Windows, and this machine has Linux"},
		"macOS":                 {"\xcf\xfa\xed\xfe\x07\x00\x00\x01", "is a program for macOS"},
		"bytes":                 {"\x00\x01\x02", "is no program that this machine can start"},
		"ELF cut short":         {"\x7fELF\x02\x01\x01", ""},
		"a very long line":      {"#!/usr/" + strings.Repeat("x", 4000), `which is not on this host`},
	} {
		t.Run(name, func(t *testing.T) {
			got := host.Why([]byte(c.head))
			if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) && !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A real program: this one, here and on another machine.
func TestWhyOfAProgram(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the heads of programs of Linux are read")
	}
	head := make([]byte, HeadSize)
	f, err := os.Open("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.ReadFull(f, head); err != nil {
		t.Fatal(err)
	}
	exists := func(p string) error { _, err := os.Stat(p); return err }
	if why := (Host{OS: "linux", Arch: runtime.GOARCH, Exists: exists}).Why(head); why != "" {
		t.Errorf("/bin/sh %s", why)
	}
	if why := (Host{OS: "linux", Arch: "mips", Exists: exists}).Why(head); !strings.Contains(why, "is built for "+runtime.GOARCH) {
		t.Errorf("on another machine: %s", why)
	}
	if p, _ := readProgram(head); !strings.HasPrefix(p.loader, "/") {
		t.Errorf("its loader is %q", p.loader)
	}
	none := func(string) error { return os.ErrNotExist }
	if why := (Host{OS: "linux", Arch: runtime.GOARCH, Exists: none}).Why(head); !strings.Contains(why, "needs the interpreter") {
		t.Errorf("without its loader: %s", why)
	}
}

func FuzzWhy(f *testing.F) {
	f.Add([]byte("#!/bin/sh\n"))
	f.Add([]byte("\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 60)))
	host := Host{OS: "linux", Arch: "amd64", Exists: func(string) error { return nil }}
	f.Fuzz(func(_ *testing.T, head []byte) { host.Why(head) })
}
