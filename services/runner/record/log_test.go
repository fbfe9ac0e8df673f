//go:build linux || darwin

package record

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
	for attempt, total := range map[int]int{1: MaxHead + MaxLast, 2: MaxHead + 3*MaxLast + 12345} {
		id := fmt.Sprint("run-", attempt)
		folder, err := Open(dir, id)
		if err != nil {
			t.Fatal(err)
		}
		defer folder.Close()
		l, err := OpenLog(folder, 1, nil)
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
		if tail := l.Tail(); !strings.HasSuffix(all.String(), tail+"\n") || !strings.HasPrefix(tail, "line ") && !strings.HasPrefix(tail, "xx") {
			t.Errorf("tail %q", tail)
		}
		missing := l.Close()
		text, err := os.ReadFile(filepath.Join(Dir(dir, id), "run.log"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(text[:MaxHead], all.Bytes()[:MaxHead]) || !bytes.HasSuffix(text, all.Bytes()[all.Len()-MaxLast:]) {
			t.Error("head or tail are not what was printed")
		}
		if lost := all.Len() - MaxHead - MaxLast; lost > 0 {
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
	if !strings.HasSuffix(l.Tail(), "the reason") {
		t.Errorf("tail %q", l.Tail())
	}
	if err := l.Close(); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("close: %v", err)
	}
}
