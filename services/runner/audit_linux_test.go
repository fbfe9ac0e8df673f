package runner

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"spool.internal/events/eventstest"
)

// Records as Linux 6.18 writes them, of two flows at once, and of others.
func TestAuditIsRead(t *testing.T) {
	r := &Runner{}
	r.room.Form.Audited = true
	one, two := &heard{pid: 5386}, &heard{pid: 77}
	r.audit = audit{flows: map[int]*heard{5386: one, 77: two}, domains: map[string]*heard{}, early: map[string][]kernelDenial{}}
	for _, line := range []string{
		`1423 audit(1795957149.604:2): domain=1629c8d95 blockers=fs.read_file path="/etc/shadow" dev="vda" ino=409622`,
		`1424 audit(1795957149.604:2): domain=1629c8d95 status=allocated mode=enforcing pid=5386 uid=0 exe="/memfd:spool-gate (deleted)" comm="exe"`,
		`1300 audit(1795957149.604:2): arch=c000003e syscall=257 success=no exit=-13 a0=ffffff9c ppid=5380 pid=5386 comm="sh" exe="/usr/bin/dash" key=(null)`,
		`1423 audit(1795957149.604:3): domain=aaa blockers=fs.make_reg path="/srv/backup" dev="vda" ino=1`,
		`1423 audit(1795957149.604:3): domain=1629c8d95 blockers=net.bind_tcp saddr=127.0.0.1 src=80`,
		`1424 audit(1795957149.604:3): domain=aaa status=allocated mode=enforcing pid=77 uid=0 exe="/x" comm="exe"`,
		`1423 audit(1795957149.616:5): domain=1629c8d95 blockers=fs.write_file,fs.truncate path=2F7372762F61206220 dev="vda" ino=409613`,
		`1424 audit(1795957149.616:6): domain=bbb status=allocated mode=enforcing pid=99 uid=0 exe="/x" comm="exe"`,
		`1423 audit(1795957149.616:6): domain=bbb blockers=fs.read_file path="/of/another" dev="vda" ino=1`,
		`1424 audit(1795957149.668:7): domain=1629c8d95 status=deallocated denials=5`,
		`1423 nonsense`,
	} {
		var kind uint16
		if _, err := fmt.Sscan(line, &kind); err != nil {
			t.Fatal(err)
		}
		r.audit.hear(kind, line[5:])
	}
	for of, want := range map[*heard][]kernelDenial{
		one: {{"fs.read_file", "/etc/shadow"}, {"net.bind_tcp", ""}, {"fs.write_file,fs.truncate", "/srv/a b "}},
		two: {{"fs.make_reg", "/srv/backup"}},
	} {
		if got := r.unwatch(&attempt{heard: of}, false); !slices.Equal(got, want) {
			t.Errorf("%d was denied %q, want %q", of.pid, got, want)
		}
	}
	if len(r.audit.flows)+len(r.audit.domains) > 0 {
		t.Errorf("left: %+v", &r.audit)
	}
	could := allowed{own: []string{"/d/out"}}
	for want, d := range map[string]kernelDenial{
		`/etc/shadow, which the profile line "read /etc/shadow" would allow`: {"fs.read_file", "/etc/shadow"},
		`/srv/x, which the profile line "write /srv/x" would allow`:          {"fs.make_reg", "/srv/x"},
		`/srv/x/y, which the profile line "write /srv/x" would allow`:        {"fs.write_file,fs.truncate", "/srv/x/y"},
		`/opt/x, which the profile line "run /opt/x" would allow`:            {"fs.execute", "/opt/x"},
		`a port, which the profile line "listen" would allow`:                {"net.bind_tcp", ""},
	} {
		if got := could.heard([]kernelDenial{d, {"scope.signal", ""}, {"fs.read_file", "/proc/kcore"}, {"fs.execute", "/d/out/x"}}); got != "the sandbox denied "+want {
			t.Errorf("%+v: it says %q, want %q", d, got, want)
		}
	}
}

// Where the kernel's audit is on, it says what a flow was denied that prints nothing of it.
func TestAuditTells(t *testing.T) {
	if os.Getenv("SPOOL_TEST_AUDIT") != "" { // for this test alone: it is the whole machine's
		setAudit(t, 1)
		t.Cleanup(func() { setAudit(t, 0) })
	}
	if !auditTells() {
		t.Skip("the kernel's audit is off, or not for this user to read: it takes root, and auditctl -e 1, or SPOOL_TEST_AUDIT=1, by which this test switches it on for the whole machine")
	}
	l := newLab(t, eventstest.Options{})
	dir := grantable(t)
	l.flow("flow", fmt.Sprintf(`echo x 2>/dev/null >%s/backup/x; exit 3`, dir))
	r := l.shut(func(c *Config) { c.hidden.mounts = true })
	if r.room.Form.Landlock < auditABI {
		t.Skipf("Landlock %d says nothing in the audit", r.room.Form.Landlock)
	}
	url := l.serve(r).URL
	l.background(r.Run)
	want := fmt.Sprintf("the sandbox denied %s/backup, which the profile line \"write %[1]s/backup\" would allow; exit status 3", dir)
	if ended := l.granted(url, "k", ""); !strings.HasPrefix(ended.Message, want) {
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
	request := make([]byte, netlinkHeader+40)
	binary.NativeEndian.PutUint32(request, uint32(len(request)))
	binary.NativeEndian.PutUint16(request[4:], unix.AUDIT_SET)
	binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	binary.NativeEndian.PutUint32(request[netlinkHeader:], unix.AUDIT_STATUS_ENABLED)
	binary.NativeEndian.PutUint32(request[netlinkHeader+4:], on)
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := unix.Recvfrom(fd, make([]byte, 4096), 0); err != nil {
		t.Fatal(err)
	}
}
