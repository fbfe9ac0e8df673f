package jobform

import (
	"bytes"
	"encoding/json"

	"spool.internal/events"
)

// get gives the value at a path of keys.
func get(o events.Object, path []string) (json.RawMessage, bool) {
	for _, key := range path[:len(path)-1] {
		o = o.Inner(key)
	}
	return o.Get(path[len(path)-1])
}

// set puts a value at a path, nil takes it away, and what becomes empty by that.
func set(o events.Object, path []string, value any) events.Object {
	key := path[0]
	if len(path) == 1 {
		if value == nil {
			return o.Delete(key)
		}
		return o.Set(key, value)
	}
	raw, there := o.Get(key)
	if value == nil && (!there || raw[0] != '{') {
		return o
	}
	inner := set(o.Inner(key), path[1:], value)
	if value == nil && len(inner) == 0 && string(raw) != "{}" {
		return o.Delete(key)
	}
	return o.Set(key, inner)
}

// copyOf is an object that can be changed while the other stays.
func copyOf(o events.Object) events.Object {
	return append(make(events.Object, 0, len(o)), o...)
}

// Diff is the JSON merge patch (RFC 7396) that makes one object of another.
func Diff(from, to events.Object) events.Object {
	patch := events.Object{}
	for _, m := range from {
		if _, ok := to.Get(m.Key); !ok && m.Value[0] != 'n' {
			patch = patch.Set(m.Key, nil)
		}
	}
	for _, m := range to {
		old, had := from.Get(m.Key)
		switch {
		case m.Value[0] == 'n', had && bytes.Equal(old, m.Value):
		case had && old[0] == '{' && m.Value[0] == '{':
			if inner := Diff(from.Inner(m.Key), to.Inner(m.Key)); len(inner) > 0 {
				patch = patch.Set(m.Key, inner)
			}
		default:
			patch = patch.Set(m.Key, m.Value)
		}
	}
	return patch
}

// Without takes paths in the long form out of the parameters of a job.
func Without(o events.Object, names ...string) events.Object {
	o = copyOf(o)
	short := isShort(o)
	for _, name := range names {
		o = set(o, place(short, name), nil)
	}
	return o
}
