package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

func TestSafeName(t *testing.T) {
	for name, want := range map[string]string{
		"a.txt": "a.txt", "2026/11/a b.txt": "2026/11/a b.txt", "ä/ö": "ä/ö",
		"": "_", "/": "_", ".": "_", "..": "_", "/etc/passwd": "etc/passwd", "../../etc/passwd": "_/_/etc/passwd",
		"a/../../b": "a/_/_/b", "a//b/./c": "a/b/c", `..\..\b`: ".._.._b", "...": "...",
		"x\x1b[2Jy\nz\x00": "x_[2Jy_z_", "bidi\u202efdp.exe": "bidi_fdp.exe", "bad\xff": "bad_",
	} {
		if got := safeName(name); got != want || !filepath.IsLocal(filepath.FromSlash(got)) {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

// Nothing is written outside the folder, also not through a link in it; nothing is replaced
// unasked; what breaks off leaves nothing.
func TestSaver(t *testing.T) {
	outside, folder := t.TempDir(), filepath.Join(t.TempDir(), "new/folder")
	into, err := openSaver(folder, false)
	if err != nil {
		t.Fatal(err)
	}
	defer into.close()
	if err := os.Symlink(outside, filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link/x", "../x"} {
		where, err := into.save(name, strings.NewReader("x"))
		if name == "link/x" && err == nil {
			t.Errorf("%s was written to %s", name, where)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(outside, "*")); len(left) > 0 {
		t.Errorf("written outside: %v", left)
	}
	if _, err := into.save("a/b", strings.NewReader("first")); err != nil {
		t.Fatal(err)
	}
	if _, err := into.save("a/b", strings.NewReader("second")); err == nil || !strings.Contains(err.Error(), "--force replaces it") {
		t.Errorf("replaced: %v", err)
	}
	into.force = true
	broken := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(errors.New("gone")))
	if _, err := into.save("a/b", broken); err == nil || !strings.Contains(err.Error(), "broke off: gone") {
		t.Errorf("a broken answer: %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(folder, "a/b")); string(text) != "first" {
		t.Errorf("after a broken answer it is %q, %v", text, err)
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "a/.*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if _, err := into.save("a/b", strings.NewReader("second")); err != nil {
		t.Error(err)
	}
}
