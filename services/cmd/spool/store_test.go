//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// readiness gives what /readyz says.
func (p *harness) readiness() (ready bool, why map[string]string) {
	resp, err := http.Get("http://" + p.api + "/readyz")
	if err != nil {
		return false, nil
	}
	defer resp.Body.Close()
	var says struct {
		Ready    bool              `json:"ready"`
		NotReady map[string]string `json:"not_ready"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&says); err != nil {
		p.Errorf("readyz: %v", err)
	}
	return says.Ready, says.NotReady
}

// request sends a request and returns the status, or 0 when there is no answer.
func (p *harness) request(method, path, token, body string) (status int, answer map[string]any) {
	req, err := http.NewRequest(method, "http://"+p.api+path, strings.NewReader(body))
	if err != nil {
		p.Error(err)
		return 0, nil
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	_ = json.NewDecoder(resp.Body).Decode(&answer) // one that was cut off is none
	return resp.StatusCode, answer
}

// makeJob tries to make a job of the clock.
func (p *harness) makeJob(token string) (status int, id string) {
	status, answer := p.request(http.MethodPost, "/api/v1/scheduler/create_job", token, `{"name":"late","schedule":"0 7 * * *","flow_parameters":{"auth_token":"a","binary_path":"`+
		testDrive+`/flow.ibflowbin","input_dir":"`+testDrive+`/in"}}`)
	id, _ = answer["job_id"].(string)
	if id == "" && status == http.StatusOK {
		status = 0
	}
	return status, id
}

// one gives the only file that a pattern below the data folder stands for.
func (p *harness) one(pattern string) string {
	p.Helper()
	found, err := filepath.Glob(filepath.Join(p.data, "nats", "jetstream", "*", "streams", pattern))
	if err != nil || len(found) != 1 {
		p.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return found[0]
}

// takenAway are ways to take the data folder from a running Spool.
var takenAway = []struct {
	name  string
	short bool
	do    func(p *harness) error
	says  string
}{
	{"removed", true, func(p *harness) error { return os.RemoveAll(p.data) }, " is gone"},
	{"renamed away", false, func(p *harness) error { return os.Rename(p.data, p.data+"-away") }, "the data folder is gone"},
	{"replaced", false, func(p *harness) error {
		return errors.Join(os.Remove(filepath.Join(p.data, "control.sock")), os.Rename(p.data, p.data+"-away"), os.CopyFS(p.data, os.DirFS(p.data+"-away")))
	}, "the data folder was replaced"},
	{"the server's folder removed", false, func(p *harness) error { return os.RemoveAll(filepath.Join(p.data, "nats")) }, " is gone"},
	{"a stream removed", false, func(p *harness) error { return os.RemoveAll(p.one("RESULTS")) }, "stream RESULTS is gone"},
	{"the blocks of a stream removed", false, func(p *harness) error { return os.RemoveAll(p.one("JOBS/msgs")) }, "stream JOBS is gone"},
	{"a block removed", true, func(p *harness) error { return os.Remove(p.one("JOBS/msgs/1.blk")) }, "a part of stream JOBS is gone"},
}

// A data folder that is taken away under a running Spool: not ready, every request
// refused, said with the remedy.
func TestDataFolderTakenAway(t *testing.T) {
	t.Parallel()
	for _, c := range takenAway {
		if testing.Short() && !c.short {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newHarness(t)
			noticed(p, p.serve(), func() error { return c.do(p) }, c.says)
		})
	}
}

// noticed takes the data folder of a process away and waits until the process reports it.
func noticed(p *harness, serve *process, take func() error, says string) {
	p.Helper()
	p.job("kept", "0 7 * * *", "flow.ibflowbin", "in", nil)
	token := p.adminToken()
	time.Sleep(2 * lookAgain) // the first look has seen everything
	if err := take(); err != nil {
		p.Fatal(err)
	}
	began := time.Now()
	p.eventually("not ready", func() bool { ok, _ := p.readiness(); return !ok })
	p.Logf("not ready after %s", time.Since(began).Round(time.Millisecond))
	p.eventually("the reason", func() bool { _, why := p.readiness(); return strings.Contains(why["data folder"], says) })
	if status, _ := p.makeJob(token); status != http.StatusServiceUnavailable {
		p.Errorf("create_job answers %d", status)
	}
	p.eventually("the log says it", func() bool {
		said := serve.log.String()
		return strings.Contains(said, "level=ERROR") && strings.Contains(said, says) && strings.Contains(said, "restore it from your backup")
	})
}

// lookAgain is about how often the folder is looked at.
const lookAgain = time.Second

// After a while the process ends by itself, and writes nothing into what has taken the
// folder's place.
func TestLongDataFolderTakenAwayEnds(t *testing.T) {
	long(t)
	t.Parallel()
	p := newHarness(t)
	serve := p.serve()
	noticed(p, serve, func() error {
		return errors.Join(os.Rename(p.data, p.data+"-away"), os.Mkdir(p.data, 0o700))
	}, "the data folder was replaced")
	if status := serve.ended(); status != exitLost {
		t.Errorf("exit status %d", status)
	}
	if list, err := os.ReadDir(p.data); err != nil || len(list) > 0 {
		t.Errorf("the other folder now holds %v, %v", list, err)
	}
	if err := errors.Join(os.Remove(p.data), os.Rename(p.data+"-away", p.data)); err != nil {
		t.Fatal(err)
	}
	serve = p.serve()
	if list := p.call("GET", "list_jobs", nil)["jobs"]; len(list.([]any)) != 1 {
		t.Errorf("once it is back: %v", list)
	}
	serve.stop(syscall.SIGTERM)
}

// The same with mounts: one put over the data folder, and one under it that goes.
func TestLongDataFolderUnmounted(t *testing.T) {
	long(t)
	t.Parallel()
	mount := func(t *testing.T, args ...string) {
		t.Helper()
		if out, err := exec.Command("mount", args...).CombinedOutput(); err != nil {
			t.Skipf("this machine does not let the test mount: %v %s", err, out)
		}
	}
	t.Run("mounted over", func(t *testing.T) {
		t.Parallel()
		p := newHarness(t)
		serve := p.serve()
		noticed(p, serve, func() error {
			mount(t, "-t", "tmpfs", "none", p.data)
			return nil
		}, "the data folder was replaced")
		if status := serve.ended(); status != exitLost {
			t.Errorf("exit status %d", status)
		}
		if list, err := os.ReadDir(p.data); err != nil || len(list) > 0 {
			t.Errorf("what was mounted over it now holds %v, %v", list, err)
		}
		if out, err := exec.Command("umount", p.data).CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
	})
	t.Run("unmounted lazily", func(t *testing.T) {
		t.Parallel()
		p := newHarness(t)
		if err := os.MkdirAll(p.data, 0o700); err != nil {
			t.Fatal(err)
		}
		mount(t, "-t", "tmpfs", "-o", "size=512m", "none", p.data)
		gone := false
		t.Cleanup(func() {
			if !gone {
				_ = exec.Command("umount", "-l", p.data).Run()
			}
		})
		serve := p.serve()
		noticed(p, serve, func() error {
			gone = true
			return exec.Command("umount", "-l", p.data).Run()
		}, "the data folder was replaced")
		if status := serve.ended(); status != exitLost {
			t.Errorf("exit status %d", status)
		}
		if list, err := os.ReadDir(p.data); err != nil || len(list) > 0 {
			t.Errorf("below the mount there is now %v, %v", list, err)
		}
	})
}

// What a person meets whose store is damaged: not ready and why, exit status 3, the
// way on, and what is left.
func TestDamagedStoreIsRefused(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	serve := p.serve()
	p.job("a", "0 0 1 1 *", "flow.ibflowbin", "in", nil)
	p.job("b", "0 0 1 1 *", "flow.ibflowbin", "in", nil)
	serve.stop(syscall.SIGTERM)
	block := p.one("JOBS/msgs/1.blk")
	f, err := os.OpenFile(block, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt([]byte("garbage"), 20)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	pr := p.launched()
	p.eventually("it says why it is not ready", func() bool {
		_, why := p.readiness()
		return strings.Contains(why["store"], "stream JOBS: "+block) && strings.Contains(why["store"], "restore the data folder from your backup")
	})
	if status, _ := p.makeJob(p.adminToken()); status != http.StatusServiceUnavailable {
		t.Errorf("create_job answers %d", status)
	}
	if out, err := exec.Command(binary, "store", "accept-loss", "--data", p.data).CombinedOutput(); err == nil || !strings.Contains(string(out), "in use by another spool process") {
		t.Errorf("accept-loss beside it: %v %s", err, out)
	}
	if status := pr.stop(syscall.SIGTERM); status != exitLost || strings.Count(pr.log.String(), "level=ERROR") != 1 {
		t.Errorf("status %d, log: %s", status, pr.log)
	}
	out, err := exec.Command(binary, "store", "check", "--data", p.data).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "stream JOBS: 1 of 2 jobs are not there") {
		t.Errorf("check: %v %s", err, out)
	}
	out, err = exec.Command(binary, "store", "accept-loss", "--data", p.data).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "lost: stream JOBS: 1 of 2 jobs are not there") {
		t.Errorf("accept-loss: %v %s", err, out)
	}
	if kept, _ := filepath.Glob(filepath.Join(p.data, "damaged", "*", "JOBS", "1.blk")); len(kept) != 1 {
		t.Errorf("what was damaged is not kept: %v", kept)
	}
	serve = p.serve()
	if list := p.call("GET", "list_jobs", nil)["jobs"]; len(list.([]any)) != 1 {
		t.Errorf("what is left: %v", list)
	}
	if !strings.Contains(serve.log.String(), "going on without what was lost") {
		t.Error("the log does not say that a loss was accepted")
	}
	serve.stop(syscall.SIGTERM)
	out, err = exec.Command(binary, "store", "accept-loss", "--data", p.data).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "nothing to accept") {
		t.Errorf("accept-loss once more: %v %s", err, out)
	}
	again := p.serve()
	if strings.Contains(again.log.String(), "going on without what was lost") {
		t.Error("it is said at every start")
	}
}

// A role that is a process of its own and keeps something notices it, too.
func TestDataFolderOfARoleTakenAway(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.start("broker", "--data", p.data, "--listen", "127.0.0.1:0", "--nats-listen", p.nats)
	own := filepath.Join(t.TempDir(), "runner")
	runner := p.start("runner", "--data", own, "--listen", p.api, "--nats-url", "nats://"+p.nats, "--nats-creds", filepath.Join(p.data, "runner.creds"), "--drive", testDrive+"="+p.dir)
	if err := os.Rename(own, own+"-away"); err != nil {
		t.Fatal(err)
	}
	p.eventually("not ready", func() bool {
		_, why := p.readiness()
		return strings.Contains(why["data folder"], "the data folder is gone: "+own)
	})
	if status := runner.stop(syscall.SIGTERM); status != exitLost {
		t.Errorf("exit status %d", status)
	}
}
