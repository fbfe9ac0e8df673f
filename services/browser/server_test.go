package browser

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"spool.internal/events/eventstest"
)

// drive is what every server here maps to a folder.
const drive = "admin/repo/fs/D"

// world is a server, and what a test knows of it.
type world struct {
	URL     string // http://127.0.0.1:PORT
	Token   string // of the administrator
	DataDir string // --data
	Dir     string // the folder of the drive
	cmd     *exec.Cmd
	log     *lockedBuffer
	args    []string
	folders sync.Map // job id → the folder that it reads, below Dir

	address string
	binary  string         // another than that of all tests
	env     []string       // of it, beside this process's
	stdin   io.WriteCloser // what the process reads
}

// shared is the server of every test that needs none of its own.
var shared = sync.OnceValues(func() (*world, error) {
	dir, err := os.MkdirTemp(scratch, "shared-")
	if err != nil {
		return nil, err
	}
	w, err := startWorld(dir)
	if w != nil && w.cmd != nil {
		atEnd = append(atEnd, w.kill)
	}
	return w, err
})

// newWorld gives the server that tests share: each makes jobs of its own there, and judges
// nothing of others' jobs.
func newWorld(t *testing.T) *world {
	t.Helper()
	w, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// ownWorld starts a server for one test, with flags beside the usual ones.
func ownWorld(t *testing.T, more ...string) *world {
	t.Helper()
	w, err := startWorld(t.TempDir(), more...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.kill()
		if t.Failed() {
			t.Logf("log of the server:\n%s", tail(w.log.String(), 4000))
		}
	})
	return w
}

func startWorld(dir string, more ...string) (*world, error) {
	w, err := newPlace(dir)
	if err != nil {
		return nil, err
	}
	w.args = append([]string{"serve", "--data", w.DataDir, "--listen", w.address, "--nats-listen", "127.0.0.1:0", "--drive", drive + "=" + w.Dir}, more...)
	return w, w.start()
}

// newPlace is where a server is to be: its folders, and an address that stays, so that a
// server that was killed starts there again.
func newPlace(dir string) (*world, error) {
	address, err := eventstest.FindAddress()
	if err != nil {
		return nil, err
	}
	w := &world{URL: "http://" + address, DataDir: filepath.Join(dir, "data"), Dir: filepath.Join(dir, "drive"), address: address, log: &lockedBuffer{}}
	return w, os.MkdirAll(w.Dir, 0o755)
}

// start starts the server, also again after it was killed, and waits until it is ready.
func (w *world) start() error {
	said := len(w.log.String())
	w.cmd = exec.Command(cmp.Or(w.binary, binary), w.args...)
	ours := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SPOOL_") }) // of which spool knows nothing
	w.cmd.Env = append(ours, w.env...)
	w.cmd.Stdout, w.cmd.Stderr, w.cmd.SysProcAttr = w.log, w.log, dieToo()
	var err error
	if w.stdin, err = w.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := w.cmd.Start(); err != nil {
		return err
	}
	for begun := time.Now(); !strings.Contains(w.log.String()[said:], "msg=ready"); time.Sleep(20 * time.Millisecond) {
		if strings.Contains(w.log.String()[said:], "\nspool: ") || time.Since(begun) > time.Minute {
			return fmt.Errorf("spool is not ready: %s", tail(w.log.String()[said:], 2000))
		}
	}
	token, err := os.ReadFile(filepath.Join(w.DataDir, "admin.token"))
	w.Token = strings.TrimSpace(string(token))
	return err
}

// kill ends the server as a power cut would.
func (w *world) kill() {
	_ = w.cmd.Process.Kill()
	_ = w.cmd.Wait()
}

// exchange makes a call of the API with the administrator's token, and gives its status and body.
func (w *world) exchange(t *testing.T, method, path string, body any) (int, []byte) {
	t.Helper()
	return w.exchangeAs(t, w.Token, method, path, body)
}

func (w *world) exchangeAs(t *testing.T, token, method, path string, body any) (int, []byte) {
	t.Helper()
	var payload io.Reader
	switch body := body.(type) {
	case nil:
	case []byte:
		payload = bytes.NewReader(body)
	default:
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		payload = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, w.URL+path, payload)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if payload != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// api makes a call that has to succeed and gives its answer.
func (w *world) api(t *testing.T, method, path string, body any) map[string]any {
	t.Helper()
	status, text := w.exchange(t, method, path, body)
	if status >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	answer := map[string]any{}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &answer); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	return answer
}

// flow writes an executable flow into the drive and gives its path there.
func (w *world) flow(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.Dir, name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return drive + "/" + name
}

// job makes a job by the native API and gives its id. The flow is a shell script; an empty
// schedule makes a job on a folder of its own.
func (w *world) job(t *testing.T, name, schedule, script string, spool map[string]any) string {
	t.Helper()
	id := fmt.Sprint(time.Now().UnixNano())
	in := "in-" + id
	if err := os.MkdirAll(filepath.Join(w.Dir, in), 0o755); err != nil {
		t.Fatal(err)
	}
	body := map[string]any{"name": name, "flow_parameters": map[string]any{
		"binary_path": w.flow(t, "flow-"+id+".ibflowbin", "#!/bin/sh\n"+script), "input_dir": drive + "/" + in,
		"settings": map[string]any{"spooled_mode": schedule == "", "tags": []string{"test"}},
	}}
	if schedule != "" {
		body["schedule"] = schedule
	}
	if spool != nil {
		body["spool"] = spool
	}
	jobID := w.api(t, http.MethodPost, "/api/v2/jobs", body)["job_id"].(string)
	w.folders.Store(jobID, in)
	return jobID
}

// run starts a job and gives the id of the trigger.
func (w *world) run(t *testing.T, jobID string) string {
	t.Helper()
	return w.api(t, http.MethodPost, "/api/v2/jobs/"+jobID+"/trigger", nil)["trigger_id"].(string)
}

// ended waits until an execution has an outcome that stays, and gives it.
func (w *world) ended(t *testing.T, triggerID string) (outcome string) {
	t.Helper()
	eventstest.Eventually(t, "the run ends", func() bool {
		status, text := w.exchange(t, http.MethodGet, "/api/v2/results/"+triggerID, nil)
		if status != http.StatusOK {
			return false
		}
		var answer struct{ Outcome string }
		if err := json.Unmarshal(text, &answer); err != nil {
			t.Fatal(err)
		}
		outcome = answer.Outcome
		return strings.Contains(" ok failed gave_up cancelled not_kept ", " "+outcome+" ")
	})
	return outcome
}

// newToken makes a token of a role for an owner and gives its text.
func (w *world) newToken(t *testing.T, owner, role string) string {
	t.Helper()
	return w.api(t, http.MethodPost, "/api/v2/tokens", map[string]any{"owner": owner, "role": role})["token"].(string)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }
