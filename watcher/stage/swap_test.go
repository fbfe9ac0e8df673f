package stage

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
)

// swap puts a link to target and what lies at a path in its place by turns,
// until stop is called.
func swap(path, target string) (stop func()) {
	done := make(chan struct{})
	var swapper sync.WaitGroup
	aside := path + ".aside"
	pause := func() { time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond) } // as long as a step takes, or less
	swapper.Go(func() {
		for {
			_ = os.Rename(path, aside)
			_ = os.Symlink(target, path)
			pause()
			select {
			case <-done:
				_ = os.Remove(path)
				_ = os.Rename(aside, path)
				return
			default:
			}
			_ = os.RemoveAll(path)
			_ = os.Rename(aside, path)
			pause()
		}
	})
	return func() { close(done); swapper.Wait() }
}

// At each step from the folder to the stage something is swapped for a link:
// nothing but the file itself is ever staged, and nothing is written elsewhere.
func TestSwapsWhileStaging(t *testing.T) { swapsWhileStaging(t, 300) }

func TestLongSwapsWhileStaging(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long")
	}
	swapsWhileStaging(t, 1200)
}

func swapsWhileStaging(t *testing.T, rounds int) {
	t.Helper()
	for _, c := range []struct{ name, path, target string }{
		{"the folder, for one outside", "in", "OUTSIDE"},
		{"the folder, for one outside by a relative link", "in", "../outside"},
		{"the folder, for the stages", "in", ".spool/job"},
		{"the file, for a secret", "in/f", "OUTSIDE/f"},
		{"the file, for a secret by a relative link", "in/f", "../../outside/f"},
		{"the folder of stages, for one outside", ".spool", "OUTSIDE"},
		{"the folder of stages, for one on the drive", ".spool", "mine"},
		{"the stages of the job, for a folder on the drive", ".spool/job", "../mine"},
	} {
		for _, link := range []*Links{nil, {Above: -1}} {
			t.Run(c.name+map[bool]string{true: ", copied", false: ", linked"}[link == nil], func(t *testing.T) {
				first, root, _ := openTest(t, "mine")
				outside := filepath.Join(filepath.Dir(root), "outside")
				for _, dir := range []string{outside, filepath.Join(root, "mine"), filepath.Join(root, ".spool/job")} {
					if err := os.MkdirAll(dir, 0o755); err != nil {
						t.Fatal(err)
					}
				}
				if err := os.WriteFile(filepath.Join(outside, "f"), []byte("secret"), 0o644); err != nil {
					t.Fatal(err)
				}
				stop := swap(filepath.Join(root, c.path), strings.Replace(c.target, "OUTSIDE", outside, 1))
				staged := 0
				for range rounds {
					if text, err := stageRound(t, first, link); err == nil && text != "mine" {
						t.Errorf("staged %q", text)
						break
					} else if err == nil {
						staged++
					}
				}
				stop()
				t.Logf("staged %d times in %d rounds", staged, rounds)
				for dir, want := range map[string]int{outside: 1, filepath.Join(root, "mine"): 0} {
					if left, err := os.ReadDir(dir); err != nil || len(left) != want {
						t.Errorf("in %s lie %v, %v", dir, left, err)
					}
				}
			})
		}
	}
}

// stageRound stages the file as it is now, and gives what was staged.
func stageRound(t *testing.T, first *Folder, link *Links) (string, error) {
	t.Helper()
	o, err := Open(first.Drives, events.Path{Drive: testDrive, Rel: "in"}, "", &Activity{})
	if err != nil {
		return "", err
	}
	defer o.Close()
	s, err := o.Stat("f")
	if err != nil {
		return "", err
	}
	b := NewBatch(o, Options{JobID: "job", Links: link})
	st, err := b.Add(t.Context(), File{Name: "f", Fingerprint: fp, Stat: s.Stat})
	var text []byte
	if err == nil {
		text, err = b.job.ReadFile(b.folder(fp) + "/f")
		b.Drop(st) // for the next round
	}
	return string(text), errors.Join(err, b.Close())
}
