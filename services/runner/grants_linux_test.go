package runner

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/services/runner/record"
)

// granted runs the flow "flow" with profiles, for an owner who is no administrator.
func (h *harness) granted(url, key, profiles string) events.RunEvent {
	h.t.Helper()
	a := h.ask(url, key, body("flow", `{"delete_out_dir":true}`), map[string]string{
		events.HeaderProfiles: profiles, events.HeaderOwner: "ann", events.HeaderRole: "operator",
	})
	if a.Status != events.OK {
		h.t.Fatalf("not accepted: %+v", a)
	}
	return h.until(events.Ended, a.Data.JobID)
}

// grantable makes what profiles grant here, where every user can get at it.
func grantable(t *testing.T) (dir string) {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "spool-granted-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for _, d := range []string{"", "data", "backup", "home", "other"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, d), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"data/a", "other/b"} {
		if err := os.WriteFile(filepath.Join(dir, f), []byte("as it was"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A flow gets what its profiles grant, and nothing beside it; without them nothing.
func TestGrants(t *testing.T) {
	t.Parallel()
	if canSandbox() != nil {
		t.Skip("flows are not shut in here, so that nothing is to be granted")
	}
	for _, hides := range []hidden{{}, {mounts: true}, {spaces: true}} {
		t.Run(fmt.Sprintf("%+v", hides), func(t *testing.T) {
			h := newHarness(t, eventstest.Options{})
			dir := grantable(t)
			h.flow("flow", fmt.Sprintf(`D=%s
cat $D/data/a >/dev/null 2>&1 && echo read; (echo x >$D/backup/x) 2>/dev/null && echo write; (echo x >$D/data/x) 2>/dev/null && echo write to data
(echo x >$D/other/x) 2>/dev/null && echo write beside; cat $D/other/b >/dev/null 2>&1 && echo read beside
cp /bin/true $D/backup/true 2>/dev/null; $D/backup/true 2>/dev/null && echo execute
[ "$HOME" = $D/home ] && echo x >"$HOME/x" && echo home; echo "env $GREETING"; exit 0`, dir))
			r := h.shut(func(c *Config) {
				c.hidden, c.Profiles = hides, []string{
					"reads: owners ann; read " + dir + "/data", "writes: write " + dir + "/backup; env GREETING=hello; owners *", "lives: owners bob, ann; home " + dir + "/home",
				}
			})
			url := h.serve(r).URL
			h.background(r.Run)
			for profiles, want := range map[string]string{
				"": "env", "reads": "read env", "writes": "write env hello", "reads,writes,lives": "read write home env hello",
			} {
				for _, f := range []string{"backup/x", "backup/true", "home/x"} {
					_ = os.Remove(filepath.Join(dir, f))
				}
				ended := h.granted(url, "with "+profiles, profiles)
				printed, _ := os.ReadFile(filepath.Join(record.Dir(h.data, ended.FlowJobID), "run.log"))
				var said []string
				for line := range strings.Lines(string(printed)) {
					if !strings.HasPrefix(line, "---") {
						said = append(said, strings.Fields(line)...)
					}
				}
				if got := strings.Join(said, " "); ended.Status != events.OK || got != want {
					t.Errorf("%q grants %q, want %q: %+v", profiles, got, want, ended)
				}
				if _, err := os.Stat(filepath.Join(dir, "backup/x")); (err == nil) != strings.Contains(profiles, "writes") {
					t.Errorf("%q: the file in the backup: %v", profiles, err)
				}
			}
		})
	}
}

const networkFlow = `package main

import ("fmt"; "net"; "os")

func main() {
	said := ""
	try := func(name string, err error) { if err == nil { said += name + " " } }
	c, err := net.Dial("tcp", "ADDRESS"); try("connect", err); _ = c
	ln, err := net.Listen("tcp", "127.0.0.1:0"); try("listen", err); _ = ln
	u, err := net.Dial("unix", "SOCKET"); try("unix", err); _ = u
	o, err := net.Dial("unix", "OTHER"); try("other", err); _ = o
	a, err := net.Dial("unix", "@ABSTRACT"); try("abstract", err); _ = a
	os.WriteFile(os.Args[2]+"/got", []byte(said), 0o644)
	fmt.Println(said)
}`

// So it is with networks and sockets, whatever the runner allows all flows.
func TestGrantsOfSockets(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	if why := canFilter(); why != nil {
		t.Skipf("system calls cannot be denied here: %v", why)
	}
	dir := grantable(t)
	listen := func(network, addr string) string {
		ln, err := net.Listen(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
		if network == "unix" && addr[0] != '@' {
			if err := os.Chmod(addr, 0o777); err != nil {
				t.Fatal(err)
			}
		}
		return ln.Addr().String()
	}
	abstract := fmt.Sprintf("@spool-grants-%d", os.Getpid())
	h.build("flow", strings.NewReplacer("ADDRESS", listen("tcp", "127.0.0.1:0"), "SOCKET", listen("unix", dir+"/service"),
		"OTHER", listen("unix", dir+"/other/service"), "@ABSTRACT", listen("unix", abstract)).Replace(networkFlow))
	for _, offline := range []bool{false, true} {
		t.Run(fmt.Sprintf("offline %v", offline), func(t *testing.T) {
			h.t = t
			r := h.shut(func(c *Config) {
				c.Offline, c.Profiles = offline, []string{
					"none: owners *; network none", "any: owners *; network any", "server: owners *; listen; network any", "local: owners *; unix " + dir + "/service",
				}
			})
			url := h.serve(r).URL
			stop := h.background(r.Run)
			defer stop()
			view := r.room.Form.View && r.room.Form.Landlock >= 6
			for profiles, want := range map[string]string{
				"": "connect ", "none": "", "any": "connect ", "server": "connect listen ", "local": "connect unix ", "none,local": "unix ", "none,any": "connect ",
			} {
				if profiles == "" && offline {
					want = ""
				}
				if profiles == "local" && offline {
					want = "unix "
				}
				ended := h.granted(url, fmt.Sprint("with ", profiles, offline), profiles)
				if strings.Contains(profiles, "local") && !view {
					if !strings.Contains(ended.Message, "cannot grant one socket without granting all") {
						t.Errorf("%q: %+v", profiles, ended)
					}
					continue
				}
				if got := h.read("out/got"); got != want || ended.Status != events.OK {
					t.Errorf("%q grants %q, want %q: %+v", profiles, got, want, ended)
				}
			}
		})
	}
}

// Who may name a profile is judged again when the run starts, and so is what it is.
func TestGrantsAreJudged(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	dir := grantable(t)
	h.flow("flow", "true")
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
	declare("# what ann needs\nmine:\n    owners ann\n    read " + dir + "/data\n")
	if err := os.Symlink(dir+"/data", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	r := h.shut(func(c *Config) {
		c.ProfilesFile, c.Profiles = file, []string{"bobs: owners bob; read " + dir + "/data", "linked: owners *; read " + dir + "/link", "gone: owners *; read " + dir + "/gone"}
	})
	url := h.serve(r).URL
	h.background(r.Run)
	n := 0
	wants := func(profile, want string) {
		t.Helper()
		n++
		if ended := h.granted(url, fmt.Sprint(n), profile); !strings.Contains(ended.Message, want) || (ended.Status == events.OK) != (want == "") {
			t.Errorf("%s: %+v, want %q", profile, ended, want)
		}
	}
	wants("mine", "")
	wants("bobs", `"bobs" may not be named by ann: an administrator can add the line "owners ann"`)
	wants("no-such", `"no-such" is not declared`)
	wants("linked", "a link is on the way to it")
	wants("gone", "read "+dir+"/gone: no such file")
	declare("mine:\n    owners bob\n    read " + dir + "/data\n")
	wants("mine", "may not be named by ann")
	declare("mine:\n    reed /x\n")
	wants("mine", "may not be named by ann") // as it was
	if notes := strings.Join(r.Notes(), " "); !strings.Contains(notes, `line 2: "reed" is not one of owners, read`) {
		t.Errorf("the notes are %q", notes)
	}
	declare("mine:\n    owners ann\n")
	h.eventually("the new profile is told", func() bool {
		return strings.Contains(h.stated(), `"owners":["ann"]`)
	})
	for _, c := range []struct{ profile, want string }{
		{"p: read /", "is everything"},
		{"p: write /proc/sys", "belongs to the kernel"},
		{"p: read data", "is not an absolute path"},
		{"p: read /a/../b", "is not a plain path: give /b"},
		{"p: env SPOOL_X=1", "begins with SPOOL_"},
		{"p: network some", "is not none or any"},
		{"p: network none; listen", "listen needs a network"},
		{"p", "is no beginning of a profile"},
	} {
		cfg := r.cfg
		cfg.Profiles, cfg.ProfilesFile = []string{c.profile}, ""
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "profile: ") {
			t.Errorf("%s: %v, want %q", c.profile, err, c.want)
		}
	}
	if err := os.Chmod(file, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := New(r.cfg); err == nil || !strings.Contains(err.Error(), "chmod go-w it") {
		t.Errorf("a file that everybody may write to: %v", err)
	}
}

// stated is what the runners have said of themselves, as it is stored.
func (h *harness) stated() (all string) {
	h.t.Helper()
	_ = h.bus.Runners().LastEach(h.t.Context(), func(m jet.Entry[events.RunnerState]) { all += string(m.Data) })
	return all
}

// A profile can have flows be a user, whom its paths and the run's folders are for.
func TestGrantsOfUsers(t *testing.T) {
	t.Parallel()
	asRoot(t)
	h := newHarness(t, eventstest.Options{})
	dir := grantable(t)
	if err := os.Chmod(dir+"/backup", 0o700); err != nil { // root's alone
		t.Fatal(err)
	}
	h.flow("flow", fmt.Sprintf(`id -u >"$2/got" && id -u >%s/backup/x && cat "$1/a" >/dev/null`, dir))
	h.write("in/a", "", 0o600)
	r := h.shut(func(c *Config) {
		c.Profiles = []string{fmt.Sprintf("being: owners *; user %d; write %s/backup", theFlowUser, dir)}
	})
	if !r.room.Form.View || r.room.Form.User {
		t.Skip("without a mount namespace of root's, files are not shown as another user's")
	}
	url := h.serve(r).URL
	h.background(r.Run)
	if ended := h.granted(url, "k", "being"); ended.Status != events.OK || h.lines("out/got")[0] != fmt.Sprint(theFlowUser) {
		t.Errorf("%q: %+v", h.read("out/got"), ended)
	}
}

// A run that was denied something says what, and what would allow it.
func TestDenialIsSaid(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	dir := grantable(t)
	h.flow("flow", fmt.Sprintf(`cat %[1]s/data/a >/dev/null; echo x >%[1]s/backup/x; exit 3`, dir))
	r := h.shut(func(c *Config) {
		c.Profiles = []string{"reads: owners *; read " + dir + "/data"}
	})
	if r.room.Form.Landlock == 0 && !r.room.Form.View {
		t.Skip("nothing is denied here")
	}
	url := h.serve(r).URL
	h.background(r.Run)
	ended := h.granted(url, "k", "reads")
	want := fmt.Sprintf("the sandbox denied %[1]s/backup/x, which the profile line \"write %[1]s/backup\" would allow; the job names reads; exit status 3: ", dir)
	if !strings.HasPrefix(ended.Message, want) {
		t.Errorf("it says %q, want %q", ended.Message, want)
	}
}

// Secrets of profiles are variables, and masked where the flow prints them; memory is
// bounded as the profile says.
func TestGrantsOfSecretsAndMemory(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"key": 0o600, "open": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("a-secret-of-the-backup\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	h.flow("flow", `[ "$KEY" = a-secret-of-the-backup ] || exit 3; echo "the key is $KEY"
dd if=/dev/zero of=/dev/null bs=300M count=1 2>/dev/null && echo "has memory"; exit 0`)
	r := h.shut(func(c *Config) {
		c.Profiles = []string{"keyed: owners *; secret KEY " + dir + "/key", "small: owners *; memory 100m", "large: owners *; memory 4g", "leaks: owners *; secret KEY " + dir + "/open"}
	})
	url := h.serve(r).URL
	h.background(r.Run)
	for profiles, want := range map[string]string{"keyed": "the key is ********\nhas memory\n", "keyed,small": "the key is ********\n", "keyed,small,large": "the key is ********\nhas memory\n"} {
		ended := h.granted(url, profiles, profiles)
		printed, _ := os.ReadFile(filepath.Join(record.Dir(h.data, ended.FlowJobID), "run.log"))
		if got := string(printed); !strings.HasSuffix(got, want) || profiles == "keyed,small" && strings.Contains(got, "has memory") {
			t.Errorf("%s: %q: %+v", profiles, got, ended)
		}
	}
	if ended := h.granted(url, "leaks", "leaks"); !strings.Contains(ended.Message, "secret KEY: its file is no file that is closed to others") || strings.Contains(ended.Message, dir) {
		t.Errorf("a file that others can read: %+v", ended)
	}
}
