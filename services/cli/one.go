package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// one prints one thing, in the form that was asked for; again and again with --watch.
func one[T any](s *session, fetch func() (row[T], error), name func(T) string, show func(*printer, row[T]) error) error {
	if s.out.watch {
		return watchOne(s, fetch, show)
	}
	got, err := fetch()
	if err != nil {
		return err
	}
	switch s.out.form {
	case "table":
		return show(s.out, got)
	case "name":
		return s.out.line("%s", clean(name(got.value)))
	default:
		return s.out.data(got.raw)
	}
}

// field is a line about one thing: what it is, and its value.
type field struct{ name, text string }

type fields []field

// fields prints what is known of one thing, a line each; what has no value is left out.
func (p *printer) fields(all fields) error {
	width := 0
	for _, f := range all {
		width = max(width, len(f.name))
	}
	var b strings.Builder
	for _, f := range all {
		if f.text == "" {
			continue
		}
		name := f.name
		if name != "" {
			name += ":"
		}
		fmt.Fprintf(&b, "%-*s  %s\n", width+1, name, p.painted(clean(f.text), false))
	}
	_, err := io.WriteString(p.w, b.String())
	return err
}

// indent moves the lines of a text to the right.
func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ") + "\n"
}

// decode reads JSON into a value of another type.
func decode(raw json.RawMessage, into any) error {
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("the server answered what this program cannot read: %w", err)
	}
	return nil
}

// parametersOf returns the parameters of a job as the person wrote them.
func parametersOf(job json.RawMessage) (json.RawMessage, error) {
	var j struct {
		Parameters json.RawMessage `json:"parameters"`
	}
	err := decode(job, &j)
	return j.Parameters, err
}
