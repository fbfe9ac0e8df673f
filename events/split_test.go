package events

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzSplitObject holds the splitter against encoding/json on what that takes for
// valid, and lets it see all the rest.
func FuzzSplitObject(f *testing.F) {
	for _, s := range []string{
		`{}`, ` { } `, `{"a":1}`, `{"a" : -1.5e3 , "b":[1,{"c":"}"},"]"],"d":{"e":{}}}`, `{"a":"\"\\","\u0062":null,"ä":"ö"}`,
		"{\n\t\"a\": true,\r\n \"b\": false }", `[]`, `"{}"`, `7`, `{`, `{"a"`, `{"a":`, `{"a":"\`, `{"a":1]`, `{]`, `{"a":}`, `{,}`, "{\"a\":\"\xff\"}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := splitObject(raw, "x")
		if !json.Valid(raw) {
			return // any answer will do, but it has to come
		}
		want, ok := split(raw)
		if (err == nil) != ok {
			t.Fatalf("%q: %v, want an object: %v", raw, err, ok)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: (-want +got)\n%s", raw, diff)
		}
	})
}

// split is what splitObject does, by the library.
func split(raw []byte) (o Object, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	o = Object{}
	for dec.More() {
		key, _ := dec.Token()
		var v json.RawMessage
		if dec.Decode(&v) != nil {
			return nil, false
		}
		o = append(o, Member{key.(string), v})
	}
	return o, true
}

// What is stored beside a value must not get into it when it is changed.
func TestSplitObjectKeepsValuesApart(t *testing.T) {
	raw := []byte(`{"a":1,"b":2}`)
	o, err := splitObject(raw, "")
	if err != nil {
		t.Fatal(err)
	}
	o[0].Value = append(o[0].Value, strings.Repeat("9", 5)...)
	if string(o[1].Value) != "2" || string(raw) != `{"a":1,"b":2}` {
		t.Errorf("%s of %s", o[1].Value, raw)
	}
}
