package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestYAMLKeepsWhatWasWritten(t *testing.T) {
	for _, text := range []string{
		`{"z":1,"a":[1.50,1e3,-0,9007199254740993],"yes":true,"no":"no","n":null,"e":{},"l":[],"s":"","d":"2026-11-23","o":"0o17"}`,
		`{"line":"one\ntwo\n","quote":"it's \"so\"","colon":"a: b","hash":"# x","space":" a ","star":"*x","zero":"007","ünï":"日本"}`,
		`[{"a":{"b":[{"c":1}]}}]`,
		`"just text"`,
	} {
		y, err := toYAML(json.RawMessage(text))
		if err != nil {
			t.Fatal(err)
		}
		back, err := fromYAML(y)
		if err != nil || !bytes.Equal(back, []byte(text)) {
			t.Errorf("%s\nbecame %s, %v\nby way of\n%s", text, back, err, y)
		}
	}
}

func TestYAMLOfPeople(t *testing.T) {
	for _, c := range []struct{ text, want, fault string }{
		{"schedule: '30 2 * * *'\nspool: {retries: 0x10}\n", `{"schedule":"30 2 * * *","spool":{"retries":16}}`, ""},
		{"schedule: 30 2 * * *\n", `{"schedule":"30 2 * * *"}`, ""},
		{"run:\n  command: |\n    a\n    b\n", `{"run":{"command":"a\nb\n"}}`, ""},
		{"when: 2026-11-23\n", `{"when":"2026-11-23"}`, ""},
		{"schedule: * * * * *\n", "", "this is not YAML"},
		{"a: 1\na: 2\n", "", "a"},
		{"a: &x 1\nb: *x\n", "", "line 2"},
		{"a: .inf\n", "", "no number of JSON"},
		{"", "", "there is nothing in it"},
		{"# only words\n", "", "there is nothing in it"},
	} {
		got, err := fromYAML([]byte(c.text))
		if string(got) != c.want && c.fault == "" || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%q: %s, %v", c.text, got, err)
		}
	}
}

func FuzzYAML(f *testing.F) {
	f.Add([]byte(`{"a":[1,"b",null,{"c":1.5e3}]}`))
	f.Add([]byte(`"\u001b\u202e\n"`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var value any
		if json.Unmarshal(text, &value) != nil {
			return
		}
		y, err := toYAML(text)
		if err != nil {
			return // a key that is given twice
		}
		back, err := fromYAML(y)
		if err != nil {
			return
		}
		var again any
		if err := json.Unmarshal(back, &again); err != nil || !bytes.Equal(encode(value), encode(again)) {
			t.Errorf("%s became %s: %v\n%s", text, back, err, y)
		}
	})
}
