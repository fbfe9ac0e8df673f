//go:build unix

package daemon

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// However many connect, the store can open its files. A listener that has no
// descriptors all the same takes newcomers in the place of who came before.
func TestDescriptorsAreLeft(t *testing.T) {
	if os.Getenv("SPOOL_TEST_DESCRIPTORS") != "" {
		beFlooded(t)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDescriptorsAreLeft$")
	cmd.Env = append(os.Environ(), "SPOOL_TEST_DESCRIPTORS=1")
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	say := func(order string) string {
		fmt.Fprintln(in, order)
		for lines.Scan() {
			if answer, ok := strings.CutPrefix(lines.Text(), "child: "); ok {
				return answer
			}
		}
		return "gone"
	}
	addr := say("addr")
	for range 600 {
		dialFrom(t, "127.0.0.1", addr)
	}
	if code := ask(dialFrom(t, "127.0.0.1", addr), plain); code != http.StatusOK {
		t.Errorf("a newcomer: answer %d", code)
	}
	if got := say("open"); got != "100 files" {
		t.Errorf("the store opens %s of 100", got)
	}
	if got := say("squeeze"); got != "squeezed" {
		t.Fatal(got)
	}
	for range 100 {
		dialFrom(t, "127.0.0.1", addr)
	}
	if code := ask(dialFrom(t, "127.0.0.1", addr), plain); code != http.StatusOK {
		t.Errorf("a newcomer when no descriptors are left: answer %d", code)
	}
	_ = in.Close()
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// beFlooded is the child, which may have 256 files open.
func beFlooded(t *testing.T) {
	limit := func(n uint64) {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: n, Max: 256}); err != nil {
			t.Fatal(err)
		}
	}
	limit(256)
	_, addr := listen(t, Listener{}, func(http.ResponseWriter, *http.Request) {})
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		switch orders.Text() {
		case "addr":
			fmt.Println("child: " + addr)
		case "open":
			var files []*os.File
			for n := range 100 {
				f, err := os.Create(filepath.Join(t.TempDir(), fmt.Sprint(n)))
				if err != nil {
					break
				}
				files = append(files, f)
			}
			fmt.Printf("child: %d files\n", len(files))
			for _, f := range files {
				_ = f.Close()
			}
		case "squeeze":
			limit(40)
			fmt.Println("child: squeezed")
		}
	}
}
