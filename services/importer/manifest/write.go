package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"spool.internal/events"
)

// Version is what the first key of a file says.
const Version = "spool/v1"

// Write writes a file of jobs as YAML: a comment, which may be empty, and the jobs.
func Write(comment, managedBy string, jobs []events.Object) ([]byte, error) {
	var b bytes.Buffer
	for line := range strings.Lines(comment) {
		if line = strings.TrimRight(line, " \n"); line != "" {
			line = " " + line
		}
		fmt.Fprintf(&b, "#%s\n", line)
	}
	file := events.Object{}.Set("apiVersion", Version)
	if managedBy != "" {
		file = file.Set("managed_by", managedBy)
	}
	list := make([]json.RawMessage, len(jobs))
	for i, job := range jobs {
		list[i] = events.Encode(job)
	}
	text, err := YAML(events.Encode(file.Set("jobs", list)))
	b.Write(text)
	return b.Bytes(), err
}

// YAML spells a JSON value as YAML, its keys in their order.
func YAML(value json.RawMessage) ([]byte, error) {
	nodes, err := readJSON(value)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(spell(nodes[0])); err != nil {
		return nil, err
	}
	return b.Bytes(), enc.Close()
}

func spell(n *Node) *yaml.Node {
	switch n.Kind {
	case Object:
		y := &yaml.Node{Kind: yaml.MappingNode}
		for _, m := range n.Members {
			y.Content = append(y.Content, text(m.Name), spell(m.Value))
		}
		return y
	case List:
		y := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range n.Items {
			y.Content = append(y.Content, spell(item))
		}
		return y
	}
	if s, ok := n.Text(); ok && n.IsString() {
		return text(s)
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: string(n.Scalar)}
}

// text is a string as YAML spells it without doubt: in quotes where a reader could take
// it for something else, in lines of its own where it has several.
func text(s string) *yaml.Node {
	y := &yaml.Node{}
	y.SetString(s)
	if strings.Contains(s, "\r") || strings.TrimLeft(s, " \t\n") != s {
		y.Style = yaml.DoubleQuotedStyle
	}
	return y
}
