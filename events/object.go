package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"sync"
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

// maxNesting is how deep a JSON body may nest.
const maxNesting = 64

// ParseObject reads one JSON object: valid UTF-8, nothing after it, nested at
// most [maxNesting] deep, no key twice in any object. Every fault is an
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
	var at place
	for {
		t, err := dec.Token()
		if err != nil {
			return syntaxFault(err, dec.InputOffset())
		}
		if key, ok := t.(string); ok && at.wantsKey() {
			if err := at.enter(key); err != nil {
				return err
			}
			continue
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			l := level{}
			if t == json.Delim('{') {
				l.seen = map[string]bool{}
			}
			if at = append(at, l); len(at) > maxNesting {
				return Faultf(Invalid, at.path(), "nests deeper than %d levels", maxNesting)
			}
			continue
		case json.Delim('}'), json.Delim(']'):
			at = at[:len(at)-1]
		}
		if len(at) == 0 {
			break
		}
		at[len(at)-1].key = ""
		at[len(at)-1].n++
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Faultf(Invalid, "", "the body goes on after its JSON value: send one value")
	}
	return nil
}

// place is where in a JSON text a reader is: the objects and lists that are open.
type place []level

type level struct {
	seen map[string]bool // keys so far; nil in a list
	key  string          // the key whose value comes next; "" when a key comes next
	n    int             // elements so far, in a list
}

// wantsKey reports whether a text that comes next is a key.
func (p place) wantsKey() bool {
	if len(p) == 0 {
		return false
	}
	top := p[len(p)-1]
	return top.seen != nil && top.key == ""
}

// enter takes in a key, whose value comes next.
func (p place) enter(key string) error {
	top := &p[len(p)-1]
	twice := top.seen[key]
	top.seen[key], top.key = true, key
	switch {
	case twice:
		return Faultf(Invalid, p.path(), "the key stands twice: send it once")
	case key == "":
		return Faultf(Invalid, p.path(), "an empty key is not allowed")
	}
	return nil
}

// path spells it, as flow_parameters.settings.tags[2].
func (p place) path() string {
	path := ""
	for _, l := range p {
		switch {
		case l.seen == nil:
			path += "[" + strconv.Itoa(l.n) + "]"
		case l.key == "":
		case path == "":
			path = l.key
		default:
			path += "." + l.key
		}
	}
	return path
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

// Merge applies a JSON merge patch (RFC 7396), and leaves the object as it is. What the
// patch does not name keeps its place and its spelling; what it adds comes at the end.
func (o Object) Merge(patch Object) Object {
	o = slices.Clone(o)
	for _, m := range patch {
		switch m.Value[0] {
		case 'n':
			o = o.Delete(m.Key)
		case '{':
			o = o.Set(m.Key, o.Inner(m.Key).Merge(patch.Inner(m.Key)))
		default:
			o = o.Set(m.Key, m.Value)
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
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	e.text.Reset()
	if err := e.json.Encode(v); err != nil {
		panic("events: " + err.Error()) // a type of ours that JSON cannot hold: a programming error
	}
	return bytes.Clone(bytes.TrimSuffix(e.text.Bytes(), []byte("\n")))
}

// encoder writes JSON into a buffer that is used again.
type encoder struct {
	text bytes.Buffer
	json *json.Encoder
}

var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	e.json = json.NewEncoder(&e.text)
	e.json.SetEscapeHTML(false)
	return e
}}
