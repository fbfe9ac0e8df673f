package runner

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/services/runner/process"
	"spool.internal/services/runner/record"
)

// inShapes runs a test in each.
func inShapes(t *testing.T, f func(t *testing.T, h *harness, shape string, change func(*Config))) {
	for name, change := range shapes {
		t.Run(name, func(t *testing.T) {
			f(t, newHarness(t, eventstest.Options{}), name, change)
		})
	}
}

// between runs the flow "flow" and does something after its places were judged and
// before they are used. It gives what the flow printed, and how it ended.
func (h *harness) between(r *Runner, settings string, meanwhile func()) (said string, ended process.Outcome) {
	h.t.Helper()
	run := events.Run{
		FlowJobID: "the-run", JobID: "job-1", Owner: "olga", BinaryPath: logical("flow"), InputDir: logical("in"),
		OutputFolder: logical("out"), Settings: []byte(settings),
	}
	a := &attempt{run: run, number: 1, log: r.log}
	defer a.clear()
	r.takeWarm = func(context.Context) (*process.Flow, error) { // all that the run needs besides is judged by now
		meanwhile()
		room, _ := r.roomNow()
		return process.Start(r.program, room)
	}
	f, err := r.start(context.Background(), a)
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Open(patience, func() {})()
	f.Wait(context.Background())
	_ = a.runlog.Close()
	text, _ := os.ReadFile(filepath.Join(record.Dir(h.data, run.FlowJobID), "run.log"))
	return string(text), f.State
}

// swap puts a link in the place of a file or folder.
func (h *harness) swap(path, target string) {
	h.t.Helper()
	if err := os.Rename(path, path+".judged"); err != nil {
		h.t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		h.t.Fatal(err)
	}
}

// Whoever may write to a drive puts a link in the place of what was judged. The flow
// gets what was judged, or there is none.
func TestSwappedAfterItWasJudged(t *testing.T) {
	t.Parallel()
	inShapes(t, func(t *testing.T, h *harness, shape string, change func(*Config)) {
		secret := t.TempDir()
		for name, text := range map[string]string{"a.txt": "THE SECRET", "program": "#!/bin/sh\necho THE SECRET\n"} {
			if err := os.WriteFile(filepath.Join(secret, name), []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		untouched := func() {
			t.Helper()
			if left, _ := os.ReadDir(secret); len(left) != 2 {
				t.Errorf("the flow has written into a folder that it was not given: %v", left)
			}
		}
		script := `cat "$1/a.txt"; echo x > here; echo x > "$2/there"; pwd; exit 0`
		for place, path := range map[string]func() string{
			"binary": func() string { return h.host("flow") }, "input": func() string { return h.host("in") },
			"output": func() string { return h.host("out") },
			"stage":  func() string { return h.host("in/a.txt") }, // a file in a folder that stays
			"above":  func() string { return filepath.Dir(h.host("in")) },
			"tmp":    func() string { return filepath.Join(record.Dir(h.data, "the-run"), "tmp") },
		} {
			if err := os.RemoveAll(filepath.Dir(h.host("in"))); err != nil {
				t.Fatal(err)
			}
			h.flow("flow", script)
			h.write("in/a.txt", "as it was", 0o644)
			target := secret
			switch place {
			case "binary":
				target += "/program"
			case "stage":
				target += "/a.txt"
			}
			r := h.runner(change)
			said, ended := h.between(r, `{}`, func() { h.swap(path(), target) })
			if _, err := os.Stat(path() + ".judged"); err == nil && place == "above" {
				_ = os.Remove(path())
				_ = os.Rename(path()+".judged", path())
			}
			// Without bounds a flow opens by name what it likes.
			if shape != "off" && strings.Contains(said, "THE SECRET") {
				t.Errorf("%s: the flow got something else than was judged: %v: %s", place, ended, said)
			}
			if shape == "whole" && place != "stage" && ended.Success() {
				t.Errorf("%s: %v: %s", place, ended, said)
			}
			if shape == "off" && place == "output" {
				_ = os.Remove(secret + "/there")
				if _, err := os.Stat(h.host("out.judged/here")); err != nil {
					t.Errorf("the working folder is not what was judged: %v, %s", err, said)
				}
			}
			untouched()
		}
	})
}

// A link that is there when the run begins leads nowhere either.
func TestALinkInPlaceOfAPlace(t *testing.T) {
	t.Parallel()
	inShapes(t, func(t *testing.T, h *harness, _ string, change func(*Config)) {
		outside := t.TempDir()
		for _, name := range []string{"kept", "program"} {
			if err := os.WriteFile(filepath.Join(outside, name), []byte("#!/bin/sh\necho ran\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		r := h.runner(change)
		url := h.serve(r).URL
		ids := map[string]string{}
		for name, c := range map[string]struct{ flow, input, output, swap, to, settings string }{
			"binary":     {"f1", "in1", "out1", "f1", "/program", `{}`},
			"input":      {"f2", "in2", "out2", "in2", "", `{}`},
			"output":     {"f3", "in3", "out3", "out3", "", `{}`},
			"deleted":    {"f4", "in4", "out4", "out4", "", `{"delete_out_dir":true}`},
			"not there":  {"f5", "in5", "out5", "in5", "/none", `{}`},
			"of a stage": {"f6", "s6/in6", "out6", "s6", "", `{}`},
		} {
			h.flow(c.flow, `echo ran > ran; ls "$1"`)
			h.write(c.input+"/a.txt", "as it was", 0o644)
			h.write(c.output+"/old", "old", 0o644)
			body := string(events.Encode(map[string]any{
				"binary_path": logical(c.flow), "input_dir": logical(c.input),
				"settings": map[string]any{"output_dir": logical(c.output), "delete_out_dir": strings.Contains(c.settings, "true")},
			}))
			a := h.ask(url, name, body, nil)
			if a.Status != events.OK {
				t.Fatalf("%+v", a)
			}
			ids[name] = a.Data.JobID
			h.swap(h.host(c.swap), outside+c.to)
		}
		h.background(r.Run)
		for name, id := range ids {
			ended := h.until(events.Ended, id)
			if n, _ := h.phase(events.Started, id); n > 0 || ended.Status != events.ERROR {
				t.Errorf("%s: %d starts, %+v", name, n, ended)
			}
		}
		if left, _ := os.ReadDir(outside); len(left) != 2 {
			t.Errorf("outside the drive there is %v", left)
		}
	})
}

// The root of a drive is not emptied, by whatever name; nor is what a run needs.
func TestWhatIsNotEmptied(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", "exit 0")
	h.flow("d/flow", "exit 0")
	h.write("in/a.txt", "as it was", 0o644)
	h.write("d/in/a.txt", "as it was", 0o644)
	for name, target := range map[string]string{"self": ".", "deep/up": "..", "to-d": "d"} {
		if err := os.MkdirAll(filepath.Dir(h.host(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, h.host(name)); err != nil {
			t.Fatal(err)
		}
	}
	r := h.runner(nil)
	url := h.serve(r).URL
	h.background(r.Run)
	if a := h.ask(url, "root", body("flow", `{"delete_out_dir":true,"output_dir":"`+theDrive+`"}`), nil); a.Status != events.ERROR || !strings.Contains(a.Msg, "whole drive") {
		t.Errorf("the drive itself: %+v", a)
	}
	for name, c := range map[string]struct{ flow, input, output string }{
		"a link to the root":     {"flow", "in", "self"},
		"a link up":              {"flow", "in", "deep/up"},
		"a link to what is read": {"flow", "d/in", "to-d"},
		"a link to what is run":  {"d/flow", "in", "to-d"},
	} {
		a := h.ask(url, name, string(events.Encode(map[string]any{
			"binary_path": logical(c.flow), "input_dir": logical(c.input),
			"settings": map[string]any{"output_dir": logical(c.output), "delete_out_dir": true},
		})), nil)
		if a.Status == events.OK {
			if ended := h.until(events.Ended, a.Data.JobID); ended.Status != events.ERROR || !strings.HasPrefix(ended.Message, "settings.delete_out_dir: ") {
				t.Errorf("%s: %+v", name, ended)
			}
		}
		if h.read("in/a.txt") != "as it was" || h.read("d/in/a.txt") != "as it was" || !h.exists("flow") || !h.exists("d/flow") {
			t.Fatalf("%s: the drive is not what it was", name)
		}
	}
}

// Links in the folder of a run lead nowhere: somebody has made them who could.
func TestLinksInTheFolderOfARun(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", "echo printed; echo x > $TMPDIR/x")
	r := h.runner(nil)
	url := h.serve(r).URL
	id := h.accept(url, "k", "flow", `{}`)
	outside := t.TempDir()
	token := filepath.Join(h.data, "admin.token")
	if err := os.WriteFile(token, []byte("a token"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(record.Dir(h.data, id), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"run.log": token, "tmp": outside} {
		if err := os.Symlink(target, filepath.Join(record.Dir(h.data, id), name)); err != nil {
			t.Fatal(err)
		}
	}
	h.background(r.Run)
	if ended := h.until(events.Ended, id); ended.Status != events.OK {
		t.Errorf("ended %+v", ended)
	}
	if text, _ := os.ReadFile(token); string(text) != "a token" {
		t.Errorf("the token is %q", text)
	}
	if left, _ := os.ReadDir(outside); len(left) > 0 {
		t.Errorf("outside there is %v", left)
	}
	if text, _ := os.ReadFile(filepath.Join(record.Dir(h.data, id), "run.log")); string(text) != "printed\n" {
		t.Errorf("run.log: %q", text)
	}
}
