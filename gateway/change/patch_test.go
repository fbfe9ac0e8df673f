package change

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
)

// mergeValues is RFC 7396, section 2, on values as package json decodes them.
func mergeValues(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	t, ok := target.(map[string]any)
	if !ok {
		t = map[string]any{}
	}
	for key, value := range p {
		if value == nil {
			delete(t, key)
		} else {
			t[key] = mergeValues(t[key], value)
		}
	}
	return t
}

func decodeNumbers(t *testing.T, data []byte) (v any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return v
}

// A merge gives what RFC 7396 says; what the patch does not name keeps its
// order and its spelling.
func FuzzMergePatch(f *testing.F) {
	for _, c := range []struct{ target, patch string }{ // the test cases of RFC 7396, those with objects
		{`{"a":"b"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`},
		{`{"a":["b"]}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`},
		{`{"z":1e400,"a":12345678901234567890}`, `{"m":{"x":{}}}`},
		{`{"a":null}`, `{"a":{"b":null}}`},
		{`{"k":"\u0041<"}`, `{"l":"<\u0042"}`},
	} {
		f.Add([]byte(c.target), []byte(c.patch))
	}
	f.Fuzz(func(t *testing.T, target, patch []byte) {
		to, err1 := events.ParseObject(target)
		by, err2 := events.ParseObject(patch)
		if err1 != nil || err2 != nil {
			return
		}
		before := map[string]string{}
		var order []string
		named := map[string]bool{}
		for _, m := range by {
			named[m.Key] = true
		}
		for _, m := range to {
			if !named[m.Key] {
				order = append(order, m.Key)
				before[m.Key] = string(m.Value)
			}
		}
		merged := to.Merge(by)
		text := events.Encode(merged)
		if diff := cmp.Diff(mergeValues(decodeNumbers(t, target), decodeNumbers(t, patch)), decodeNumbers(t, text)); diff != "" {
			t.Errorf("%s by %s gives %s (-want +got):\n%s", target, patch, text, diff)
		}
		var kept []string
		for _, m := range merged {
			if old, ok := before[m.Key]; ok {
				kept = append(kept, m.Key)
				if old != string(m.Value) {
					t.Errorf("%s by %s: %q was %s and is %s", target, patch, m.Key, old, m.Value)
				}
			}
		}
		if diff := cmp.Diff(order, kept); diff != "" {
			t.Errorf("%s by %s: order (-want +got):\n%s", target, patch, diff)
		}
		if _, err := events.ParseObject(text); err != nil {
			t.Errorf("%s by %s gives %s, which cannot be read: %v", target, patch, text, err)
		}
	})
}
