package atomicfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "new", "secret")
	for _, text := range []string{"first\n", "second, which is longer\n", ""} {
		if err := Write(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); string(got) != text || err != nil {
			t.Errorf("it holds %q, %v; want %q", got, err, text)
		}
	}
	if fi, _ := os.Stat(file); fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", fi.Mode())
	}
	if err := Write(file, nil, 0o500); err != nil {
		t.Fatal(err)
	}
	if fi, _ := os.Stat(file); fi.Mode().Perm() != 0o500 {
		t.Errorf("mode %v after a write with 0500", fi.Mode())
	}
	alone(t, filepath.Dir(file), "secret")
}

func TestCreate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := Create(file, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Create(file, []byte("two"), 0o600); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second Create: %v", err)
	}
	if got, _ := os.ReadFile(file); string(got) != "one" {
		t.Errorf("it holds %q", got)
	}
	alone(t, filepath.Dir(file), "key")
}

func TestWriteIn(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, text := range []string{"one", "another"} {
		if err := WriteIn(root, ".tmp", "in/file", []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "in", "file")); string(got) != text || err != nil {
			t.Errorf("it holds %q, %v", got, err)
		}
	}
	if err := WriteIn(root, ".tmp", "../out", nil, 0o640); err == nil {
		t.Error("it has left its folder")
	}
	alone(t, dir, "in")
}

// Who reads while others write sees one text or another, never a part.
func TestNeverAPart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := Write(file, bytes.Repeat([]byte{'0'}, 1<<16), 0o600); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() {
			for range 20 {
				if err := Write(file, bytes.Repeat([]byte{byte('1' + i)}, 1<<16), 0o600); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for {
		text, err := os.ReadFile(file)
		if err != nil || len(text) != 1<<16 || len(bytes.Trim(text, string(text[:1]))) != 0 {
			t.Fatalf("%d bytes, %v", len(text), err)
		}
		select {
		case <-done:
			alone(t, filepath.Dir(file), "file")
			return
		default:
		}
	}
}

// What a writer has left that died goes with the next write, another file's stays.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".key-1.tmp", ".other-1.tmp", ".key-2.tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{".key-1.tmp", ".other-1.tmp"} {
		if err := os.Chtimes(filepath.Join(dir, name), time.Time{}, time.Now().Add(-2*old)); err != nil {
			t.Fatal(err)
		}
	}
	if err := Write(filepath.Join(dir, "key"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	alone(t, dir, ".key-2.tmp .other-1.tmp key")
}

// What cannot be written leaves nothing, and what was there as it was.
func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "key"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(filepath.Join(dir, "key"), []byte("x"), 0o600); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "key")) {
		t.Errorf("Write over a folder: %v", err)
	}
	alone(t, dir, "key")
}

func TestDamaged(t *testing.T) {
	for text, want := range map[string]string{
		" \n":  "/data/key is damaged, it is empty: restore it",
		"junk": "/data/key is damaged, it holds no key: restore it",
	} {
		if got := fmt.Sprint(Damaged("/data/key", []byte(text), "it holds no key", "restore it")); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func alone(t *testing.T, dir, want string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != want {
		t.Errorf("the folder holds %s, want %s", got, want)
	}
}
