package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a run prints, what a file holds and how files are named is somebody else's: on a
// terminal nothing of it moves the cursor. An upload shows how far it is, on a terminal alone.
func TestTerminalShowsWhatOthersWrote(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	id := p.short(object{"name": "evil\x1b[2J\nname", "schedule": "@yearly", "run": object{"command": `printf '\033[31mred\033[0m\tend\r\n\033]0;title\007'; printf 'x' > "$(printf 'out\033[2J')"`}})
	if code, answer := p.send(http.MethodPost, "jobs/"+id+"/trigger", nil); code/100 != 2 {
		t.Fatalf("trigger: %d %v", code, answer)
	}
	p.eventually("it has run", func() bool {
		out, _, _ := spoolOut(t, p.env, "runs", "list", "-o", "json")
		return strings.Contains(out, `"outcome": "ok"`)
	})
	folder := filepath.Join(p.harness.dir, "papers")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "a\x1b[2Jb\nc"), []byte("text\x1b[2J"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"runs", "logs", "-f", id}, `\\u001b\[31mred\\u001b\[0m\tend\r\n\\u001b\]0;title\\u0007`},
		{[]string{"runs", "logs", id}, `\\u001b\[31mred\\u001b\[0m`},
		{[]string{"runs", "list"}, `evil\\u001b\[2J\\nname +\x1b\[32mok`},
		{[]string{"runs", "get", id}, `job: +evil\\u001b\[2J\\nname`},
		{[]string{"runs", "output", id}, `out\\u001b\[2J +1 B`},
		{[]string{"upcoming", "--within", "366d"}, `evil\\u001b\[2J\\nname`},
		{[]string{"why", id}, `\.`},
		{[]string{"events", "--type", "run", "--tail", "5"}, `evil\\u001b\[2J\\nname`},
		{[]string{"files", "ls", testDrive + "/papers"}, `a\\u001b\[2Jb\\nc +6? ?`},
		{[]string{"files", "get", testDrive + "/papers/a\x1b[2Jb\nc", "--to", "-"}, `text\\u001b\[2J`},
	} {
		x := p.spool(t, c.args...)
		if code := x.ends(); code != 0 || strings.Contains(x.screen.String(), "\x1b[2J") || strings.Contains(x.screen.String(), "\x1b[31mred") {
			t.Errorf("%q: status %d, %q", c.args, code, x.screen)
		}
		x.shows(c.want, 0)
	}
	big := filepath.Join(p.harness.dir, "big.bin")
	if err := os.WriteFile(big, make([]byte, 8<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	x := p.spool(t, "files", "put", big, testDrive+"/papers/")
	if code := x.ends(); code != 0 {
		t.Errorf("put: status %d, %q", code, x.screen)
	}
	x.shows(`big\.bin`, 0)
	if out, said, code := spoolOut(t, p.env, "files", "put", big, testDrive+"/papers/", "--keep-both"); code != 0 || said != "" || out != testDrive+"/papers/big (2).bin\n" {
		t.Errorf("put without a terminal: status %d, %q, %q", code, out, said)
	}
}
