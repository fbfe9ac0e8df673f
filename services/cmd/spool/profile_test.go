package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"spool.internal/events"
)

// Profiles by the command line: those of flags and of a file, as the file changes, to an
// administrator and to somebody who may name some of them; values are shown to nobody.
func TestProfileCommand(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	file := filepath.Join(t.TempDir(), "profiles")
	declare := func(text string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	secret := filepath.Join(t.TempDir(), "key")
	declare("# what backups need\nbackup:\n    owners ann\n    write /srv/backup\n    env PGPASSWORD=hush-hush\n    secret KEY " + secret + "\n    processor 0.5\n")
	p.serve("--profiles", file, "--profile", "db: connect db.example:5432 [::1]:*; listen")
	token := ""
	ask := func(args ...string) (string, int) {
		args = append(append([]string{"profile"}, args...), "--url", "http://"+p.api)
		if token != "" {
			return spool(t, append(args, "--token-file", token)...)
		}
		return spool(t, append(args, "--data", p.data)...)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	backup := "owners ann; write /srv/backup; env PGPASSWORD=********; secret KEY; processor 0.5"
	db := "connect db.example:5432; connect [::1]:*; listen"
	listed := func(want ...string) bool {
		out, code := ask("list")
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if code != 0 || strings.Join(strings.Fields(lines[0]), " ") != "NAME HOST GRANTS" || strings.Contains(out, "hush") || strings.Contains(out, secret) {
			t.Fatalf("profile list: status %d\n%s", code, out)
		}
		for i, w := range want {
			if len(lines) != len(want)+1 || strings.Join(strings.Fields(lines[i+1]), " ") != w {
				return false
			}
		}
		return len(lines) == len(want)+1
	}
	if !listed("backup "+host+" "+backup, "db "+host+" "+db) {
		out, _ := ask("list")
		t.Errorf("profile list:\n%s", out)
	}
	for name, grants := range map[string]string{"backup": backup, "db": db} {
		want := fmt.Sprintf("# on %s\n%s:\n    %s\n", host, name, strings.ReplaceAll(grants, "; ", "\n    "))
		if out, code := ask("show", name); code != 0 || out != want {
			t.Errorf("profile show: status %d, %q, want %q", code, out, want)
		}
	}
	if out, code := ask("show", "bakcup"); code == 0 || !strings.Contains(out, "no such profile: `spool profile list` prints") {
		t.Errorf("one that is not there: status %d, %q", code, out)
	}
	made, _ := spool(t, "token", "create", "--owner", "ann", "--role", "operator", "--expires", "1h", "--data", p.data, "--url", "http://"+p.api)
	token = filepath.Join(t.TempDir(), "ann.token")
	if err := os.WriteFile(token, []byte(made), 0o600); err != nil {
		t.Fatal(err)
	}
	theirs := strings.TrimPrefix(backup, "owners ann; ") // who else may is an administrator's to know
	p.eventually("ann's token is known", func() bool { out, _ := ask("list"); return strings.HasPrefix(out, "NAME") })
	if !listed("backup " + host + " " + theirs) {
		out, _ := ask("list")
		t.Errorf("ann's profile list:\n%s", out)
	}
	if _, code := ask("show", "db"); code == 0 {
		t.Error("ann sees what she may not name")
	}
	declare("backup:\n    owners ann\n    read /srv/data\n")
	p.eventually("the file is read again", func() bool { return listed("backup " + host + " read /srv/data") })
	declare("backup:\n    owners bob\n")
	p.eventually("it is ann's no more", func() bool { return listed() })
}

// A short job connects to what its profile lists, by name; for anything else the error names
// the line that would allow it.
func TestProfileConnects(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("flows are not shut in on this system")
	}
	p := newHarness(t)
	port := func() string {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		return port
	}
	open, shut := port(), port()
	p.serve("--profile", "door: connect localhost:"+open)
	bus := p.bus()
	for to, want := range map[string]string{open: "", shut: `, which the profile line "connect localhost:` + shut + `" would allow; the job names door; `} {
		job := p.short(object{"schedule": "@yearly", "run": object{"command": "exec 3<>/dev/tcp/localhost/" + to, "shell": "bash", "profiles": []string{"door"}}})
		ended, printed := p.runs(bus, job)
		if strings.Contains(ended.Message, "cannot be held to that here") {
			t.Skipf("this kernel cannot do it: %s", ended.Message)
		}
		if (ended.Status == events.OK) != (want == "") || !strings.Contains(ended.Message, want) {
			t.Errorf("to %s: %s %q, printed %q", to, ended.Status, ended.Message, printed)
		}
	}
}
