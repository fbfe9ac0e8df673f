package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"

	"spool.internal/events"
)

// jsonReader reads JSON with the lines of its values. YAML's readers refuse some of it,
// such as characters that are written as two escapes.
type jsonReader struct {
	text []byte
	dec  *json.Decoder
	line int   // of the byte at seen
	seen int64 //
}

func readJSON(text []byte) ([]*Node, error) {
	r := &jsonReader{text: text, dec: json.NewDecoder(bytes.NewReader(text)), line: 1}
	r.dec.UseNumber()
	t, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	n, err := r.value(t, 0)
	if err != nil {
		return nil, err
	}
	return []*Node{n}, nil
}

// at is the line of the token that was read last: that of its end, for a token has one line.
func (r *jsonReader) at() int {
	offset := r.dec.InputOffset()
	r.line += bytes.Count(r.text[r.seen:offset], []byte("\n"))
	r.seen = offset
	return r.line
}

func (r *jsonReader) value(t json.Token, depth int) (*Node, error) {
	n := &Node{Line: r.at()}
	n.Key = n.Line
	if depth > maxDepth {
		return nil, fmt.Errorf("line %d: nests deeper than %d levels", n.Line, maxDepth)
	}
	switch t {
	case json.Delim('['):
		n.Kind = List
	case json.Delim('{'):
		n.Kind = Object
	default:
		n.Scalar = events.Encode(t)
		return n, nil
	}
	for r.dec.More() {
		t, err := r.dec.Token()
		if err != nil {
			return nil, err
		}
		var name string
		key := 0
		if n.Kind == Object {
			name, key = t.(string), r.at()
			if n.Get(name) != nil {
				return nil, fmt.Errorf("line %d: the key %q stands twice", key, name)
			}
			if t, err = r.dec.Token(); err != nil {
				return nil, err
			}
		}
		c, err := r.value(t, depth+1)
		if err != nil {
			return nil, err
		}
		if n.Kind == List {
			n.Items = append(n.Items, c)
			continue
		}
		c.Key = key
		n.Members = append(n.Members, Member{name, c})
	}
	_, err := r.dec.Token() // the end
	return n, err
}
