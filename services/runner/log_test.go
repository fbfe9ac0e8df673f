//go:build linux || darwin

package runner

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRunLogKeepsHeadAndTail(t *testing.T) {
	dir := t.TempDir()
	for attempt, total := range map[int]int{1: maxHead + maxLast, 2: maxHead + 3*maxLast + 12345} {
		id := fmt.Sprint("run-", attempt)
		folder, err := openRunFolder(dir, id)
		if err != nil {
			t.Fatal(err)
		}
		defer folder.close()
		l, err := openLog(folder, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		var all bytes.Buffer
		for n := 0; all.Len() < total; n++ {
			line := fmt.Appendf(nil, "line %d %s\n", n, strings.Repeat("x", n%5000))
			all.Write(line)
			if n, err := l.Write(line); n != len(line) || err != nil {
				t.Fatal(n, err)
			}
		}
		if tail := l.tail(); !strings.HasSuffix(all.String(), tail+"\n") || !strings.HasPrefix(tail, "line ") && !strings.HasPrefix(tail, "xx") {
			t.Errorf("tail %q", tail)
		}
		missing := l.close()
		text, err := os.ReadFile(filepath.Join(runDir(dir, id), "run.log"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(text[:maxHead], all.Bytes()[:maxHead]) || !bytes.HasSuffix(text, all.Bytes()[all.Len()-maxLast:]) {
			t.Error("head or tail are not what was printed")
		}
		if lost := all.Len() - maxHead - maxLast; lost > 0 {
			want := fmt.Sprintf("--- %d bytes are left out here ---\n", lost)
			if !bytes.Contains(text, []byte(want)) || missing == nil || !strings.Contains(missing.Error(), fmt.Sprintf("leaves out %d of the %d", lost, all.Len())) {
				t.Errorf("%d bytes are lost: %v", lost, missing)
			}
		} else if missing != nil || !bytes.Equal(text, all.Bytes()) {
			t.Errorf("a log that fits: %v, %d of %d bytes", missing, len(text), all.Len())
		}
	}
}

// A disk that is full costs the log, not the flow.
func TestRunLogOnAFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		fmt.Fprintf(os.Stderr, "%s: NOT SHOWN: %v\n", t.Name(), err)
		return
	}
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	l, err := newLog(full, 1)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if n, err := l.Write([]byte("the reason\n")); n != 11 || err != nil {
			t.Errorf("a full disk reaches the flow: %d, %v", n, err)
		}
	}
	if !strings.HasSuffix(l.tail(), "the reason") {
		t.Errorf("tail %q", l.tail())
	}
	if err := l.close(); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("close: %v", err)
	}
}
