package runner

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

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
