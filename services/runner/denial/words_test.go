//go:build linux || darwin

package denial

import (
	"strings"
	"testing"

	"spool.internal/services/runner/cell"
)

// What programs say of what they were denied leads to the line that would allow it.
func TestDenialIsExplained(t *testing.T) {
	could := Allowed{
		Hides: true, Offline: true,
		Places: []cell.Place{
			{Path: "/d/flow", Access: cell.Run},
			{Path: "/d/in", Access: cell.Read},
			{Path: "/d/out", Access: cell.Write},
			{Path: "/srv/data", Access: cell.Read, Granted: true},
			{Path: "/srv/backup", Access: cell.Write, Granted: true},
		},
		Own: []string{"/d/flow", "/d/in", "/d/out"}, Read: []string{"/usr", "/bin", "/etc/hosts", "/tmp"},
	}
	for said, want := range map[string]string{
		"flow: 2: cannot create /srv/x/made: Directory nonexistent":                                                                      `/srv/x/made, which the profile line "write /srv/x" would allow`,
		"cat: /srv/secret: Permission denied":                                                                                            `/srv/secret, which the profile line "read /srv/secret" would allow ("write /srv/secret" if it is to be changed)`,
		"touch: cannot touch '/srv/my files/x': Read-only file system":                                                                   `/srv/my files/x, which the profile line "write /srv/my files" would allow`,
		"FileNotFoundError: [Errno 2] No such file or directory: '/opt/model.bin'":                                                       `/opt/model.bin, which the profile line "read /opt/model.bin" would allow`,
		"Error: EACCES: permission denied, mkdir '/srv/data/2026'":                                                                       `/srv/data/2026, which the profile line "write /srv/data" would allow`,
		"flow: 1: /opt/tool/bin/x: not found":                                                                                            `/opt/tool/bin/x, which the profile line "run /opt/tool/bin/x" would allow`,
		"bash: /srv/data/tool: Permission denied":                                                                                        `/srv/data/tool, which the profile line "run /srv/data/tool" would allow`,
		`psql: error: connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: No such file or directory`:              `which the profile line "unix /var/run/postgresql/.s.PGSQL.5432" would allow`,
		"permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get \"http://x/y\": dial": `"unix /var/run/docker.sock" would allow`,
		"java.nio.file.AccessDeniedException: /opt/app/config":                                                                           `"read /opt/app/config" would allow`,
		"open /proc/cpuinfo: permission denied":                                                                                          `/proc/cpuinfo, which no profile can grant`,
		"OSError: [Errno 13] Permission denied: connect":                                                                                 `the network, which the profile line "network any" would allow`,
		"bind: Permission denied":                                                                                                        `the network, which the profile line "listen" would allow`,
		"cat: /srv/one: Permission denied\nflow failed\n\n":                                                                              `"read /srv/one"`,
		"ERROR 2002 (HY000): Can't connect to local server through socket '/run/mysqld/mysqld.sock' (2)":                                 `"unix /run/mysqld/mysqld.sock" would allow`,
		"Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?":                              `"unix /var/run/docker.sock" would allow`,
		"The parent path of the repo directory [/srv/x/repo] does not exist.":                                                            `"read /srv/x/repo" would allow ("write /srv/x/repo"`,
		"Fatal: create repository at /srv/x/repo failed: mkdir /srv: read-only file system":                                              `/srv/x/repo, which the profile line "write /srv/x" would allow`,
		"ERROR : a: Failed to copy: mkdir /srv: read-only file system\nNOTICE: file system at /srv/x/copy: not deleting":                 `/srv/x/copy, which the profile line "write /srv/x" would allow`,
		"    self._socket.listen(backlog)\nPermissionError: [Errno 13] Permission denied":                                                `which the profile line "listen" would allow`,
		"[ERROR:third_party/x/attach.cc:27] ptrace: Operation not permitted (1)":                                                         "", // a source file
		"cat: /d/in/none: No such file or directory":                                                                                     "", // it could
		"rm: cannot remove '/srv/backup/x': Permission denied":                                                                           "", // likewise: somebody else's file
		"cat: /usr/none: No such file or directory":                                                                                      "",
		"touch: cannot touch '/d/in/x': Read-only file system":                                                                           "", // the input is never written to
		"ls: cannot access 'x': No such file or directory":                                                                               "",

		"all is well in /srv": "",
	} {
		if got := could.Explain(said); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s\ngives %q, want %q", said, got, want)
		}
	}
	could.Hides = false
	if got := could.Explain("cat: /srv/none: No such file or directory"); got != "" {
		t.Errorf("where nothing is hidden, what is not there is said to be denied: %q", got)
	}
}
