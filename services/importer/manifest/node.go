package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"spool.internal/events"
)

// Node is a value with the lines that it stands on.
type Node struct {
	Line, Key int             // the line of the value, and of its key; from 1
	Members   []Member        // of an object
	Items     []*Node         // of a list
	Kind      Kind            //
	Scalar    json.RawMessage // of any other value
}

// Kind is the kind of a value.
type Kind int

// The kinds.
const (
	Scalar Kind = iota
	Object
	List
)

// Member is one key of an object.
type Member struct {
	Name  string
	Value *Node
}

// Bounds of what is read.
const (
	maxSize  = 64 << 20
	maxDepth = 64
	maxNodes = 4_000_000 // aliases included
)

// Read reads the documents of a YAML or JSON text. An error says the line.
func Read(text []byte) ([]*Node, error) {
	text = events.TrimBOM(text)
	switch {
	case len(text) > maxSize:
		return nil, fmt.Errorf("has %d bytes; at most %d are read: divide it", len(text), maxSize)
	case !utf8.Valid(text):
		return nil, errors.New("is not valid UTF-8")
	}
	if head := bytes.TrimLeft(text, " \t\r\n"); len(head) > 0 && (head[0] == '{' || head[0] == '[') && json.Valid(text) {
		return readJSON(text)
	}
	var all []*Node
	count := 0
	for dec := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var doc yaml.Node
		switch err := dec.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, explain(err)
		case len(doc.Content) == 0:
			continue
		}
		n, err := convert(doc.Content[0], 0, &count)
		if err != nil {
			return nil, err
		}
		if n.Kind != Scalar || string(n.Scalar) != "null" {
			all = append(all, n)
		}
	}
}

var yamlLine = regexp.MustCompile(`^yaml: (line \d+: )?`)

// explain says what a fault of YAML means where people meet it in a schedule.
func explain(err error) error {
	text := err.Error()
	at := yamlLine.FindString(text)
	text = strings.TrimPrefix(text, at)
	at = strings.TrimPrefix(at, "yaml: ")
	switch {
	case strings.Contains(text, "cannot start any token"):
		text += `: put quotes around values that begin with @ or %, like "@daily"`
	case strings.Contains(text, "did not find expected alphabetic or numeric character"):
		text += `: put quotes around schedules that begin with *, like "*/5 * * * *"`
	}
	return errors.New(at + text)
}

func convert(y *yaml.Node, depth int, count *int) (*Node, error) {
	if *count++; *count > maxNodes || depth > maxDepth {
		return nil, fmt.Errorf("line %d: nests deeper than %d levels, or has more than %d values", y.Line, maxDepth, maxNodes)
	}
	n := &Node{Line: y.Line, Key: y.Line}
	switch y.Kind {
	case yaml.AliasNode:
		return convert(y.Alias, depth+1, count)
	case yaml.SequenceNode:
		n.Kind = List
		for _, item := range y.Content {
			c, err := convert(item, depth+1, count)
			if err != nil {
				return nil, err
			}
			n.Items = append(n.Items, c)
		}
	case yaml.MappingNode:
		n.Kind = Object
		for i := 0; i+1 < len(y.Content); i += 2 {
			if err := n.enter(y.Content[i], y.Content[i+1], depth, count); err != nil {
				return nil, err
			}
		}
	case yaml.ScalarNode:
		return n, n.scalar(y)
	default:
		return nil, fmt.Errorf("line %d: is no value", y.Line)
	}
	return n, nil
}

func (n *Node) enter(key, value *yaml.Node, depth int, count *int) error {
	if key.Tag == "!!merge" {
		return fmt.Errorf("line %d: << is not supported: write the keys out", key.Line)
	}
	if key.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: a key must be a word", key.Line)
	}
	if n.Get(key.Value) != nil {
		return fmt.Errorf("line %d: the key %q stands twice", key.Line, key.Value)
	}
	c, err := convert(value, depth+1, count)
	if err != nil {
		return err
	}
	c.Key = key.Line
	n.Members = append(n.Members, Member{key.Value, c})
	return nil
}

func (n *Node) scalar(y *yaml.Node) error {
	n.Scalar = events.Encode(y.Value)
	switch y.ShortTag() {
	case "!!null":
		n.Scalar = json.RawMessage("null")
	case "!!bool":
		n.Scalar = events.Encode(strings.EqualFold(y.Value, "true"))
	case "!!int":
		var i int64
		if json.Valid([]byte(y.Value)) {
			n.Scalar = json.RawMessage(y.Value)
		} else if err := y.Decode(&i); err == nil {
			n.Scalar = json.RawMessage(strconv.FormatInt(i, 10))
		}
	case "!!float":
		var f float64
		if json.Valid([]byte(y.Value)) {
			n.Scalar = json.RawMessage(y.Value)
		} else if err := y.Decode(&f); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			n.Scalar = events.Encode(f)
		}
	case "!!str", "!!timestamp":
	default:
		return fmt.Errorf("line %d: the tag %s is not supported: write a plain value", y.Line, y.Tag)
	}
	return nil
}

// Get is the value of a key, or nil.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for _, m := range n.Members {
		if m.Name == key {
			return m.Value
		}
	}
	return nil
}

// At is the value below a path of keys, or nil.
func (n *Node) At(keys ...string) *Node {
	for _, key := range keys {
		n = n.Get(key)
	}
	return n
}

// Text is the text of a string, a number or a word; ok is false for anything else.
func (n *Node) Text() (text string, ok bool) {
	if n == nil || n.Kind != Scalar || string(n.Scalar) == "null" {
		return "", false
	}
	if n.Scalar[0] != '"' {
		return string(n.Scalar), true
	}
	return text, json.Unmarshal(n.Scalar, &text) == nil
}

// IsString reports whether the value is a text.
func (n *Node) IsString() bool { return n != nil && n.Kind == Scalar && n.Scalar[0] == '"' }

// JSON spells the value.
func (n *Node) JSON() json.RawMessage {
	switch n.Kind {
	case Object:
		return events.Encode(n.Object())
	case List:
		items := make([]json.RawMessage, len(n.Items))
		for i, item := range n.Items {
			items[i] = item.JSON()
		}
		return events.Encode(items)
	default:
		return n.Scalar
	}
}

// Object is the value as an object whose keys keep their order.
func (n *Node) Object() events.Object {
	o := events.Object{}
	for _, m := range n.Members {
		o = append(o, events.Member{Key: m.Name, Value: m.Value.JSON()})
	}
	return o
}
