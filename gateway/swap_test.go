package gateway_test

import (
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// While somebody puts a link and a folder in turn at a name on the way, files
// come from and go to nowhere but where the path says.
func TestSwapsUnderFiles(t *testing.T) { swapsUnderFiles(t, 60) }

func TestLongSwapsUnderFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long")
	}
	swapsUnderFiles(t, 300)
}

func swapsUnderFiles(t *testing.T, rounds int) {
	t.Helper()
	for _, c := range []struct{ name, target string }{
		{"outside", "OUTSIDE"},
		{"outside by a relative link", "../../../../../outside"},
		{"stages", ".spool/job"},
		{"another's folder of the drive", "theirs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, dir := newDriveHarness(t)
			outside := filepath.Join(dir, "../../../../../outside")
			kept := map[string]string{}
			for _, folder := range []string{outside, filepath.Join(dir, ".spool/job"), filepath.Join(dir, "theirs")} {
				for _, name := range []string{"f", "x/f"} {
					file := filepath.Join(folder, name)
					if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(file, []byte("theirs"), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				kept[folder] = "f x x/f"
			}
			s.putFile("in/f", "mine")
			narrow := s.newToken(`{"owner":"bob","role":"operator","paths":["admin/repo/fs/My Drive/in"]}`).Token
			stop := swap(filepath.Join(dir, "in"), strings.Replace(c.target, "OUTSIDE", outside, 1))
			reads, writes := 0, 0
			for range rounds {
				for _, name := range []string{"f", "x/f"} {
					url := filesPath + "admin/repo/fs/My%20Drive/in/" + name
					if a := s.send(http.MethodPut, url, narrow, "mine"); a.code == http.StatusNoContent {
						writes++
					}
					if a := s.send(http.MethodGet, url, narrow, ""); a.code == http.StatusOK {
						if reads++; string(a.body) != "mine" {
							t.Fatalf("GET %s answers %q", name, a.body)
						}
					}
				}
				s.send(http.MethodDelete, filesPath+"admin/repo/fs/My%20Drive/in/x?recursive=true", narrow, "")
			}
			stop()
			t.Logf("%d files read and %d written in %d rounds", reads, writes, rounds)
			for folder, want := range kept {
				if got := left(t, folder); got != want {
					t.Errorf("in %s lie %s", folder, got)
				}
				if text, err := os.ReadFile(filepath.Join(folder, "f")); string(text) != "theirs" {
					t.Errorf("%s/f holds %q, %v", folder, text, err)
				}
			}
		})
	}
}

// swap puts a link to target and what lies at a path in its place by turns,
// until stop is called.
func swap(path, target string) (stop func()) {
	done := make(chan struct{})
	var swapper sync.WaitGroup
	aside := path + ".aside"
	pause := func() { time.Sleep(time.Duration(rand.IntN(400)) * time.Microsecond) }
	swapper.Go(func() {
		for {
			_ = os.Rename(path, aside)
			_ = os.Symlink(target, path)
			pause()
			select {
			case <-done:
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
