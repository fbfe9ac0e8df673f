package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// send makes a call of the native API and gives its status and answer.
func (p *harness) send(method, path string, body any) (int, map[string]any) {
	p.Helper()
	return p.sendAs("", method, path, body)
}

func (p *harness) sendAs(token, method, path string, body any) (int, map[string]any) {
	p.Helper()
	status, text := p.ask(method, path, token, body)
	answer := map[string]any{}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			p.Fatalf("%s %s: %s: %v", method, path, text, err)
		}
	}
	return status, answer
}

type object = map[string]any

// short makes a short job.
func (p *harness) short(body object) string {
	p.Helper()
	if body["name"] == nil {
		body["name"] = "short"
	}
	status, answer := p.send("POST", "jobs", body)
	id, ok := answer["job_id"].(string)
	if status != http.StatusCreated || !ok {
		p.Fatalf("POST jobs: %d %v", status, answer)
	}
	return id
}

// runs triggers a job and gives how its next run ended, with what it printed.
func (p *harness) runs(bus *jet.Bus, job string) (events.RunEvent, string) {
	p.Helper()
	ended := func() []events.RunEvent {
		return read(p, bus.Runs(events.Ended, job))
	}
	before := len(ended())
	if status, answer := p.send("POST", "jobs/"+job+"/trigger", nil); status/100 != 2 {
		p.Fatalf("trigger: %d %v", status, answer)
	}
	return p.nextEnd(bus, job, before)
}

func (p *harness) nextEnd(bus *jet.Bus, job string, before int) (events.RunEvent, string) {
	p.Helper()
	var end events.RunEvent
	p.eventually("a run of "+job+" ends", func() bool {
		all := read(p, bus.Runs(events.Ended, job))
		if len(all) > before {
			end = all[before]
		}
		return len(all) > before
	})
	log, _ := os.ReadFile(filepath.Join(p.data, "runs", end.FlowJobID, "run.log"))
	return end, string(log)
}

func TestShortJob(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.serve()
	bus := p.bus()
	run := func(name string, f func(*testing.T)) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			was := p.TB
			p.TB = t
			defer func() { p.TB = was }()
			f(t)
		})
	}
	run("a line", func(t *testing.T) {
		job := p.short(object{"schedule": "@yearly", "run": object{
			"command": `echo "$GREETING $PASSWORD, $(cat "$KEY")" > greeting; pwd; ls -A "$SPOOL_INPUT_DIR" | wc -l; echo "{}" > "$SPOOL_RESULT"; stat -c %a "$KEY"`,
			"env":     object{"GREETING": "hello"}, "secrets": object{"PASSWORD": "p4ssword-in-clear", "KEY": object{"file": "k3y-in-clear"}},
		}})
		end, log := p.runs(bus, job)
		out := filepath.Join(p.data, "drives/admin/spool/fs/output", job)
		if end.Status != events.OK || log != out+"\n0\n600\n" {
			t.Fatalf("%s %s, printed %q", end.Status, end.Message, log)
		}
		text, err := os.ReadFile(filepath.Join(out, "greeting"))
		if string(text) != "hello p4ssword-in-clear, k3y-in-clear\n" {
			t.Errorf("wrote %q, %v", text, err)
		}
	})
	run("a list", func(t *testing.T) {
		job := p.short(object{"schedule": "@yearly", "run": object{"command": []string{"printf", "%s|", "a b", "$HOME", ""}}})
		if end, log := p.runs(bus, job); end.Status != events.OK || log != "a b|$HOME||" {
			t.Errorf("%s %s, printed %q", end.Status, end.Message, log)
		}
	})
	run("a shell, a folder, a time", func(t *testing.T) {
		if err := os.WriteFile(filepath.Join(p.dir, "in", "x.txt"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		job := p.short(object{"schedule": "@yearly", "run": object{"command": `[[ -n $BASH_VERSION ]] && ls`, "shell": "bash", "cwd": testDrive + "/in"}})
		if end, log := p.runs(bus, job); end.Status != events.OK || log != "x.txt\n" {
			t.Errorf("%s %s, printed %q", end.Status, end.Message, log)
		}
		status, answer := p.send("PATCH", "jobs/"+job, object{"run": object{"command": "sleep 600", "shell": nil, "timeout": "1s"}})
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, answer)
		}
		if end, _ := p.runs(bus, job); end.Status != events.ERROR || !strings.Contains(end.Message, "stopped after 1s") {
			t.Errorf("%s %s", end.Status, end.Message)
		}
	})
	run("no such program", func(t *testing.T) {
		job := p.short(object{"schedule": "@yearly", "run": object{"command": []string{"no-such-program-anywhere"}}})
		if end, _ := p.runs(bus, job); end.Status != events.ERROR || !strings.Contains(end.Message, "spool.run.command: no-such-program-anywhere is in none of") {
			t.Errorf("%s %s", end.Status, end.Message)
		}
	})
	run("files", func(t *testing.T) {
		if err := os.MkdirAll(filepath.Join(p.dir, "scans/in"), 0o755); err != nil {
			t.Fatal(err)
		}
		job := p.short(object{"input": testDrive + "/scans/in", "run": object{"command": `cat "$SPOOL_FILE"; echo "$SPOOL_NAME $SPOOL_STEM ${SPOOL_SLOT-none}"; cp "$SPOOL_FILE" "$SPOOL_OUTPUT_DIR/$SPOOL_STEM.copy"`}})
		if err := os.WriteFile(filepath.Join(p.dir, "scans/in/a b.tar.gz"), []byte("text\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		end, log := p.nextEnd(bus, job, 0)
		if end.Status != events.OK || log != "text\na b.tar.gz a b.tar none\n" {
			t.Errorf("%s %s, printed %q", end.Status, end.Message, log)
		}
	})
	run("a slot", func(t *testing.T) {
		job := p.short(object{"schedule": "* * * * *", "spool": object{"timezone": "Asia/Tokyo"}, "run": object{"command": `echo "$SPOOL_SLOT"`}})
		if testing.Short() {
			t.Log("make test-long waits for the minute")
			return
		}
		if end, log := p.nextEnd(bus, job, 0); end.Status != events.OK || !strings.HasSuffix(log, ":00+09:00\n") {
			t.Errorf("%s %s, printed %q", end.Status, end.Message, log)
		}
	})
	run("v1 shows it in the seed's words", func(t *testing.T) {
		job := p.short(object{"name": "echo", "schedule": "15 2 * * *", "run": object{"command": "true", "secrets": object{"A": "s3cret-in-clear"}}})
		jobs, _ := p.call("GET", "list_jobs", nil)["jobs"].([]any)
		for _, j := range jobs {
			if row := j.(object); row["job_id"] == job {
				got := string(events.Encode(row["job_parameters"]))
				want := string(events.Encode(object{
					"name": "echo", "schedule": "15 2 * * *", "spool": object{"run": object{"command": "true", "secrets": object{"A": events.Mask}}},
					"flow_parameters": object{
						"auth_token": events.Mask, "binary_path": "admin/spool/fs/commands/" + job, "input_dir": "admin/spool/fs/commands/no-input",
						"settings": object{"output_dir": "admin/spool/fs/output/" + job},
					},
				}))
				if got != want {
					t.Errorf("v1 shows %s\nwant %s", got, want)
				}
				return
			}
		}
		t.Error("v1 does not show it")
	})
	run("who may what", func(t *testing.T) { shortRights(p) })
}

// shortRights holds what a command may not be given.
func shortRights(p *harness) {
	_, made := p.send("POST", "tokens", object{"owner": "ann", "role": "operator"})
	token, _ := made["token"].(string)
	if token == "" {
		p.Fatalf("no token: %v", made)
	}
	body := func(run object, more ...string) object {
		b := object{"name": "n", "schedule": "@yearly", "run": run}
		for i := 0; i+1 < len(more); i += 2 {
			b[more[i]] = more[i+1]
		}
		return b
	}
	for _, c := range []struct {
		name  string
		body  object
		fault string
	}{
		{"another user", body(object{"command": "id", "user": "root"}), "spool.run.user: may be given by administrators only"},
		{"a folder of others", body(object{"command": "ls", "cwd": testDrive + "/in"}), "spool.run.cwd: lies outside what this token reaches"},
		{"an input of others", body(object{"command": "ls"}, "input", testDrive+"/in"), "input_dir: lies outside what this token reaches"},
		{"a generated input", body(object{"command": "ls"}, "input", "ann/spool/fs/commands/x"), "leads into what Spool keeps"},
		{"Spool's own as cwd", body(object{"command": "ls", "cwd": "ann/spool/fs/commands/x"}), "leads into what Spool keeps"},
	} {
		status, answer := p.sendAs(token, "POST", "jobs", c.body)
		if text := fmt.Sprint(answer["field"], ": ", answer["detail"]); status/100 != 4 || !strings.Contains(text, c.fault) && !strings.Contains(fmt.Sprint(answer), c.fault) {
			p.Errorf("%s: %d %v, want %q", c.name, status, answer, c.fault)
		}
	}
	if status, answer := p.sendAs(token, "GET", "files/ann/spool/fs/commands/", nil); status/100 != 4 {
		p.Errorf("the folder of commands is listed: %d %v", status, answer)
	}
	if status, answer := p.sendAs(token, "POST", "jobs", body(object{"command": "true"})); status != http.StatusCreated {
		p.Errorf("an operator may make no short job: %d %v", status, answer)
	}
}

// The secrets of a command stand in clear nowhere, though it prints them.
func TestSecretsOfACommand(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	pr := p.serve("--log-level", "debug")
	bus := p.bus()
	secrets := object{"PASSWORD": "p4ssword-in-clear", "KEY": object{"file": "k3y-of-a-file-in-clear"}}
	job := p.short(object{"schedule": "@yearly", "run": object{
		"command": `echo "$PASSWORD"; printf %s "$PASSWORD" | base64; printf 'p4ssword'; sleep 0.2; printf -- '-in-clear\n'; cat "$KEY"; echo "failed with $PASSWORD" >&2; exit 7`, "secrets": secrets,
	}})
	end, log := p.runs(bus, job)
	if end.ExitStatus == nil || *end.ExitStatus != 7 || !strings.Contains(end.Message, "failed with "+events.Mask) || strings.Count(log, events.Mask) < 4 {
		t.Errorf("%s, printed %q", end.Message, log)
	}
	for _, change := range []object{{"run": object{"env": object{"A": "b"}}}, {"run": object{"secrets": object{"PASSWORD": events.Mask}}}} {
		if status, answer := p.send("PATCH", "jobs/"+job, change); status != http.StatusOK {
			t.Fatalf("%d %v", status, answer)
		}
	}
	if status, answer := p.send("PATCH", "jobs/"+job, object{"run": object{"command": `test "$PASSWORD$(cat "$KEY")" = p4ssword-in-clearchanged-in-clear`, "secrets": object{"KEY": object{"file": "changed-in-clear"}}}}); status != http.StatusOK {
		t.Fatalf("%d %v", status, answer)
	}
	// The command now has a secret in it, which is its author's; what follows looks without it.
	if end, _ := p.runs(bus, job); end.Status != events.OK {
		t.Errorf("%s %s: a secret that was not sent again is lost, or one that was is not taken", end.Status, end.Message)
	}
	if status, answer := p.send("PATCH", "jobs/"+job, object{"run": object{"secrets": object{"NEW": events.Mask}}}); status/100 != 4 {
		t.Errorf("a mask is taken for a secret: %d %v", status, answer)
	}
	pr.kill()
	clear := []string{"k3y-of-a-file-in-clear", "cDRzc3dvcmQtaW4tY2xlYXI"}
	err := filepath.WalkDir(p.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, secret := range clear {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s holds %q", path, secret)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for _, secret := range clear {
		if strings.Contains(pr.log.String(), secret) {
			t.Errorf("the log says %q", secret)
		}
	}
}

// A command that was cut short starts again from what was stored, secrets and all.
func TestShortJobAfterAKill(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	pr := p.serve()
	job := p.short(object{"schedule": "@yearly", "run": object{
		"command": `if [ -e "$KEY" ] && [ -e once ]; then echo "again with $(wc -c < "$KEY")"; exit 0; fi; touch once; sleep 600`,
		"secrets": object{"KEY": object{"file": "k3y-of-a-file"}},
	}})
	if status, answer := p.send("POST", "jobs/"+job+"/trigger", nil); status/100 != 2 {
		t.Fatalf("%d %v", status, answer)
	}
	once := filepath.Join(p.data, "drives/admin/spool/fs/output", job, "once")
	p.eventually("it has begun", func() bool { _, err := os.Stat(once); return err == nil })
	pr.kill()
	p.serve()
	bus := p.bus()
	end, log := p.nextEnd(bus, job, 0)
	if end.Status != events.OK || end.Attempt != 2 || !strings.Contains(log, "again with 13\n") {
		t.Errorf("attempt %d ended %s %s, printed %q", end.Attempt, end.Status, end.Message, log)
	}
}

// A foreign endpoint gets no command.
func TestNoCommandForOthers(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.serve("--run-binary-url", "http://127.0.0.1:1/api/v1/flow/run_binary_async")
	status, answer := p.send("POST", "jobs", object{"name": "n", "schedule": "@yearly", "run": object{"command": "true"}})
	if status != http.StatusBadRequest || !strings.Contains(fmt.Sprint(answer), "needs the built-in runner") {
		t.Errorf("%d %v", status, answer)
	}
	for field, spool := range map[string]object{
		"spool.output": {"output": "{name}"}, "spool.run.retries": {"run": object{"retries": object{"times": 1}}}, "spool.run.profiles": {"run": object{"profiles": []string{"a"}}},
	} {
		status, answer = p.send("POST", "jobs", object{"name": "n", "schedule": "@yearly", "spool": spool, "flow_parameters": object{
			"auth_token": "a", "binary_path": testDrive + "/flow.ibflowbin", "input_dir": testDrive + "/in",
		}})
		if status != http.StatusBadRequest || !strings.Contains(fmt.Sprint(answer), "needs the built-in runner") || !strings.Contains(fmt.Sprint(answer), field) {
			t.Errorf("%s: %d %v", field, status, answer)
		}
	}
	status, answer = p.send("POST", "jobs", object{"name": "n", "schedule": "@yearly", "flow_parameters": object{
		"binary_path": testDrive + "/flow.ibflowbin", "input_dir": testDrive + "/in",
	}})
	if status != http.StatusBadRequest || !strings.Contains(fmt.Sprint(answer), "auth_token") {
		t.Errorf("without a token: %d %v", status, answer)
	}
}

// A job whose runs are the built-in runner's needs no token, which v1 asks for.
func TestNoTokenForTheBuiltInRunner(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.serve()
	bus := p.bus()
	job := p.short(object{"schedule": "@yearly", "flow_parameters": object{
		"binary_path": testDrive + "/flow.ibflowbin", "input_dir": testDrive + "/in",
	}})
	if end, _ := p.runs(bus, job); end.Status != events.OK {
		t.Errorf("%s %s", end.Status, end.Message)
	}
	// It gets a command, and loses it again.
	if status, answer := p.send("PATCH", "jobs/"+job, object{"run": object{"command": "echo command"}}); status != http.StatusOK {
		t.Fatalf("%d %v", status, answer)
	}
	if end, log := p.runs(bus, job); end.Status != events.OK || log != "command\n" {
		t.Errorf("%s %s, printed %q", end.Status, end.Message, log)
	}
	if status, answer := p.send("PATCH", "jobs/"+job, object{"run": nil}); status != http.StatusBadRequest || !strings.Contains(fmt.Sprint(answer), "the job has none") {
		t.Errorf("%d %v", status, answer)
	}
	if status, answer := p.send("PATCH", "jobs/"+job, object{"run": nil, "flow_parameters": object{"binary_path": testDrive + "/flow.ibflowbin"}}); status != http.StatusOK {
		t.Errorf("%d %v", status, answer)
	}
	if end, _ := p.runs(bus, job); end.Status != events.OK {
		t.Errorf("%s %s", end.Status, end.Message)
	}
}

// The command of an administrator may be another user.
func TestCommandOfAnotherUser(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("only root on Linux can start flows as another user")
	}
	p := newHarness(t)
	if err := os.Chmod(filepath.Dir(p.data), 0o755); err != nil {
		t.Fatal(err)
	}
	p.serve()
	bus := p.bus()
	job := p.short(object{"schedule": "@yearly", "run": object{
		"command": `id -u; cat "$KEY"; stat -c '%u %a' "$KEY"; echo x > "$SPOOL_OUTPUT_DIR/made"; grep -c '^CapEff:.*0000000000000000' /proc/self/status || true`,
		"user":    "nobody", "secrets": object{"KEY": object{"file": "short\n"}},
	}})
	end, log := p.runs(bus, job)
	if end.Status != events.OK || !strings.HasPrefix(log, "65534\nshort\n65534 600\n") {
		t.Errorf("%s %s, printed %q", end.Status, end.Message, log)
	}
}
