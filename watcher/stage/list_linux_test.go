package stage

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// The names in a folder are read without a look at each of the files: of one that is gone by then nothing is known but
// its kind.
func TestListLooksAtNoFile(t *testing.T) {
	o, root, _ := openTest(t, "content")
	dir, err := o.List()
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close() //nolint:errcheck // was only read
	entries, err := dir.ReadDir(-1)
	if err != nil || len(entries) == 0 {
		t.Fatalf("%d names: %v", len(entries), err)
	}
	for _, e := range entries {
		if err := os.Remove(filepath.Join(root, "in", e.Name())); err != nil {
			t.Fatal(err)
		}
		if !e.Type().IsRegular() {
			t.Errorf("%s is %v, want a file", e.Name(), e.Type())
		}
		if _, err := e.Info(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s was looked at: %v", e.Name(), err)
		}
	}
}
