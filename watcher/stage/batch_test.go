package stage

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/watcher/settle"
)

const testDrive = "admin/repo/fs/drive"

// openTest gives an open folder "in" on a drive, with one file "f" in it.
func openTest(t *testing.T, content string) (*Folder, string, settle.Stat) {
	t.Helper()
	root := t.TempDir()
	d, err := drive.New(t.TempDir(), []string{testDrive + "=" + root})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "in", "f"), []byte(content), 0o640); err != nil {
		t.Fatal(err)
	}
	o, err := Open(d, events.Path{Drive: testDrive, Rel: "in"}, "", &Activity{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	s, err := o.Stat("f")
	if err != nil {
		t.Fatal(err)
	}
	return o, root, s.Stat
}

// fp is the fingerprint of the file, for these tests.
var fp = strings.Repeat("f", FingerprintLength)

// stageTest stages the file, in a batch of its own, and gives the host folder of its stage.
func stageTest(t *testing.T, o *Folder, link *Links) (st Staged, folder string, err error) {
	t.Helper()
	look, err := o.Stat("f")
	if err != nil {
		t.Fatal(err)
	}
	b := NewBatch(o, Options{JobID: "job", Sync: true, Links: link})
	if st, err = b.Add(t.Context(), File{Name: "f", Fingerprint: fp, Stat: look.Stat}); err == nil {
		err = b.Sync()
	}
	if err = errors.Join(err, b.Close()); err != nil {
		return st, "", err
	}
	p, err := events.ParsePath("input_dir", st.InputDir)
	return st, o.Drives.HostPath(p), err
}

// Each batch builds stages of its own: what another has left, whole or not, is neither used nor touched.
func TestStage(t *testing.T) {
	for _, link := range []*Links{nil, {Above: -1}} {
		t.Run(map[bool]string{true: "copy", false: "link"}[link == nil], func(t *testing.T) {
			o, _, _ := openTest(t, "one")
			var before []string
			for range 3 {
				st, folder, err := stageTest(t, o, link)
				if err != nil {
					t.Fatal(err)
				}
				if st.Linked && link == nil {
					t.Error("linked without being told to")
				}
				if id, ok := Of(st.InputDir); !ok || id.JobID != "job" || slices.Contains(before, folder) {
					t.Errorf("stage %v, %s; before it %v", id, folder, before)
				}
				if left, err := os.ReadDir(folder); err != nil || len(left) != 1 {
					t.Errorf("in the stage lie %v, %v", left, err)
				}
				if got, err := os.ReadFile(filepath.Join(folder, "f")); err != nil || string(got) != "one" {
					t.Errorf("staged %q, %v", got, err)
				}
				for _, dir := range before { // spoilt below, as by a power cut
					if got, err := os.ReadFile(filepath.Join(dir, "f")); err != nil || len(got) != 0 {
						t.Errorf("an older stage holds %q, %v", got, err)
					}
				}
				before = append(before, folder)
				if err := errors.Join(os.Remove(filepath.Join(folder, "f")), os.WriteFile(filepath.Join(folder, "f"), nil, 0o644)); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// What is dropped is removed, by the batch that has built it alone.
func TestDrop(t *testing.T) {
	o, root, s := openTest(t, "one")
	mine, other := NewBatch(o, Options{JobID: "job"}), NewBatch(o, Options{JobID: "job"})
	defer mine.Close()
	defer other.Close()
	var all []Staged
	for _, b := range []*Batch{mine, other} {
		st, err := b.Add(t.Context(), File{Name: "f", Fingerprint: fp, Stat: s})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, st)
	}
	left := func() int {
		dirs, err := os.ReadDir(filepath.Join(root, ".spool", "job"))
		if err != nil {
			t.Fatal(err)
		}
		return len(dirs)
	}
	mine.Drop(all[1])
	mine.Drop(Staged{})
	if n := left(); n != 2 {
		t.Errorf("%d stages are left, want 2", n)
	}
	mine.Drop(all[0])
	if n := left(); n != 1 {
		t.Errorf("%d stages are left, want 1", n)
	}
}

// A stage that is a link never holds what came after the file was seen.
func TestLinks(t *testing.T) {
	o, root, s := openTest(t, "one")
	f := filepath.Join(root, "in", "f")
	links := &Links{Above: -1}
	device, err := o.Stat("f")
	if err != nil {
		t.Fatal(err)
	}
	links.noClones.Store(device.Device, true) // also where the file system shares blocks
	b := NewBatch(o, Options{JobID: "job", Links: links})
	defer b.Close()
	open := func() *Source {
		t.Helper()
		src, err := o.OpenFile("f", s, false)
		if err != nil {
			t.Fatal(err)
		}
		return src
	}
	if st, err := b.Add(t.Context(), File{Name: "f", Fingerprint: fp, Stat: s}); err != nil || !st.Linked {
		t.Fatalf("linked: %v, %v", st, err)
	}
	again, err := o.Stat("f")
	if err != nil {
		t.Fatal(err)
	}
	s = again.Stat // the link has changed the inode
	for what, change := range map[string]func() error{
		"rewritten": func() error { return os.WriteFile(f, []byte("two, longer"), 0o644) },
		"replaced": func() error {
			return errors.Join(os.Remove(f), os.WriteFile(f, []byte("one"), 0o644))
		},
		"gone": func() error { return os.Remove(f) },
	} {
		src := open()
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if _, err := b.fill(t.Context(), File{Name: "f", Fingerprint: what}, src); !errors.Is(err, ErrChanged) {
			t.Errorf("linked a file that was %s: %v", what, err)
		}
		if err := errors.Join(src.Close(), os.WriteFile(f, []byte("one"), 0o644)); err != nil {
			t.Fatal(err)
		}
		if again, err = o.Stat("f"); err != nil {
			t.Fatal(err)
		}
		s = again.Stat
	}
	if left, _ := os.ReadDir(filepath.Join(root, ".spool", "job")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestHoldRefusesWhatHasChanged(t *testing.T) {
	o, root, s := openTest(t, "one")
	f := filepath.Join(root, "in", "f")
	if err := os.WriteFile(f, []byte("more"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := o.OpenFile("f", s, false); !errors.Is(err, ErrChanged) {
		t.Errorf("a file that has grown: %v", err)
	}
	if err := os.Remove(f); err != nil {
		t.Fatal(err)
	}
	if _, err := o.OpenFile("f", s, false); !errors.Is(err, ErrRead) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that has gone: %v", err)
	}
}

func TestChangeDuringTheCopyIsNoticed(t *testing.T) {
	o, root, s := openTest(t, "one")
	src, err := o.OpenFile("f", s, false)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if err := os.WriteFile(filepath.Join(root, "in", "f"), []byte("two2"), 0o644); err != nil {
		t.Fatal(err)
	}
	b := NewBatch(o, Options{JobID: "job"})
	if err := b.open(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.fill(t.Context(), File{Name: "f", Fingerprint: fp}, src); !errors.Is(err, ErrChanged) {
		t.Errorf("staged a file that changed meanwhile: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Join(root, ".spool", "job")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
