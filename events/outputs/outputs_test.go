package outputs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events"
)

func TestList(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.txt", "a/b.txt", "a/c/d.txt", "a0", "b", ".spool/x", "z/.spool/x", "z/y"} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"link": "b", "out": os.TempDir()} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	const want = "a/b.txt a/c/d.txt a.txt a0 b z/y"
	for limit := 1; limit < 8; limit++ {
		var all []string
		for after, more := "", true; more; {
			files, next, err := List(t.Context(), root, after, limit)
			if err != nil || len(files) == 0 {
				t.Fatal(files, err)
			}
			for _, f := range files {
				after = f.Path
				all = append(all, after)
			}
			more = next
		}
		if got := strings.Join(all, " "); got != want {
			t.Errorf("%d at a time: %s", limit, got)
		}
	}
	for name := range strings.FieldsSeq(want) {
		f, info, err := Open(root, name)
		if err != nil || info.Size() != int64(len(name)) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = f.Close()
	}
	for _, name := range []string{"", ".", "..", "../x", "a", "/b", "a/../b", "a//b.txt", "link", "out/x", ".spool/x", "z/.spool/x", "none"} {
		if f, _, err := Open(root, name); err == nil {
			_ = f.Close()
			t.Errorf("%q is opened", name)
		} else if name != "out/x" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestNamed(t *testing.T) {
	ev := events.RunEvent{FlowJobID: "f", OutputFolder: "a/r/fs/D/out", Outputs: []events.Output{{Path: "b"}, {Path: "a/x"}, {Path: ".spool/s"}, {Path: "a.txt"}}}
	if Own(ev) || !Has(ev, "b") || Has(ev, "c") {
		t.Errorf("%+v", ev)
	}
	first, more := Named(ev, "", 2)
	rest, end := Named(ev, first[1].Path, 2)
	if !more || end || len(rest) != 1 || first[0].Path+" "+first[1].Path+" "+rest[0].Path != "a/x a.txt b" {
		t.Errorf("%v %v %v %v", first, more, rest, end)
	}
	if ev.OutputFolder = "a/r/fs/D/out/20261119-013000-f"; !Own(ev) {
		t.Error("a folder of its own is not known")
	}
}
