//go:build linux || darwin

package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"
)

func TestLastLines(t *testing.T) {
	long := strings.Repeat("x", 3*block)
	for _, c := range []struct {
		text string
		n    int64
		want string
	}{
		{"", 3, ""},
		{"a\nb\nc\n", 1, "c\n"},
		{"a\nb\nc\n", 2, "b\nc\n"},
		{"a\nb\nc\n", 3, "a\nb\nc\n"},
		{"a\nb\nc\n", 9, "a\nb\nc\n"},
		{"a\nb\nc", 1, "c"},
		{"a\n\n\n", 2, "\n\n"},
		{"\n", 1, "\n"},
		{"a\n" + long + "\nb\n", 2, long + "\nb\n"},
		{long, 1, long},
	} {
		dir, id := t.TempDir(), uuid.NewString()
		folder, err := Open(dir, id)
		if err != nil {
			t.Fatal(err)
		}
		if err := folder.Root.WriteFile("run.log", []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		folder.Close()
		r, err := OpenReader(dir, id)
		if err != nil {
			t.Fatal(err)
		}
		at, err := r.Last(c.n, int64(len(c.text)))
		if err != nil || c.text[at:] != c.want {
			t.Errorf("last %d of %.20q: %.20q, %v", c.n, c.text, c.text[at:], err)
		}
		number, err := r.LineAt(at)
		if want := int64(strings.Count(c.text[:at], "\n")) + 1; number != want || err != nil {
			t.Errorf("that is line %d (%v), not %d", number, err, want)
		}
		r.Close()
	}
}

// No id leads out of the folder of runs, and nothing in there is opened but a file.
func TestReaderOfHostileIDs(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "run.log"), []byte("no log of a run"), 0o600); err != nil {
		t.Fatal(err)
	}
	pipe, link := uuid.NewString(), uuid.NewString()
	for _, id := range []string{pipe, link} {
		folder, err := Open(dir, id)
		if err != nil {
			t.Fatal(err)
		}
		defer folder.Close()
	}
	if err := syscall.Mkfifo(filepath.Join(Dir(dir, pipe), "run.log"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../run.log", filepath.Join(Dir(dir, link), "run.log")); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{
		"", ".", "..", "../..", "*", ">", "runs", "/etc", pipe, link, strings.ToUpper(uuid.NewString()),
		"{" + uuid.NewString() + "}", "urn:uuid:" + uuid.NewString(), uuid.NewString() + "/..", uuid.NewString() + "\x00",
	} {
		if r, err := OpenReader(dir, id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v, %v", id, r, err)
		}
	}
}

// A log can be followed while it is written, also what it has no room for.
func TestLive(t *testing.T) {
	dir := t.TempDir()
	folder, err := Open(dir, uuid.NewString())
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	l, err := OpenLog(folder, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	write := func(s string) {
		t.Helper()
		before := l.Live()
		if _, err := l.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
		select {
		case <-before.More:
		default:
			t.Error("who waits for more is not woken")
		}
	}
	write("a\nb\n")
	if live := l.Live(); live.Full || live.Closed || live.Printed != 4 || live.Kept != 4 {
		t.Errorf("a short log: %+v", live)
	}
	line := strings.Repeat("x", 1023) + "\n"
	for range MaxHead/len(line) + 10 {
		write(line)
	}
	kept := l.Live().Kept
	write("one\ntwo\n")
	if live := l.Live(); !live.Full || live.Kept != kept {
		t.Errorf("a full log: %+v", live)
	}
	if text, at := l.Since(l.Live().Printed-8, 100); string(text) != "one\ntwo\n" || at != l.Live().Printed {
		t.Errorf("what was printed last: %q up to %d", text, at)
	}
	if text, at := l.Since(l.Live().Printed-8, 4); string(text) != "one\n" || at != l.Live().Printed-4 {
		t.Errorf("a part of it: %q up to %d", text, at)
	}
	if text, _ := l.Since(0, 1<<30); len(text) != MaxLast {
		t.Errorf("%d bytes of the last are known", len(text))
	}
	for n, want := range map[int64]int64{1: 4, 2: 8, 1 << 40: MaxLast} {
		if at := l.Live().Printed - l.LastLinesAt(n); at != want {
			t.Errorf("the last %d lines are %d bytes, not %d", n, at, want)
		}
	}
	before := l.Live()
	if missing := l.Close(); missing != nil {
		t.Error(missing)
	}
	<-before.More
	if !l.Live().Closed {
		t.Error("it is not closed")
	}
}

func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	id, err := Identity(dir)
	if err != nil || uuid.Validate(id) != nil {
		t.Fatal(id, err)
	}
	if again, err := Identity(dir); again != id || err != nil {
		t.Errorf("%s became %s, %v", id, again, err)
	}
	if other, _ := Identity(t.TempDir()); other == id {
		t.Error("two folders have one id")
	}
	if err := os.WriteFile(filepath.Join(dir, "runner.id"), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if again, err := Identity(dir); err != nil || again == id || uuid.Validate(again) != nil {
		t.Errorf("in the place of a damaged one: %s, %v", again, err)
	}
	fmt.Fprintln(t.Output(), id)
}
