package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"unicode/utf8"
)

// Object is a JSON object that keeps what encoding/json forgets: the order of
// its keys and the spelling of its numbers. Keys are compared exactly.
type Object []Member

// Member is one key of an [Object] and its value as written.
type Member struct {
	Key   string
	Value json.RawMessage
}

// MaxNesting is how deep a JSON body may nest.
const MaxNesting = 64

// ParseObject reads one JSON object: valid UTF-8, nothing after it, nested at
// most [MaxNesting] deep, no key twice in any object. Every fault is an
// [Error] of code Invalid whose Field is the path of the value at fault.
func ParseObject(body []byte) (Object, error) {
	body = TrimBOM(body)
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, Faultf(Invalid, "", "the body is empty: send one JSON object")
	}
	if !utf8.Valid(body) {
		return nil, Faultf(Invalid, "", "the body is not valid UTF-8")
	}
	if err := checkValue(body); err != nil {
		if form := formFault(body); form != nil {
			return nil, form
		}
		return nil, err
	}
	return splitObject(body, "")
}

// TrimBOM takes away the mark that some editors put before UTF-8.
func TrimBOM(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\ufeff")) }

// formField begins a URL-encoded form.
var formField = regexp.MustCompile(`^[A-Za-z0-9_.%+\[\]-]+=`)

// formFault recognises what HTML forms send, which is no JSON.
func formFault(body []byte) error {
	switch {
	case bytes.HasPrefix(body, []byte("--")) && bytes.Contains(body, []byte("Content-Disposition:")):
		return Faultf(Invalid, "", "the body is not JSON but a multipart form: send one JSON object, such as {\"name\": \"nightly\", …}")
	case formField.Match(body):
		return Faultf(Invalid, "", "the body is not JSON but a form: send one JSON object, such as {\"name\": \"nightly\", …}")
	}
	return nil
}

// checkValue walks one JSON text to its end.
func checkValue(body []byte) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	type level struct {
		seen map[string]bool // nil in an array
		key  string          // the key whose value comes next; "" when a key comes next
		n    int             // elements so far, in an array
	}
	var stack []level
	path := func() string {
		p := ""
		for _, l := range stack {
			switch {
			case l.seen == nil:
				p += "[" + strconv.Itoa(l.n) + "]"
			case l.key == "":
			case p == "":
				p = l.key
			default:
				p += "." + l.key
			}
		}
		return p
	}
	for {
		t, err := dec.Token()
		if err != nil {
			return syntaxFault(err, dec.InputOffset())
		}
		top := len(stack) - 1
		if key, isKey := t.(string); isKey && top >= 0 && stack[top].seen != nil && stack[top].key == "" {
			if stack[top].seen[key] {
				stack[top].key = key
				return Faultf(Invalid, path(), "the key stands twice: send it once")
			}
			stack[top].seen[key] = true
			stack[top].key = key
			if key == "" {
				return Faultf(Invalid, path(), "an empty key is not allowed")
			}
			continue
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			l := level{}
			if t == json.Delim('{') {
				l.seen = map[string]bool{}
			}
			if stack = append(stack, l); len(stack) > MaxNesting {
				return Faultf(Invalid, path(), "nests deeper than %d levels", MaxNesting)
			}
			continue
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:top]
		}
		if len(stack) == 0 {
			break
		}
		stack[len(stack)-1].key = ""
		stack[len(stack)-1].n++
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Faultf(Invalid, "", "the body goes on after its JSON value: send one value")
	}
	return nil
}

func syntaxFault(err error, offset int64) error {
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return Faultf(Invalid, "", "the body is not JSON: %s at byte %d", s.Error(), s.Offset)
	}
	return Faultf(Invalid, "", "the body is not JSON: it ends at byte %d", offset)
}

// Get gives the value of key; a value of null counts as absent.
func (o Object) Get(key string) (json.RawMessage, bool) {
	for _, m := range o {
		if m.Key == key {
			return m.Value, !bytes.Equal(m.Value, []byte("null"))
		}
	}
	return nil, false
}

// Set gives key a value, in its old place or at the end.
func (o Object) Set(key string, v any) Object {
	raw := Encode(v)
	for i, m := range o {
		if m.Key == key {
			o[i].Value = raw
			return o
		}
	}
	return append(o, Member{key, raw})
}

// Delete takes key out.
func (o Object) Delete(key string) Object {
	for i, m := range o {
		if m.Key == key {
			return append(o[:i:i], o[i+1:]...)
		}
	}
	return o
}

// MarshalJSON writes the members in their order.
func (o Object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(Encode(m.Key))
		b.WriteByte(':')
		b.Write(m.Value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Encode is json.Marshal without the HTML escapes, for types that cannot fail.
func Encode(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("events: " + err.Error()) // a type of ours that JSON cannot hold: a programming error
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
