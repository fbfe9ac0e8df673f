package watcher

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
func openTest(t *testing.T, content string) (*opened, string, settle.Stat) {
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
	o, err := openFolder(d, events.Path{Drive: testDrive, Rel: "in"}, "", &pulse{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.close)
	s, err := o.look("f")
	if err != nil {
		t.Fatal(err)
	}
	return o, root, s.Stat
}

func stageTest(t *testing.T, o *opened, want settle.Stat, seal bool) error {
	t.Helper()
	st := newStages(o.drive, "job", true)
	src, err := o.hold("f", want, false)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(st.add(t.Context(), "fp", "f", src), src.Close())
	if err == nil && seal {
		err = st.seal()
	}
	return errors.Join(err, st.close())
}

func TestStage(t *testing.T) {
	o, root, s := openTest(t, "one")
	if err := stageTest(t, o, s, false); err != nil {
		t.Fatal(err)
	}
	stages := filepath.Join(root, ".spool", "job")
	if left, _ := os.ReadDir(stages); len(left) != 0 {
		t.Errorf("a batch that was not sealed leaves %v", left)
	}
	if err := stageTest(t, o, s, true); err != nil {
		t.Fatal(err)
	}
	staged := filepath.Join(stages, "fp", "input", "f")
	got, err := os.ReadFile(staged)
	if err != nil || string(got) != "one" {
		t.Errorf("staged %q, %v", got, err)
	}

	t.Run("a complete stage is kept", func(t *testing.T) {
		if err := os.WriteFile(staged, []byte("the first"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := stageTest(t, o, s, true); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(staged); string(got) != "the first" {
			t.Errorf("a stage that was there is now %q", got)
		}
	})
	t.Run("so is one that came meanwhile", func(t *testing.T) {
		st := newStages(o.drive, "job", false)
		src, err := o.hold("f", s, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(st.add(t.Context(), "late", "f", src), src.Close()); err != nil {
			t.Fatal(err)
		}
		theirs := filepath.Join(stages, "late", "input")
		if err := os.MkdirAll(theirs, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(theirs, "f"), []byte("theirs"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(st.seal(), st.close()); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(filepath.Join(theirs, "f")); string(got) != "theirs" {
			t.Errorf("their stage is now %q", got)
		}
		if left, _ := filepath.Glob(filepath.Join(stages, ".*")); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	t.Run("what a killed process left is in nobody's way", func(t *testing.T) {
		if err := os.MkdirAll(filepath.Join(stages, ".fp2.OLDNONCE", "input"), 0o755); err != nil {
			t.Fatal(err)
		}
		st := newStages(o.drive, "job", false)
		src, err := o.hold("f", s, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(st.add(t.Context(), "fp2", "f", src), src.Close(), st.seal(), st.close()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestHoldRefusesWhatHasChanged(t *testing.T) {
	o, root, s := openTest(t, "one")
	f := filepath.Join(root, "in", "f")
	if err := os.WriteFile(f, []byte("more"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := o.hold("f", s, false); !errors.Is(err, errChanged) {
		t.Errorf("a file that has grown: %v", err)
	}
	if err := os.Remove(f); err != nil {
		t.Fatal(err)
	}
	if _, err := o.hold("f", s, false); !errors.Is(err, errRead) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that has gone: %v", err)
	}
}

func TestChangeDuringTheCopyIsNoticed(t *testing.T) {
	o, root, s := openTest(t, "one")
	src, err := o.hold("f", s, false)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if err := os.WriteFile(filepath.Join(root, "in", "f"), []byte("two2"), 0o644); err != nil {
		t.Fatal(err)
	}
	st := newStages(o.drive, "job", false)
	if err := st.add(t.Context(), "fp", "f", src); !errors.Is(err, errChanged) {
		t.Errorf("staged a file that changed meanwhile: %v", err)
	}
	if err := errors.Join(st.seal(), st.close()); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Join(root, ".spool", "job")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestInputDir(t *testing.T) {
	got := inputDir(events.Path{Drive: "a/b/fs/My Drive", Rel: "x"}, "job", "fp")
	if want := "a/b/fs/My Drive/x/.spool/job/fp/input"; got != want {
		t.Errorf("input_dir %q, want %q", got, want)
	}
}
