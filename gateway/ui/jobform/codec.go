package jobform

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"spool.internal/events"
	"spool.internal/events/sorting"
)

// codec turns a value into the text of a control and back.
type codec struct {
	otherwise string                                 // what is shown where nothing is given
	show      func(json.RawMessage) ([]string, bool) // false: no control can show it
	read      func([]string) (any, error)            // nil: nothing is given
}

// one is the codec of a control with one text.
func one(otherwise string, show func(json.RawMessage) (string, bool), read func(string) (any, error)) codec {
	return codec{otherwise, func(raw json.RawMessage) ([]string, bool) {
		s, ok := show(raw)
		return []string{s}, ok
	}, func(texts []string) (any, error) {
		if len(texts) == 0 || texts[0] == "" || texts[0] == otherwise {
			return nil, nil
		}
		return read(texts[0])
	}}
}

func asIs(s string) (any, error) { return s, nil }

// unquote gives a text that a control gives back as it is.
func unquote(raw json.RawMessage) (s string, ok bool) {
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, !strings.ContainsAny(s, "\n\r\x00")
}

var text = one("", unquote, asIs)

// choice is one of some values, of which one is the default.
func choice(otherwise string) codec { return one(otherwise, unquote, asIs) }

// secret shows nothing.
var secret = one("", func(raw json.RawMessage) (string, bool) { return "", raw[0] == '"' }, asIs)

var digits = regexp.MustCompile(`^-?[0-9]{1,18}$`)

// number is a whole one. What is none goes as it is typed: the API says what it must be.
var number = one("", func(raw json.RawMessage) (string, bool) { return string(raw), digits.Match(raw) }, func(s string) (any, error) {
	if s = strings.TrimSpace(s); digits.MatchString(s) && json.Valid([]byte(s)) {
		return json.RawMessage(s), nil
	}
	return s, nil
})

// flag is a box that is ticked, by default or not. An empty box comes back as nothing.
func flag(otherwise bool) codec {
	ticked := ""
	if otherwise {
		ticked = "true"
	}
	return codec{ticked, func(raw json.RawMessage) ([]string, bool) {
		if string(raw) == "true" {
			return []string{"true"}, true
		}
		return []string{""}, string(raw) == "false"
	}, func(texts []string) (any, error) {
		is := len(texts) > 0 && texts[0] == "true"
		if is == otherwise {
			return nil, nil
		}
		return is, nil
	}}
}

// lines is a list of texts, one a line. One text with commas is shown likewise.
var lines = one("", func(raw json.RawMessage) (string, bool) {
	var list []string
	if raw[0] == '"' {
		s, ok := unquote(raw)
		return strings.Join(split(strings.ReplaceAll(s, ",", "\n")), "\n"), ok
	}
	if json.Unmarshal(raw, &list) != nil {
		return "", false
	}
	odd := slices.ContainsFunc(list, func(s string) bool { return s == "" || s != strings.TrimSpace(s) || strings.ContainsAny(s, "\n\r\x00") })
	return strings.Join(list, "\n"), !odd
}, func(s string) (any, error) {
	if list := split(s); len(list) > 0 {
		return list, nil
	}
	return nil, nil
})

// split gives the lines of a text that say something.
func split(s string) (list []string) {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}

// pairs is an object of texts, a name and a value on each line.
func pairs(between string) codec {
	sign := strings.TrimSpace(between)
	return one("", func(raw json.RawMessage) (string, bool) {
		o, err := events.ParseObject(raw)
		var all []string
		for _, m := range o {
			var value string
			if m.Value[0] != '"' || json.Unmarshal(m.Value, &value) != nil || strings.ContainsAny(m.Key+value, "\n\r\x00") ||
				strings.Contains(m.Key, sign) || m.Key != strings.TrimSpace(m.Key) || value != strings.TrimSpace(value) {
				return "", false
			}
			all = append(all, m.Key+between+value)
		}
		return strings.Join(all, "\n"), err == nil
	}, func(s string) (any, error) {
		o := events.Object{}
		for i, line := range split(s) {
			name, value, ok := strings.Cut(line, sign)
			name, value = strings.TrimSpace(name), strings.TrimSpace(value)
			if !ok || name == "" {
				return nil, fmt.Errorf("line %d is no NAME%svalue", i+1, between)
			}
			if _, twice := o.Get(name); twice {
				return nil, fmt.Errorf("gives %s twice: leave one out", name)
			}
			o = o.Set(name, value)
		}
		if len(o) == 0 {
			return nil, nil
		}
		return o, nil
	})
}

// exits are exit statuses, with commas between them, or the word any.
var exits = one("", func(raw json.RawMessage) (string, bool) {
	var list []int
	if string(raw) == `"any"` {
		return "any", true
	}
	if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		return "", false
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(list), " ", ", "), "[]"), true
}, func(s string) (any, error) {
	list := []json.RawMessage{}
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); !digits.MatchString(part) || !json.Valid([]byte(part)) {
			return strings.TrimSpace(s), nil
		}
		list = append(list, json.RawMessage(part))
	}
	return list, nil
})

// AllConditions are what somebody can be told of.
var AllConditions = []string{"failed", "recovered", "missed", "late", "too_long", "blocked", "dead", "held"}

// conditions are boxes, of which all are ticked where nothing is given.
var conditions = codec{strings.Join(AllConditions, "\n"), func(raw json.RawMessage) ([]string, bool) {
	var list []string
	if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		return nil, false
	}
	sorting.By(list, func(a, b string) int { return slices.Index(AllConditions, a) - slices.Index(AllConditions, b) })
	known := !slices.ContainsFunc(list, func(s string) bool { return !slices.Contains(AllConditions, s) })
	return list, known
}, func(texts []string) (any, error) {
	if slices.Equal(texts, AllConditions) {
		return nil, nil
	}
	return append([]string{}, texts...), nil
}}
