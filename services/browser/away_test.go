package browser

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spool.internal/events/eventstest"
)

// apart starts a gateway whose broker is another process, which a test can end.
func apart(t *testing.T) (w *world, broker *exec.Cmd) {
	t.Helper()
	dir, nats, api := t.TempDir(), eventstest.FreeAddress(t), eventstest.FreeAddress(t)
	w = &world{URL: "http://" + api, DataDir: filepath.Join(dir, "data"), Dir: filepath.Join(dir, "drive"), log: &lockedBuffer{}}
	begin := func(args ...string) *exec.Cmd {
		cmd := exec.Command(binary, append(args, "--data", w.DataDir)...)
		cmd.Stdout, cmd.Stderr = w.log, w.log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		return cmd
	}
	broker = begin("broker", "--nats-listen", nats, "--listen", eventstest.FreeAddress(t))
	creds := filepath.Join(w.DataDir, "gateway.creds")
	eventstest.Eventually(t, "the broker has started", func() bool {
		_, err := os.Stat(creds)
		return err == nil
	})
	begin("gateway", "--listen", api, "--nats-url", "nats://"+nats, "--nats-creds", creds)
	eventstest.Eventually(t, "the gateway is ready", func() bool {
		resp, err := http.Get(w.URL + "/readyz")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	token, err := os.ReadFile(filepath.Join(w.DataDir, "admin.token"))
	if err != nil {
		t.Fatal(err)
	}
	w.Token = strings.TrimSpace(string(token))
	return w, broker
}

// S42: given NATS away, then pages say what is missing and what still holds; none is blank.
func TestS42Away(t *testing.T) {
	w, broker := apart(t)
	p := w.page(t)
	p.expect("503")
	p.expect("ERR_")
	p.open("/")
	pages := []string{"/", "/jobs", "/runs", "/upcoming", "/dead", "/live", "/system", "/tokens", "/sessions", "/jobs/new", "/jobs/00000000-0000-4000-8000-000000000000"}
	_ = broker.Process.Kill()
	_ = broker.Wait()
	said := func(path string) string {
		t.Helper()
		p.open(path)
		text := p.text("main")
		if len(strings.TrimSpace(text)) < 40 || eval[int](p, `document.querySelectorAll("h1").length`) != 1 {
			t.Errorf("%s reads %q", path, text)
		}
		return text
	}
	said("/") // within the seconds in which what is known still counts
	for begun := time.Now(); !strings.Contains(said("/"), "What is due meanwhile is not forgotten"); time.Sleep(200 * time.Millisecond) {
		if time.Since(begun) > patience {
			t.Fatalf("the overview never says that Spool cannot answer: %s", p.text("main"))
		}
	}
	for _, path := range pages {
		if text := said(path); !strings.Contains(text, "Spool cannot answer now") || !strings.Contains(text, "What is due meanwhile is not forgotten") || !strings.Contains(text, "try again") {
			t.Errorf("%s reads %q", path, text)
		}
	}
}
