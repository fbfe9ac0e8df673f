package services_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"spool.internal/events/eventstest"
)

// buildDemo builds a program of deploy/demo as its own instructions say.
func buildDemo(t *testing.T, dir, env, source string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "demo")
	build := exec.Command("go", "build", "-o", program, source)
	build.Dir, build.Env = dir, append(os.Environ(), env)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
}

// TestReceiver: the example that people copy takes what Spool signed, once, and nothing else.
func TestReceiver(t *testing.T) {
	program := buildDemo(t, ".", "", filepath.Join(root, "deploy/demo/receiver/main.go"))
	if out, err := exec.Command(program, "a", "b", "c").CombinedOutput(); !hasStatus(err, 2) || !strings.Contains(string(out), "usage: receiver") {
		t.Errorf("with three arguments: %v: %s", err, out)
	}
	if out, err := exec.Command(program, filepath.Join(t.TempDir(), "absent")).CombinedOutput(); !hasStatus(err, 1) || strings.Contains(string(out), "panic") {
		t.Errorf("without a secret: %v: %s", err, out)
	}

	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	file := filepath.Join(t.TempDir(), "webhook.secret")
	if err := os.WriteFile(file, []byte(secret+"\n"+"whsec_AAAA9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := eventstest.FreeAddress(t)
	cmd := exec.Command(program, file, addr)
	out, err := cmd.StdoutPipe()
	if err := errors.Join(err, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewReader(out)

	signer, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	post := func(id, body, sent string, at time.Time) int {
		t.Helper()
		signature, err := signer.Sign(id, at, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return send(t, "http://"+addr+"/", sent, http.Header{
			"webhook-id": {id}, "webhook-timestamp": {timestamp(at)}, "webhook-signature": {signature},
		})
	}
	now := time.Now()
	if got := post("one", `{"n":1}`, `{"n":1}`, now); got != http.StatusOK {
		t.Errorf("what Spool signed: %d", got)
	}
	if got := post("one", `{"n":1}`, `{"n":1}`, now); got != http.StatusOK {
		t.Errorf("the same again: %d", got)
	}
	for what, got := range map[string]int{
		"another body":     post("two", `{"n":2}`, `{"n":3}`, now),
		"an hour old":      post("three", `{"n":4}`, `{"n":4}`, now.Add(-time.Hour)),
		"an hour too soon": post("four", `{"n":5}`, `{"n":5}`, now.Add(time.Hour)),
		"no signature":     send(t, "http://"+addr+"/", `{"n":6}`, http.Header{}),
		"a signature of nobody": send(t, "http://"+addr+"/", `{"n":7}`, http.Header{
			"webhook-id": {"five"}, "webhook-timestamp": {timestamp(now)}, "webhook-signature": {"v1,AAAA"},
		}),
	} {
		if got != http.StatusUnauthorized {
			t.Errorf("%s: %d", what, got)
		}
	}
	if got := post("last", `{"n":8}`, `{"n":8}`, now); got != http.StatusOK {
		t.Errorf("the last: %d", got)
	}
	for _, want := range []string{`{"n":1}`, `{"n":8}`} {
		if got, err := lines.ReadString('\n'); err != nil || strings.TrimSpace(got) != want {
			t.Errorf("printed %q (%v), want %s", got, err, want)
		}
	}
}

// TestSubscriberArguments: the example that people copy says how it is called, and does not
// panic. That its like reads events is tested in services/cmd/spool.
func TestSubscriberArguments(t *testing.T) {
	program := buildDemo(t, filepath.Join(root, "deploy/demo/subscriber"), "GOWORK=off", ".")
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{nil, 2, "usage: subscriber"},
		{[]string{"a", "b", "c", "d", "e"}, 2, "usage: subscriber"},
		{[]string{"mine", "nats://127.0.0.1:1", "absent.creds", "RUN_EVENTS"}, 1, "subscriber: "},
		{[]string{"mine", "nats://127.0.0.1:1", "absent.creds"}, 1, "subscriber: "},
		{[]string{"mine", "nats://127.0.0.1:1"}, 1, "subscriber: "},
	} {
		out, err := exec.Command(program, c.args...).CombinedOutput()
		if !hasStatus(err, c.status) || !strings.Contains(string(out), c.says) || strings.Contains(string(out), "panic") {
			t.Errorf("%q: %v, want exit status %d and %q: %s", c.args, err, c.status, c.says, out)
		}
	}
}

func hasStatus(err error, status int) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	return ok && exit.ExitCode() == status
}

func timestamp(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// send posts as soon as somebody listens.
func send(t *testing.T, url, body string, header http.Header) int {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range header {
			q.Header.Set(k, v[0])
		}
		resp, err := http.DefaultClient.Do(q)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			return resp.StatusCode
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
