package denial

import (
	"fmt"
	"slices"
	"testing"
)

// Records as Linux 6.18 writes them, of two flows at once, and of others.
func TestAuditIsRead(t *testing.T) {
	one, two := &Heard{pid: 5386}, &Heard{pid: 77}
	a := &Audit{flows: map[int]*Heard{5386: one, 77: two}, domains: map[string]*Heard{}, early: map[string][]Denial{}}
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
		a.hear(kind, line[5:])
	}
	for of, want := range map[*Heard][]Denial{
		one: {{"fs.read_file", "/etc/shadow"}, {"net.bind_tcp", ""}, {"fs.write_file,fs.truncate", "/srv/a b "}},
		two: {{"fs.make_reg", "/srv/backup"}},
	} {
		if got := a.Unwatch(of, false); !slices.Equal(got, want) {
			t.Errorf("%d was denied %q, want %q", of.pid, got, want)
		}
	}
	if len(a.flows)+len(a.domains) > 0 {
		t.Errorf("left: %+v", a)
	}
	could := Allowed{Own: []string{"/d/out"}}
	for want, d := range map[string]Denial{
		`/etc/shadow, which the profile line "read /etc/shadow" would allow`: {"fs.read_file", "/etc/shadow"},
		`/srv/x, which the profile line "write /srv/x" would allow`:          {"fs.make_reg", "/srv/x"},
		`/srv/x/y, which the profile line "write /srv/x" would allow`:        {"fs.write_file,fs.truncate", "/srv/x/y"},
		`/opt/x, which the profile line "run /opt/x" would allow`:            {"fs.execute", "/opt/x"},
		`a port, which the profile line "listen" would allow`:                {"net.bind_tcp", ""},
	} {
		if got := could.Kernel([]Denial{d, {"scope.signal", ""}, {"fs.read_file", "/proc/kcore"}, {"fs.execute", "/d/out/x"}}); got != "the sandbox denied "+want {
			t.Errorf("%+v: it says %q, want %q", d, got, want)
		}
	}
}
