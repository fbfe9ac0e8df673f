package stage

import (
	"errors"
	"os"
	"path/filepath"
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

// stageTest stages the file as fp, in a batch of its own; without a name it stays
// as it is before the cookie has come back.
func stageTest(t *testing.T, o *Folder, link *Links, named bool) (linked bool, err error) {
	t.Helper()
	look, err := o.Stat("f")
	if err != nil {
		t.Fatal(err)
	}
	st := NewBatch(o, Options{JobID: "job", Sync: true, Links: link})
	src, err := o.OpenFile("f", look.Stat, false)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(st.copyIn(t.Context(), File{Name: "f", Fingerprint: "fp"}, src), src.Close())
	if err == nil && named {
		if linked, err = st.Place(t.Context(), "fp"); err == nil {
			err = st.Sync()
		}
	}
	return linked, errors.Join(err, st.Close())
}

func TestStage(t *testing.T) {
	for _, link := range []*Links{nil, {Above: -1}} {
		t.Run(map[bool]string{true: "copy", false: "link"}[link == nil], func(t *testing.T) {
			o, root, _ := openTest(t, "one")
			if _, err := stageTest(t, o, link, false); err != nil {
				t.Fatal(err)
			}
			stages := filepath.Join(root, ".spool", "job")
			if left, _ := os.ReadDir(stages); len(left) != 0 {
				t.Errorf("a batch without names leaves %v", left)
			}
			staged := filepath.Join(stages, "fp", "input", "f")
			for range 2 { // the second finds what the first has left
				linked, err := stageTest(t, o, link, true)
				if err != nil {
					t.Fatal(err)
				}
				if linked && link == nil {
					t.Error("linked without being told to")
				}
				if got, err := os.ReadFile(staged); err != nil || string(got) != "one" {
					t.Errorf("staged %q, %v", got, err)
				}
			}
			if left, _ := os.ReadDir(stages); len(left) != 1 {
				t.Errorf("left behind: %v", left)
			}
			t.Run("what a power cut has spoilt is made anew", func(t *testing.T) {
				if err := os.Remove(staged); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(staged, nil, 0o644); err != nil {
					t.Fatal(err)
				}
				linked, err := stageTest(t, o, link, true)
				if got, rerr := os.ReadFile(staged); err != nil || rerr != nil || string(got) != "one" || linked {
					t.Errorf("staged %q, linked %v, %v, %v", got, linked, err, rerr)
				}
			})
		})
	}
}

// A stage that is a link never holds what came after the file was seen, and one
// that cannot be made is a copy.
func TestLinks(t *testing.T) {
	o, root, s := openTest(t, "one")
	f := filepath.Join(root, "in", "f")
	links := &Links{Above: -1}
	device, err := o.Stat("f")
	if err != nil {
		t.Fatal(err)
	}
	links.noClones.Store(device.Device, true) // also where the file system shares blocks
	st := NewBatch(o, Options{JobID: "job", Links: links})
	defer st.Close()
	hold := func(fingerprint string) {
		t.Helper()
		src, err := o.OpenFile("f", s, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(st.copyIn(t.Context(), File{Name: "f", Fingerprint: fingerprint}, src), src.Close()); err != nil {
			t.Fatal(err)
		}
	}
	hold("whole")
	if linked, err := st.Place(t.Context(), "whole"); err != nil || !linked {
		t.Fatalf("linked: %v, %v", linked, err)
	}
	again, err := o.Stat("f")
	if err != nil {
		t.Fatal(err)
	}
	s = again.Stat // the link has changed the inode
	hold("rewritten")
	hold("replaced")
	hold("gone")
	if err := os.WriteFile(f, []byte("two, longer"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Place(t.Context(), "rewritten"); !errors.Is(err, ErrChanged) {
		t.Errorf("linked a file that was rewritten: %v", err)
	}
	if err := os.Remove(filepath.Join(root, ".spool", "job", "whole", "input", "f")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(f); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f, []byte("one"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Place(t.Context(), "replaced"); !errors.Is(err, ErrChanged) {
		t.Errorf("linked a file that was replaced: %v", err)
	}
	if err := os.Remove(f); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Place(t.Context(), "gone"); !errors.Is(err, ErrChanged) {
		t.Errorf("linked a file that was gone: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(root, ".spool", "job", "*", "input", "*")); len(left) != 0 {
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
	st := NewBatch(o, Options{JobID: "job"})
	if err := st.copyIn(t.Context(), File{Name: "f", Fingerprint: "fp"}, src); !errors.Is(err, ErrChanged) {
		t.Errorf("staged a file that changed meanwhile: %v", err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Join(root, ".spool", "job")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
