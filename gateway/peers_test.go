package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/eventstest"
	"spool.internal/gateway"
)

const (
	oneDrive = "admin/repo/fs/One"
	twoDrive = "admin/repo/fs/Two"
)

// neighbours are the gateways of two machines with a drive each; the harness asks that of m1.
type neighbours struct {
	*harness
	two  string // the host folder of the drive of m2
	peer *httptest.Server
	role events.RoleState // of the gateway of m2
}

func drivesAt(t *testing.T, place, name string) (*drive.Drives, string) {
	t.Helper()
	dir := t.TempDir()
	d, err := drive.New(t.TempDir(), []string{name + "=" + dir})
	if err != nil {
		t.Fatal(err)
	}
	d.At(place)
	return d, dir
}

func newNeighbours(t *testing.T) *neighbours {
	t.Helper()
	one, _ := drivesAt(t, "m1", oneDrive)
	two, dir := drivesAt(t, "m2", twoDrive)
	n := &neighbours{two: dir}
	n.harness = newHarness(t, withConfig(func(c *gateway.Config) {
		c.Drives, c.MaxUpload = one, 1<<20
	}))
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	n.config.Places = n.bus.Places
	n.start()
	data := filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "admin.token"), []byte(n.admin+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := n.config
	c.Drives, c.DataDir = two, data
	peer, err := gateway.New(c)
	if err != nil {
		t.Fatal(err)
	}
	n.background(peer.Run)
	eventstest.Eventually(t, "the other gateway is ready", func() bool { return peer.Check() == nil })
	n.peer = httptest.NewServer(peer.Handler())
	t.Cleanup(n.peer.Close)
	n.role = events.RoleState{Role: "gateway", Instance: "two", Place: "m2", API: n.peer.URL, Ready: true, Drives: []events.ServedDrive{{Name: twoDrive}}}
	n.say(events.RoleState{Role: "gateway", Instance: "one", Place: "m1", API: n.base, Ready: true, Drives: []events.ServedDrive{{Name: oneDrive}}})
	n.say(n.role)
	return n
}

func (n *neighbours) say(s events.RoleState) {
	n.t.Helper()
	if err := n.bus.PutRole(n.t.Context(), s); err != nil {
		n.t.Fatal(err)
	}
}

// What is about a file of another machine is answered by the gateway there, as the caller.
func TestFilesOfAnotherMachine(t *testing.T) {
	n := newNeighbours(t)
	at := filesPath + twoDrive
	wantCode(t, n.send(http.MethodPut, at+"/in/a%20b.txt", n.admin, "content"), http.StatusNoContent)
	if text, err := os.ReadFile(filepath.Join(n.two, "in", "a b.txt")); err != nil || string(text) != "content" {
		t.Fatalf("on m2 lies %q, %v", text, err)
	}
	got := n.send(http.MethodGet, at+"/in/a%20b.txt", n.admin, "", header("Range", "bytes=1-3"))
	if got.code != http.StatusPartialContent || string(got.body) != "ont" || len(got.header.Values("X-Request-Id")) != 1 || len(got.header.Values("Cache-Control")) != 1 {
		t.Errorf("a range: %d %s %v", got.code, got.body, got.header)
	}
	wantCode(t, n.send(http.MethodPut, at+"/in/a%20b.txt", n.admin, "other", header("If-None-Match", "*")), http.StatusPreconditionFailed)
	if list := n.send(http.MethodGet, at+"/in", n.admin, ""); list.code != http.StatusOK || !strings.Contains(string(list.body), `"a b.txt"`) {
		t.Errorf("a list: %d %s", list.code, list.body)
	}
	wantCode(t, n.send(http.MethodPut, at+"/in/large", n.admin, strings.Repeat("x", 1<<20+1)), http.StatusRequestEntityTooLarge)
	wantCode(t, n.send(http.MethodGet, at+"/in/none", n.admin, ""), http.StatusNotFound)
	wantCode(t, n.send(http.MethodGet, at+"/in/a%20b.txt", "wrong", ""), http.StatusUnauthorized)
	token, text := events.NewToken("bob", events.Operator, time.Now())
	token.Paths = []string{"bob/repo/fs/own"}
	n.enter(token, text)
	wantCode(t, n.send(http.MethodGet, at+"/in/a%20b.txt", text, ""), http.StatusForbidden)
	wantCode(t, n.send(http.MethodDelete, at+"/in/a%20b.txt", n.admin, ""), http.StatusNoContent)

	// a drive here, and one that nobody has, are answered here
	wantCode(t, n.send(http.MethodPut, filesPath+oneDrive+"/a", n.admin, "x"), http.StatusNoContent)
	wantCode(t, n.send(http.MethodGet, filesPath+"admin/repo/fs/None/a", n.admin, ""), http.StatusNotFound)
	drives := n.send(http.MethodGet, "/api/v2/drives", n.admin, "")
	if !strings.Contains(string(drives.body), `"path":"`+twoDrive+`","from":"place"`) {
		t.Errorf("drives: %s", drives.body)
	}
	if lines := n.send(http.MethodGet, "/api/v2/system", n.admin, ""); !strings.Contains(string(lines.body), "It serves "+twoDrive) {
		t.Errorf("system: %s", lines.body)
	}
}

// A request is passed on once, and nobody gains by saying that it was.
func TestForwardedOnce(t *testing.T) {
	n := newNeighbours(t)
	by := header(gateway.HeaderForwarded, "m3")
	wantProblem(t, n.send(http.MethodGet, filesPath+twoDrive+"/a", n.admin, "", by), http.StatusServiceUnavailable, "m3 passed this on to m1")
	wantProblem(t, n.send(http.MethodGet, "/api/v2/jobs", n.admin, "", by), http.StatusBadRequest, gateway.HeaderForwarded)
	wantCode(t, n.send(http.MethodPut, filesPath+oneDrive+"/a", n.admin, "x", by), http.StatusNoContent)
	wantCode(t, n.send(http.MethodGet, filesPath+oneDrive+"/a", "wrong", "", by), http.StatusUnauthorized)
}

// While the machine is away, its files are not: the answer says whose they are, and since when.
func TestFilesOfAMachineThatIsAway(t *testing.T) {
	n := newNeighbours(t)
	n.peer.Close()
	wantProblem(t, n.send(http.MethodGet, filesPath+twoDrive+"/a", n.admin, ""), http.StatusServiceUnavailable, "the drive "+twoDrive+" lies on m2, last heard of at ")
	n.role.Stopped = true
	n.say(n.role)
	var a answer
	eventstest.Eventually(t, "m2 is known to be away", func() bool {
		a = n.send(http.MethodPut, filesPath+twoDrive+"/a", n.admin, "x")
		return strings.Contains(a.field("message"), "no machine serves the drive "+twoDrive+"; m2 did until ")
	})
	wantProblem(t, a, http.StatusServiceUnavailable, "m2 did until")
}

// Only what a gateway may be reached at is passed on to, and tokens do not travel in clear.
func TestPeerURL(t *testing.T) {
	n := newNeighbours(t)
	for api, why := range map[string]string{"": "--advertise-url", "http://10.9.8.7:1": "without TLS", "file:///etc/passwd": "is none", "http://u:p@127.0.0.1:1/x": "is none"} {
		n.role.API = api
		n.say(n.role)
		eventstest.Eventually(t, api, func() bool {
			a := n.send(http.MethodGet, filesPath+twoDrive+"/a", n.admin, "")
			return a.code == http.StatusServiceUnavailable && strings.Contains(a.field("message"), why)
		})
	}
}
