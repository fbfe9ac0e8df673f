package stage

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/eventstest"
)

// rewrites are the ways in which a program puts other content under a name.
var rewrites = map[string]func(path string) error{
	"truncate and write": func(path string) error { return os.WriteFile(path, []byte("second"), 0o644) },
	"rename over": func(path string) error {
		if err := os.WriteFile(path+".new", []byte("second"), 0o644); err != nil {
			return err
		}
		return os.Rename(path+".new", path)
	},
	"append": func(path string) error {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString(", second")
		return errors.Join(err, f.Close())
	},
	"mmap": func(path string) error {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		m, err := unix.Mmap(int(f.Fd()), 0, 6, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err == nil {
			copy(m, "second")
			err = unix.Munmap(m)
		}
		return errors.Join(err, f.Close())
	},
}

// TestRewrites has a file rewritten in every way at every step of its way into
// its stage: what is staged is what its fingerprint stands for, a link that is
// not any more looks otherwise, and what came after has another fingerprint.
func TestRewrites(t *testing.T) {
	t.Parallel()
	steps := []string{"seen", "held", "staged", "closed"}
	for _, kind := range []string{"copy", "link", "reflink"} {
		t.Run(kind, func(t *testing.T) {
			root, link := t.TempDir(), &Links{Above: -1}
			switch kind {
			case "copy":
				link = nil
			case "reflink":
				root = eventstest.Reflinks(t)
			}
			for way, rewrite := range rewrites {
				for at, step := range steps {
					for _, leased := range []bool{true, false} {
						t.Run(fmt.Sprintf("%s, when it is %s, leased %v", way, step, leased), func(t *testing.T) {
							r := &rewriting{t: t, root: root, link: link, leased: leased, rewrite: rewrite, at: at}
							linked, err := r.stage()
							r.judge(linked, err)
							if kind != "link" && linked {
								t.Error("the stage is a link")
							}
						})
					}
				}
			}
		})
	}
}

// rewriting is one file that is rewritten on its way into its stage.
type rewriting struct {
	t       *testing.T
	root    string
	link    *Links
	leased  bool
	rewrite func(path string) error
	at      int // the step

	o      *Folder
	first  Stat
	staged string
	done   chan error
}

// pass is called after each step; the rewriting begins after its own, and may
// have to wait until the lease is given back.
func (r *rewriting) pass(step int) {
	if step != r.at {
		return
	}
	r.done = make(chan error, 1)
	go func() { r.done <- r.rewrite(filepath.Join(r.root, "in", "f")) }()
	select {
	case err := <-r.done:
		r.done <- err
	case <-time.After(10 * time.Millisecond):
	}
}

func (r *rewriting) stage() (linked bool, err error) {
	r.t.Helper()
	in := filepath.Join(r.root, "in")
	_ = os.RemoveAll(filepath.Join(r.root, ".spool"))
	if err := errors.Join(os.RemoveAll(in), os.Mkdir(in, 0o755), os.WriteFile(filepath.Join(in, "f"), []byte("first."), 0o644)); err != nil {
		r.t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond) // two ticks of the coarsest clock of a local file system
	d, err := drive.New(r.t.TempDir(), []string{testDrive + "=" + r.root})
	if err != nil {
		r.t.Fatal(err)
	}
	if r.o, err = Open(d, events.Path{Drive: testDrive, Rel: "in"}, "", &Activity{}); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(r.o.Close)
	if r.first, err = r.o.Stat("f"); err != nil {
		r.t.Fatal(err)
	}
	r.pass(0)
	src, err := r.o.OpenFile("f", r.first.Stat, r.leased)
	if err != nil {
		return false, err
	}
	r.pass(1)
	b := NewBatch(r.o, Options{JobID: "job", Sync: true, Links: r.link})
	if err := b.open(); err != nil {
		r.t.Fatal(err)
	}
	linked, err = b.fill(r.t.Context(), File{Name: "f", Fingerprint: fp}, src)
	r.staged = filepath.Join(r.root, ".spool", "job", b.folder(fp), "f")
	r.pass(2)
	err = errors.Join(err, src.Close())
	r.pass(3)
	return linked, errors.Join(err, b.Close())
}

func (r *rewriting) judge(linked bool, staging error) {
	r.t.Helper()
	if r.done == nil {
		r.t.Fatalf("was not rewritten: %v", staging)
	}
	if err := <-r.done; err != nil {
		r.t.Fatal(err)
	}
	second, err := r.o.Stat("f")
	if err != nil {
		r.t.Fatal(err)
	}
	if Fingerprint("job", "f", "", second.Stat) == Fingerprint("job", "f", "", r.first.Stat) {
		r.t.Error("the second content has the fingerprint of the first")
	}
	text, err := os.ReadFile(r.staged)
	switch {
	case staging != nil:
		if !errors.Is(staging, ErrChanged) && !errors.Is(staging, ErrWriter) {
			r.t.Error(staging)
		}
		if r.leased && r.at > 0 && r.link == nil { // held, nothing can come between the look and the copy but another file
			if r.first.Inode == second.Inode {
				r.t.Errorf("the content is lost although it was held: %v", staging)
			}
		}
	case err != nil:
		r.t.Error(err)
	case string(text) != "first." && !linked:
		r.t.Errorf("staged %q", text)
	case string(text) != "first.":
		info, err := os.Stat(r.staged)
		if err != nil {
			r.t.Fatal(err)
		}
		if info.Size() == r.first.Size && info.ModTime().UnixNano() == r.first.Modified {
			r.t.Errorf("the stage holds %q, and looks as it did", text)
		}
	}
}

// A large file that somebody is about to overwrite while it is copied is copied
// to its end: the writer waits.
func TestRewriteDuringALongCopy(t *testing.T) {
	t.Parallel()
	o, root, _ := openTest(t, "")
	path := filepath.Join(root, "in", "f")
	content := bytes.Repeat([]byte("0123456789abcdef"), 8*copyChunk/16)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	look, err := o.Stat("f")
	if err != nil {
		t.Fatal(err)
	}
	src, err := o.OpenFile("f", look.Stat, true)
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(path, []byte("second"), 0o644) }()
	for !Contended(src.File) {
		time.Sleep(time.Millisecond)
	}
	b := NewBatch(o, Options{JobID: "job"})
	if err := b.open(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.fill(t.Context(), File{Name: "f", Fingerprint: fp}, src); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(src.Close(), <-written, b.Close()); err != nil {
		t.Fatal(err)
	}
	if staged, err := os.ReadFile(filepath.Join(root, ".spool/job", b.folder(fp), "f")); err != nil || !bytes.Equal(staged, content) {
		t.Errorf("staged %d bytes, %v", len(staged), err)
	}
}
