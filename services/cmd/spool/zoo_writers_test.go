//go:build linux

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// openFile: open FILE [TEXT] — opens for writing and keeps it open.
func (c *script) openFile(ts *testscript.TestScript, args []string) {
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_RDWR|os.O_CREATE, 0o644)
	ts.Check(err)
	c.open[args[0]] = f
	if len(args) > 1 {
		c.put(ts, args)
	}
}

// put: put FILE TEXT — writes to a file that is open.
func (c *script) put(ts *testscript.TestScript, args []string) {
	_, err := c.open[args[0]].WriteString(args[1] + "\n")
	ts.Check(err)
}

// closeFile: close FILE
func (c *script) closeFile(ts *testscript.TestScript, args []string) {
	ts.Check(c.open[args[0]].Close())
	delete(c.open, args[0])
}

// mmap: mmap FILE SOURCE — makes a file as long as the source and closes it;
// the map through which it will be filled stays.
func (c *script) mmap(ts *testscript.TestScript, args []string) {
	content, path := ts.ReadFile(args[1]), ts.MkAbs(args[0])
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	ts.Check(err)
	ts.Check(f.Truncate(int64(len(content))))
	m, err := unix.Mmap(int(f.Fd()), 0, len(content), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	ts.Check(err)
	ts.Check(f.Close())
	copy(m, content)
	c.mapped[path] = m
}

// munmap: munmap FILE
func (c *script) munmap(ts *testscript.TestScript, args []string) {
	ts.Check(c.unmap(ts.MkAbs(args[0])))
}

func (c *script) unmap(path string) error {
	m := c.mapped[path]
	delete(c.mapped, path)
	return unix.Munmap(m)
}

// writeSlowly: write-slowly FILE SOURCE DURATION
func writeSlowly(_ *script, ts *testscript.TestScript, args []string) {
	content := ts.ReadFile(args[1])
	took, err := time.ParseDuration(args[2])
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	const steps = 20
	for part := range slices.Chunk([]byte(content), max(1, len(content)/steps)) {
		_, err := f.Write(part)
		ts.Check(err)
		time.Sleep(took / steps)
	}
	ts.Check(f.Close())
}

// preallocate: preallocate FILE SOURCE — makes an open file as long as the source before anything is in it.
func (c *script) preallocate(ts *testscript.TestScript, args []string) {
	c.openFile(ts, args[:1])
	ts.Check(unix.Fallocate(int(c.open[args[0]].Fd()), 0, 0, int64(len(ts.ReadFile(args[1])))))
}

// rsync: rsync [--inplace] SOURCE FILE — by the program, or, where there is
// none, in its way: a hidden temporary name, times set, renamed; or the file
// itself, its times set after it was closed.
func rsync(_ *script, ts *testscript.TestScript, args []string) {
	inPlace := args[0] == "--inplace"
	source, target := args[len(args)-2], args[len(args)-1]
	if _, err := exec.LookPath("rsync"); err == nil {
		ts.Check(ts.Exec("rsync", append([]string{"-t"}, args...)...))
		return
	}
	absent("rsync", "what it does to files is done in its place")
	info, err := os.Stat(ts.MkAbs(source))
	ts.Check(err)
	path := ts.MkAbs(target)
	write, flags := path, os.O_WRONLY|os.O_CREATE
	if !inPlace {
		write, flags = filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".Xa31fZ"), flags|os.O_EXCL
	}
	f, err := os.OpenFile(write, flags, 0o600)
	ts.Check(err)
	content := ts.ReadFile(source)
	half := len(content) / 2
	_, err = f.WriteString(content[:half])
	ts.Check(err)
	time.Sleep(20 * time.Millisecond)
	_, err = f.WriteString(content[half:])
	ts.Check(err)
	ts.Check(f.Truncate(info.Size()))
	ts.Check(f.Close())
	ts.Check(os.Chtimes(write, time.Time{}, info.ModTime()))
	ts.Check(os.Chmod(write, info.Mode()))
	if !inPlace {
		ts.Check(os.Rename(write, path))
	}
}

var absentOnce sync.Map

// absent says once that a program is not on this machine.
func absent(program, instead string) {
	if _, said := absentOnce.LoadOrStore(program, true); !said {
		loud("%s is absent: %s", program, instead)
	}
}

// opens knows which names in some folders were opened by anybody.
type opens struct {
	fd    int
	names map[string]bool
}

// watchOpens: watch-opens DIR — from now on it is known who was opened there.
func (c *script) watchOpens(ts *testscript.TestScript, args []string) {
	if c.opens == nil {
		fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
		ts.Check(err)
		c.opens = &opens{fd: fd, names: map[string]bool{}}
	}
	_, err := unix.InotifyAddWatch(c.opens.fd, ts.MkAbs(args[0]), unix.IN_OPEN)
	ts.Check(err)
}

// opened: [!] opened NAME
func opened(ts *testscript.TestScript, neg bool, args []string) {
	c := scriptOf(ts)
	if len(args) != 1 || c.opens == nil {
		ts.Fatalf("[!] opened NAME, after watch-opens DIR")
	}
	ts.Check(c.opens.read())
	if is := c.opens.names[args[0]]; is == neg {
		ts.Fatalf("opened: %v; of all: %v", is, c.opens.names)
	}
}

// read takes in what happened since. An event is 16 bytes and a padded name.
func (o *opens) read() error {
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Read(o.fd, buf)
		if errors.Is(err, unix.EAGAIN) {
			return nil
		}
		if err != nil {
			return err
		}
		for e := buf[:n]; len(e) >= unix.SizeofInotifyEvent; {
			size := int(e[12]) | int(e[13])<<8
			name := strings.TrimRight(string(e[unix.SizeofInotifyEvent:unix.SizeofInotifyEvent+size]), "\x00")
			o.names[name] = true
			e = e[unix.SizeofInotifyEvent+size:]
		}
	}
}

func (o *opens) close() {
	if o != nil {
		_ = unix.Close(o.fd)
	}
}
