package dispatcher

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"spool.internal/events"
)

// Calls go through the proxy that the environment names. Go reads it once a
// process, so that the dispatcher of this test runs in one of its own.
func TestProxy(t *testing.T) {
	const child = "SPOOL_TEST_PROXIED"
	if os.Getenv(child) != "" {
		h := newHarness(t, nil)
		h.cfg.RunBinaryURL = "http://endpoint.invalid" + events.RunBinaryPath
		h.cfg.InsecureEndpoint = true
		h.trigger("j", "1", h.job("j", "1h", nil))
		h.run()
		if res := h.results("j", 1)[0]; res.Status != events.OK || res.HTTP.Response != "by proxy" {
			t.Errorf("result %+v", res)
		}
		return
	}
	asked := make(chan string, 10)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		asked <- q.URL.String()
		io.WriteString(w, "by proxy") //nolint:errcheck // a test's answer
	}))
	defer proxy.Close()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestProxy$")
	cmd.Env = append(os.Environ(), child+"=1", "HTTP_PROXY="+proxy.URL, "NO_PROXY=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if url := <-asked; !strings.HasPrefix(url, "http://endpoint.invalid/") {
		t.Errorf("the proxy was asked for %s", url)
	}
}
