package cli

import "testing"

func TestPatches(t *testing.T) {
	for _, c := range []struct{ before, after, patch, back string }{
		{`{"a":1}`, `{"a":1}`, `{}`, `{"a":1}`},
		{`{"a":1,"b":{"c":1,"d":[1,2]}}`, `{"a":2,"b":{"d":[1]}}`, `{"a":2,"b":{"c":null,"d":[1]}}`, `{"a":2,"b":{"d":[1]}}`},
		{`{"a":1}`, `{"b":{"c":{}}}`, `{"a":null,"b":{"c":{}}}`, `{"b":{"c":{}}}`},
		{`{"a":{"x":1}}`, `{"a":7}`, `{"a":7}`, `{"a":7}`},
		{`{"a":1.50}`, `{"a":1.5}`, `{"a":1.5}`, `{"a":1.5}`},
		{`{"spool":{"timezone":"UTC"}}`, `{}`, `{"spool":{"timezone":null}}`, `{"spool":{}}`},
		{`{}`, `{"spool":{"key":"k"}}`, `{"spool":{"key":"k"}}`, `{"spool":{"key":"k"}}`},
		{`{"spool":{}}`, `{}`, `{}`, `{"spool":{}}`},
	} {
		patch, err := patchBetween([]byte(c.before), []byte(c.after))
		if err != nil || string(encode(patch)) != c.patch {
			t.Errorf("%s to %s: %s, %v; want %s", c.before, c.after, encode(patch), err, c.patch)
		}
		if back, err := patched([]byte(c.before), patch); err != nil || string(back) != c.back {
			t.Errorf("%s with %s: %s, %v; want %s", c.before, c.patch, back, err, c.back)
		}
	}
}

func TestDifferences(t *testing.T) {
	changes, err := changesBetween([]byte(`{"name":"a","run":{"command":"x","timeout":"1h"},"spool":{"key":"k"}}`), []byte(`{"name":"b","run":{"command":["x","y"]},"tags":[1],"watch":{"a":{"b":true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`~ name: a → b`, `~ run.command: x → ["x","y"]`, `- run.timeout: 1h`, `- spool.key: k`, `+ tags: [1]`, `+ watch.a.b: true`}
	for i, c := range changes {
		if i >= len(want) || c.String() != want[i] {
			t.Errorf("%s", c)
		}
	}
	if len(changes) != len(want) {
		t.Errorf("%d changes", len(changes))
	}
}
