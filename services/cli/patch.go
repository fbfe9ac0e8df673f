package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// object reads JSON as an object, its numbers as they are spelled.
func object(text json.RawMessage) (map[string]any, error) {
	var all map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&all); err != nil || all == nil {
		return nil, failure(Refused, "a job is an object: name, schedule and so on, each with its value")
	}
	return all, nil
}

// patchBetween returns the merge patch (RFC 7396) that makes one object the other; it is
// empty when they are the same.
func patchBetween(before, after json.RawMessage) (map[string]any, error) {
	was, err := object(before)
	if err != nil {
		return nil, err
	}
	is, err := object(after)
	if err != nil {
		return nil, err
	}
	if _, ok := is["spool"]; !ok { // its members go, since it holds more than a short job shows
		is["spool"] = map[string]any{}
	}
	if spool, ok := was["spool"].(map[string]any); !ok || len(spool) == 0 {
		was["spool"] = map[string]any{}
	}
	return mergePatch(was, is), nil
}

func mergePatch(was, is map[string]any) map[string]any {
	patch := map[string]any{}
	for key := range was {
		if _, ok := is[key]; !ok {
			patch[key] = nil
		}
	}
	for key, value := range is {
		old, had := was[key]
		if had && same(old, value) {
			continue
		}
		inner, ok1 := value.(map[string]any)
		outer, ok2 := old.(map[string]any)
		if ok1 && ok2 {
			patch[key] = mergePatch(outer, inner)
		} else {
			patch[key] = value
		}
	}
	return patch
}

func same(a, b any) bool { return bytes.Equal(encode(a), encode(b)) }

// patched returns an object with a merge patch put onto it.
func patched(text json.RawMessage, patch map[string]any) (json.RawMessage, error) {
	all, err := object(text)
	if err != nil {
		return nil, err
	}
	return encode(applyPatch(all, patch)), nil
}

func applyPatch(all, patch map[string]any) map[string]any {
	for key, value := range patch {
		inner, ok1 := value.(map[string]any)
		outer, ok2 := all[key].(map[string]any)
		switch {
		case value == nil:
			delete(all, key)
		case ok1 && ok2:
			all[key] = applyPatch(outer, inner)
		default:
			all[key] = value
		}
	}
	return all
}

// change is a field that differs, in the form of the API. What is absent was, or is, not there.
type change struct {
	Field  string          `json:"field"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// String shows a change on one line.
func (c change) String() string {
	switch {
	case c.Before == nil:
		return fmt.Sprintf("+ %s: %s", c.Field, plainly(c.After))
	case c.After == nil:
		return fmt.Sprintf("- %s: %s", c.Field, plainly(c.Before))
	default:
		return fmt.Sprintf("~ %s: %s → %s", c.Field, plainly(c.Before), plainly(c.After))
	}
}

// plainly shows a value: a text without its quotes.
func plainly(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}

// changesBetween returns the fields that differ, by their names.
func changesBetween(before, after json.RawMessage) ([]change, error) {
	was, err := object(before)
	if err != nil {
		return nil, err
	}
	is, err := object(after)
	if err != nil {
		return nil, err
	}
	return differences("", was, is), nil
}

func differences(path string, was, is map[string]any) (all []change) {
	keys := map[string]bool{}
	for key := range was {
		keys[key] = true
	}
	for key := range is {
		keys[key] = true
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		old, had := was[key]
		now, has := is[key]
		if had && has && same(old, now) {
			continue
		}
		at := strings.TrimPrefix(path+"."+key, ".")
		outer, ok1 := old.(map[string]any)
		inner, ok2 := now.(map[string]any)
		if ok1 && ok2 || ok1 && !has && len(outer) > 0 || ok2 && !had && len(inner) > 0 {
			all = append(all, differences(at, outer, inner)...)
			continue
		}
		one := change{Field: at}
		if had {
			one.Before = encode(old)
		}
		if has {
			one.After = encode(now)
		}
		all = append(all, one)
	}
	return all
}
