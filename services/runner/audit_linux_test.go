package runner

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"spool.internal/events/eventstest"
	"spool.internal/services/runner/denial"
)

// Where the kernel's audit is on, it says what a flow was denied that prints nothing of it.
func TestAuditTells(t *testing.T) {
	if os.Getenv("SPOOL_TEST_AUDIT") != "" { // for this test alone: it is the whole machine's
		setAudit(t, 1)
		t.Cleanup(func() { setAudit(t, 0) })
	}
	if !denial.Tells() {
		t.Skip("the kernel's audit is off, or not for this user to read: it takes root, and auditctl -e 1, or SPOOL_TEST_AUDIT=1, by which this test switches it on for the whole machine")
	}
	h := newHarness(t, eventstest.Options{})
	dir := grantable(t)
	h.flow("flow", fmt.Sprintf(`echo x 2>/dev/null >%s/backup/x; exit 3`, dir))
	r := h.shut(func(c *Config) { c.hidden.mounts = true })
	if r.room.Form.Landlock < auditABI {
		t.Skipf("Landlock %d says nothing in the audit", r.room.Form.Landlock)
	}
	url := h.serve(r).URL
	h.background(r.Run)
	want := fmt.Sprintf("the sandbox denied %s/backup, which the profile line \"write %[1]s/backup\" would allow; exit status 3", dir)
	if ended := h.granted(url, "k", ""); !strings.HasPrefix(ended.Message, want) {
		t.Errorf("it says %q, want %q", ended.Message, want)
	}
}

func setAudit(t *testing.T, on uint32) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_AUDIT)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	request := make([]byte, unix.NLMSG_HDRLEN+40)
	binary.NativeEndian.PutUint32(request, uint32(len(request)))
	binary.NativeEndian.PutUint16(request[4:], unix.AUDIT_SET)
	binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	binary.NativeEndian.PutUint32(request[unix.NLMSG_HDRLEN:], unix.AUDIT_STATUS_ENABLED)
	binary.NativeEndian.PutUint32(request[unix.NLMSG_HDRLEN+4:], on)
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := unix.Recvfrom(fd, make([]byte, 4096), 0); err != nil {
		t.Fatal(err)
	}
}
