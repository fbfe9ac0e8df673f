package v1

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http/httpguts"

	"spool.internal/events"
	"spool.internal/gateway/change"
)

// Whatever a client sends, the decoder answers with a fault that may be shown
// or with parameters that can be stored masked and read again.
func FuzzDecodeCreate(f *testing.F) {
	const whole = `{"name":"n","schedule":"*/5 1-3 * jan mon","flow_parameters":{"auth_token":"t0p","binary_path":"a/r/fs/D/f",` +
		`"input_dir":"a/r/fs/D/in","verify_ssl_certificate":false,"settings":{"tags":["x"],"notification_emails":["a@b.c"],` +
		`"webhook_config":{"url":"https://x.y/z","headers":{"X-A":"b"}}}},"spool":{"timezone":"UTC","watch":{"ignore":["*.x"]}},"n\u0000":1e400}`
	f.Add([]byte(whole))
	for _, cut := range []int{1, 40, 90, 200, 300} {
		f.Add([]byte(whole[:cut]))
	}
	f.Add([]byte(`{"name":"n","schedule":"@daily","spool":{"run":{"command":["a","b"],"env":{"A":"b"},"secrets":{"B":"c","D":{"file":"e"}},"timeout":"1h"}}}`))
	f.Add([]byte(`{"name":"n","flow_parameters":{"input_dir":"a/r/fs/D/in"},"spool":{"run":{"command":"x","shell":"bash","cwd":"a/r/fs/D"}}}`))
	for old, bad := range map[string]string{
		`"n"`: "null", "*/5": "*/0", "t0p": events.Mask, "a/r/fs/D/in": "../..", "false": "0",
		"X-A": "X A", `"b"`: `"b\r\n"`, "UTC": "Nowhere", "*.x": "[", "mon": "\xff", "1e400": strings.Repeat("[", 70),
	} {
		f.Add([]byte(strings.Replace(whole, old, bad, 1)))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		o, p, err := decode(body)
		if err != nil {
			if events.CodeOf(err) != events.Invalid {
				t.Fatalf("fault %v is of code %q", err, events.CodeOf(err))
			}
			return
		}
		for _, w := range warnings(p.Unknown) {
			if !httpguts.ValidHeaderFieldValue(w) {
				t.Errorf("no header can hold the warning %q", w)
			}
		}
		job := events.Job{ID: "job"}
		job.Parameters, job.Secrets, err = events.Conceal(o, func(_, secret string) (string, error) { return secret, nil })
		if err != nil {
			t.Fatalf("cannot be concealed: %v", err)
		}
		if !bytes.Contains(job.Parameters, []byte(`"auth_token":"`+events.Mask+`"`)) {
			t.Errorf("the token is not masked: %s", job.Parameters)
		}
		again, err := job.Reveal(func(sealed, _, _ string) (string, error) { return sealed, nil })
		if err != nil {
			t.Fatalf("what was stored cannot be read: %v: %s", err, job.Parameters)
		}
		if diff := cmp.Diff(p.Webhook, again.Webhook); diff != "" || again.AuthToken != p.AuthToken || again.InputDir != p.InputDir {
			t.Errorf("what was stored reads as something else: %s", diff)
		}
	})
}

// decode is what becomes of a body before anybody is asked about it.
func decode(body []byte) (events.Object, *events.Parameters, error) {
	o, err := events.ParseObject(body)
	if err == nil {
		o, err = events.Complete(o, "ann", "0b3b0e0c-5a3f-4ad4-8a1c-0e9b5c1d2e3f")
	}
	if err != nil {
		return nil, nil, err
	}
	p, err := change.ReadNew(o)
	return o, p, err
}
