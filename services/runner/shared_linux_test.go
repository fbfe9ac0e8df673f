package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/services/runner/cell"
)

// A folder that is mounted once for all flows has the files that the host has when a flow starts.
func TestASharedFolderIsAsTheHosts(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	for _, err := range []error{os.WriteFile(elsewhere, []byte("beside"), 0o644), os.Symlink(elsewhere, filepath.Join(dir, "link"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	write("a", "one")
	write("ssl/b", "two")
	write("other", "not listed")
	read := []string{"/usr/share", dir + "/a", dir + "/ssl/b", dir + "/later", dir + "/link"}
	s := cell.NewShared(dir, read, nil)
	defer s.Forget()
	seen := func() string {
		t.Helper()
		room := cell.Room{Read: read}
		tree, err := s.Copy(&room)
		if err != nil {
			t.Skipf("nothing is shared here, which takes the right to mount, and Linux 6.15: %v", err)
		}
		defer tree.Close()
		if got := strings.Join(room.Read, " "); room.Shared != dir || got != "/usr/share "+elsewhere {
			t.Errorf("shared %q, and beside it %q", room.Shared, got)
		}
		said := ""
		for _, name := range []string{"a", "ssl/b", "later", "link", "other"} {
			path := fmt.Sprintf("/proc/self/fd/%d/%s", tree.Fd(), name)
			text, err := os.ReadFile(path)
			if said += string(text) + "|"; err == nil && os.WriteFile(path, nil, 0o644) == nil {
				t.Errorf("%s can be written to", name)
			}
		}
		return said
	}
	if got := seen(); got != "one|two||beside||" {
		t.Errorf("at first: %s", got)
	}
	write("a", "replaced")
	write("later", "new")
	if got := seen(); got != "replaced|two|new|beside||" {
		t.Errorf("after changes: %s", got)
	}
	if err := os.Remove(filepath.Join(dir, "ssl/b")); err != nil {
		t.Fatal(err)
	}
	if got := seen(); got != "replaced||new|beside||" {
		t.Errorf("without a file: %s", got)
	}
}

// What a profile grants in a folder that flows share is there for its flow, and for no other.
func TestGrantsInASharedFolder(t *testing.T) {
	h := newHarness(t, eventstest.Options{})
	inner := "/etc/ssl"
	if _, err := os.Stat(inner); err != nil {
		inner = "/etc"
	}
	h.flow("flow", `cat "`+inner+`"/spool-test-*/secret /etc/spool-test-*/secret 2>/dev/null; ls /etc "`+inner+`" 2>/dev/null | grep -c spool-test
head -c1 /etc/passwd >/dev/null && echo public; cat /etc/shadow 2>/dev/null; (echo x >/etc/x) 2>/dev/null && echo wrote; exit 0`)
	r := h.shut(func(c *Config) {
		c.Profiles = []string{"etc: owners ann; read /etc/spool-test-outer; read " + inner + "/spool-test-inner"}
	})
	if !r.room.Form.View {
		t.Skip("flows have no root of their own here")
	}
	for _, dir := range []string{"/etc/spool-test-outer", inner + "/spool-test-inner"} { // after the runner has looked for what is public
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Skipf("only root can make a folder in /etc: %v", err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		if err := os.WriteFile(dir+"/secret", []byte("granted\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	url := h.serve(r).URL
	h.background(r.Run)
	for i, c := range [][2]string{{"", "0 public"}, {"etc", "granted granted 2 public"}, {"", "0 public"}} {
		ended := h.granted(url, fmt.Sprint(i), c[0])
		if got := strings.Join(strings.Fields(h.printed(ended)), " "); ended.Status != events.OK || got != c[1] {
			t.Errorf("with %q: %q, want %q: %+v", c[0], got, c[1], ended)
		}
	}
}
