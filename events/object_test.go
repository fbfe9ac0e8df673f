package events

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestParseObject(t *testing.T) {
	nested := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	for _, c := range []struct{ name, body, fault string }{
		{"an object", `{"a":1,"b":[1,{"c":null}]}`, ""},
		{"white space around", " \n{}\t", ""},
		{"64 levels", nested(64), ""},
		{"65 levels", nested(65), strings.Repeat("a.", 63) + "a: nests deeper than 64 levels"},
		{"nothing", "", "the body is empty: send one JSON object"},
		{"two values", "{} {}", "the body goes on after its JSON value: send one value"},
		{"a list", "[]", "must be a JSON object"},
		{"a broken end", `{"a":`, "the body is not JSON: it ends at byte 5"},
		{"a bare word", `{a}`, "the body is not JSON: invalid character 'a'"},
		{"not UTF-8", "{\"a\":\"\xff\"}", "the body is not valid UTF-8"},
		{"a key twice", `{"a":1,"a":2}`, "a: the key stands twice: send it once"},
		{"a key twice, deep", `{"x":[0,{"a":1,"a":2}]}`, "x[1].a: the key stands twice: send it once"},
		{"a key twice, by escape", `{"a":1,"\u0061":2}`, "a: the key stands twice: send it once"},
		{"an empty key", `{"":1}`, "an empty key is not allowed"},
		{"keys that differ in case", `{"a":1,"A":2}`, ""},
		{"a key like the last value", `{"a":"b","b":"a"}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseObject([]byte(c.body))
			switch {
			case c.fault == "" && err != nil:
				t.Errorf("fault %q", err)
			case c.fault != "" && (err == nil || !strings.HasPrefix(err.Error(), c.fault)):
				t.Errorf("fault %v, want %q", err, c.fault)
			case err != nil && CodeOf(err) != Invalid:
				t.Errorf("code %q", CodeOf(err))
			}
		})
	}
}

func TestObjectKeepsWhatItWasGiven(t *testing.T) {
	body := `{"z":12345678901234567890,"a":1e400,"s":"<&>é","n":null}`
	o, err := ParseObject([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(Encode(o)); got != body {
		t.Errorf("got  %s\nwant %s", got, body)
	}
	if _, ok := o.Get("n"); ok {
		t.Error("null does not count as absent")
	}
	got := string(Encode(o.Set("a", true).Delete("s").Set("new", "x")))
	if want := `{"z":12345678901234567890,"a":true,"n":null,"new":"x"}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"c"}],"d":null}`))
	f.Add([]byte(`{"a":1}{`))
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := ParseObject(body)
		if err != nil {
			if CodeOf(err) != Invalid {
				t.Fatalf("code %q of %v", CodeOf(err), err)
			}
			return
		}
		text := Encode(o)
		if !json.Valid(text) {
			t.Fatalf("%q became %q", body, text)
		}
		if again, err := ParseObject(text); err != nil || string(Encode(again)) != string(text) {
			t.Fatalf("%q does not survive: %v", text, err)
		}
	})
}
