package watcher_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"spool.internal/events/eventstest"
)

// killed names the folder of a [TestKilled] whose process this one is to be.
const killed = "SPOOL_TEST_KILLED"

// TestKilled has watcher and server killed in the middle of their work, again
// and again. Of what a process leaves on the disk nothing is cleaned up.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := os.Getenv(killed)
	if dir != "" {
		r := newHarnessOn(t, eventstest.Options{Dir: filepath.Join(dir, "store")}, filepath.Join(dir, "drive"))
		r.start()
		<-t.Context().Done() // until killed
		return
	}
	dir = t.TempDir()
	root, store := filepath.Join(dir, "drive"), filepath.Join(dir, "store")
	in := filepath.Join(root, "in")
	if err := os.MkdirAll(in, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Run("made", func(t *testing.T) {
		newHarnessOn(t, eventstest.Options{Dir: store}, root).job("job", "in", nil)
	})
	const files = 1000
	dropped := make(chan error, 1)
	go func() {
		for n := range files {
			tmp := filepath.Join(in, fmt.Sprint("f-", n))
			if err := os.WriteFile(tmp, fmt.Append(nil, "content ", n), 0o644); err != nil {
				dropped <- err
				return
			}
			time.Sleep(2 * time.Millisecond)
		}
		dropped <- nil
	}()
	staged := func() int {
		names, _ := filepath.Glob(filepath.Join(root, ".spool", "job", "*"))
		return len(names)
	}
	for range 4 {
		child := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		child.Env = append(os.Environ(), killed+"="+dir, "TMPDIR="+t.TempDir())
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		before := staged()
		eventstest.Eventually(t, "the child stages a hundred files", func() bool { return staged() >= min(before+100, files) })
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := child.Wait(); err == nil || err.Error() != "signal: killed" {
			t.Fatalf("the child was not killed in its work: %v", err)
		}
	}
	if err := <-dropped; err != nil {
		t.Fatal(err)
	}
	r := newHarnessOn(t, eventstest.Options{Dir: store}, root)
	r.start()
	r.expectEach(r.await("job", files), files)
}
