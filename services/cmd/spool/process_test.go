package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/services/runner"
)

// binary is spool, built once for all tests of this package.
var binary string

func TestMain(m *testing.M) {
	runner.Shim()
	zooFlow()
	if dir := os.Getenv("CHAOS_APART"); dir != "" { // see ownNetwork: the process that started this one has built it
		binary = filepath.Join(dir, "spool")
		os.Exit(eventstest.Main(m))
	}
	dir, err := os.MkdirTemp("", "spool-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // a test runs it as another user
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "spool")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build spool: %v\n%s", err, out)
		os.Exit(1)
	}
	eventstest.Parallel(2 * runtime.GOMAXPROCS(0)) // most of what they do is wait
	code := eventstest.Main(m)
	if err := os.RemoveAll(dir); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// long skips what takes a while.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
}

// harness is where the processes of one test live.
type harness struct {
	foreign string // credentials that may do everything, on a NATS of one's own
	testing.TB
	data string   // --data of every process
	dir  string   // what the drive admin/repo/fs/D maps to
	nats string   // host:port of the broker
	api  string   // host:port of the API
	env  []string // of every process, beside this one's
}

const testDrive = "admin/repo/fs/D"

func newHarness(t testing.TB) *harness {
	t.Helper()
	p := &harness{TB: t, data: filepath.Join(t.TempDir(), "data"), dir: t.TempDir(), nats: eventstest.FreeAddress(t), api: eventstest.FreeAddress(t)}
	p.flow("flow.ibflowbin", string(demoFlow))
	for _, dir := range []string{"in", "tick/in"} {
		if err := os.MkdirAll(filepath.Join(p.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// flow writes an executable file into the drive.
func (p *harness) flow(name, text string) {
	p.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o755); err != nil {
		p.Fatal(err)
	}
}

// process is one running spool.
type process struct {
	p    *harness
	args []string
	cmd  *exec.Cmd
	log  *lockedBuffer
	attr *syscall.SysProcAttr // nil = as this process

	binary string                   // another than that of all tests
	env    []string                 // beside this process's
	within func(start func() error) // nil, or has it start on a machine of a test's network
	ready  string                   // what it says when it is ready; "" = what spool says
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

// start starts spool and waits until it says that it is ready.
func (p *harness) start(args ...string) *process {
	p.Helper()
	pr := &process{p: p, args: args, log: &lockedBuffer{}}
	pr.start()
	p.Cleanup(pr.kill)
	return pr
}

// serveArgs are what all of Spool is started with.
func (p *harness) serveArgs() []string {
	return []string{"serve", "--data", p.data, "--listen", p.api, "--nats-listen", p.nats, "--drive", testDrive + "=" + p.dir}
}

func (p *harness) serve(more ...string) *process {
	p.Helper()
	return p.start(append(p.serveArgs(), more...)...)
}

func (pr *process) start() {
	pr.p.Helper()
	said := len(pr.log.String())
	pr.launch()
	pr.p.eventually("ready: "+pr.args[0], func() bool {
		if strings.Contains(pr.log.String()[said:], "\nspool: ") || strings.HasPrefix(pr.log.String()[said:], "spool: ") {
			pr.p.Fatalf("spool %s ended: %s", pr.args[0], tail(pr.log.String()[said:], 1000))
		}
		now := pr.log.String()[said:]
		if pr.ready != "" {
			return strings.Contains(now, pr.ready)
		}
		return strings.Contains(now, "msg=ready") || strings.Contains(now, `"msg":"ready"`)
	})
}

// launch starts the process and waits for nothing.
func (pr *process) launch() {
	pr.p.Helper()
	pr.cmd = exec.Command(cmp.Or(pr.binary, binary), pr.args...)
	ours := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SPOOL_CHAOS=") }) // of which spool knows nothing
	pr.cmd.Env = slices.Concat(ours, pr.p.env, pr.env)
	pr.cmd.Stderr, pr.cmd.Stdout, pr.cmd.SysProcAttr = pr.log, pr.log, pr.attr
	if pr.within != nil {
		pr.within(pr.cmd.Start)
	} else if err := pr.cmd.Start(); err != nil {
		pr.p.Fatal(err)
	}
}

// kill ends the process as a power cut would.
func (pr *process) kill() {
	if pr.cmd.ProcessState == nil {
		_ = pr.cmd.Process.Kill()
		_ = pr.cmd.Wait()
	}
	if pr.p.Failed() && pr.within == nil { // else see clusterLoad.explain
		pr.p.Logf("log of spool %s:\n%s", strings.Join(pr.args, " "), tail(pr.log.String(), 4000))
	}
}

// stop asks the process to end and gives its exit status.
func (pr *process) stop(sig syscall.Signal) int {
	pr.p.Helper()
	if err := pr.cmd.Process.Signal(sig); err != nil {
		pr.p.Fatal(err)
	}
	_ = pr.cmd.Wait()
	return pr.cmd.ProcessState.ExitCode()
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// eventually waits for what a process brings about.
func (p *harness) eventually(what string, f func() bool) {
	p.Helper()
	eventstest.Eventually(p, what, f)
}

// call sends what Python's requests.post(url, data=json_data) and
// requests.get(url, params=args) send: JSON without a Content-Type.
func (p *harness) call(method, name string, body any) map[string]any {
	p.Helper()
	url := "http://" + p.api + "/api/v1/scheduler/" + name
	var payload io.Reader
	if body != nil {
		payload = bytes.NewReader(events.Encode(body))
	}
	req, err := http.NewRequestWithContext(p.Context(), method, url, payload)
	if err != nil {
		p.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.adminToken())
	req.Header.Set("User-Agent", "python-requests/2.32.3")
	req.Header.Set("Accept", "*/*")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	answer := map[string]any{}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		p.Fatalf("%s: %v", name, err)
	}
	answer["http"] = resp.StatusCode
	return answer
}

// get reads an answer of the native API.
func (p *harness) get(path string, into any) {
	p.Helper()
	status, answer := p.exchange(http.MethodGet, "http://"+p.api+path, p.adminToken(), nil)
	if err := json.Unmarshal(answer, into); err != nil || status != http.StatusOK {
		p.Fatalf("GET %s: %d, %v", path, status, err)
	}
}

// job makes a job whose paths are given below the drive.
func (p *harness) job(name, schedule, binary, input string, spool map[string]any) string {
	p.Helper()
	body := map[string]any{"name": name, "flow_parameters": map[string]any{
		"auth_token": "<oauth token>", "binary_path": testDrive + "/" + binary, "input_dir": testDrive + "/" + input,
		"settings": map[string]any{"spooled_mode": schedule == "", "tags": []string{"test"}},
	}}
	if schedule != "" {
		body["schedule"] = schedule
	}
	if spool != nil {
		body["spool"] = spool
	}
	answer := p.call("POST", "create_job", body)
	id, ok := answer["job_id"].(string)
	if !ok {
		p.Fatalf("create_job: %v", answer)
	}
	return id
}

// bus connects to the broker of the processes, with the rights of the broker itself.
func (p *harness) bus() *jet.Bus {
	p.Helper()
	bus, err := jet.Connect(p.Context(), jet.Options{
		URL: "nats://" + p.nats, CredsText: p.streamsCreds(), Creds: p.foreign, Name: "test", Log: eventstest.Log(p),
	})
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = bus.Close(ctx)
	})
	return bus
}

// read gives everything on a subject of a stream; a broker that is away gives nothing.
func read[T any](p *harness, v jet.View[T]) []T {
	p.Helper()
	var list []T
	_ = v.Since(p.Context(), time.Time{}, func(m jet.Entry[T]) bool {
		value, err := m.Value()
		if err != nil {
			p.Error(err)
		}
		list = append(list, value)
		return true
	})
	return list
}
