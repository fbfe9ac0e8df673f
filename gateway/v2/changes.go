package v2

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/sorting"
	"spool.internal/gateway/change"
)

// FieldChange is a field in which two revisions of a job differ. A value that is absent
// was, or is, not there.
type FieldChange struct {
	Field  string          `json:"field"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// changes lists the fields in which two revisions of a job differ, by their names, as a
// caller may see them: of a secret that it is another one, and neither.
func (a *API) changes(who change.Caller, before, after events.Job) []FieldChange {
	list := []FieldChange{} // never null
	if before.Status != after.Status && before.Status != "" {
		list = append(list, FieldChange{"status", events.Encode(before.Status), events.Encode(after.Status)})
	}
	list = append(list, terms(before.Disabled, after.Disabled)...)
	was, is := a.shown(who, before), a.shown(who, after)
	list = differences(list, "", was, is)
	for pointer, sealed := range after.Secrets {
		if old, ok := before.Secrets[pointer]; ok && old != sealed {
			list = unseen(list, field(after, pointer), was, is)
		}
	}
	sorting.By(list, func(x, y FieldChange) int { return cmp.Compare(x.Field, y.Field) })
	return list
}

// shown gives the parameters of a job as a caller sees them; nil of no job.
func (a *API) shown(who change.Caller, job events.Job) json.RawMessage {
	if job.ID == "" || len(job.Parameters) == 0 {
		return nil
	}
	return a.Changes.Shown(who, job)
}

// terms says in what else the disabling of a disabled job differs.
func terms(before, after *events.Disabling) (list []FieldChange) {
	if before == nil || after == nil {
		return nil
	}
	if before.Reason != after.Reason {
		list = append(list, FieldChange{"disabled.reason", given(before.Reason), given(after.Reason)})
	}
	if !before.Until.Equal(after.Until) {
		list = append(list, FieldChange{"disabled.until", at(before.Until), at(after.Until)})
	}
	return list
}

func given(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	return events.Encode(text)
}

func at(t time.Time) json.RawMessage {
	if t.IsZero() {
		return nil
	}
	return events.Encode(t.UTC())
}

// field spells the pointer of a secret as the parameters of the job are shown.
func field(job events.Job, pointer string) string {
	name := change.FieldOf(pointer)
	if o, err := events.ParseObject(job.Parameters); err != nil || !events.IsShort(o) {
		return name
	}
	for _, object := range []string{"flow_parameters.settings.", "spool.run."} {
		if rest, ok := strings.CutPrefix(name, object); ok {
			return strings.TrimSuffix(object[strings.IndexByte(object, '.')+1:], ".") + "." + rest
		}
	}
	return name
}

// unseen adds a secret that is another one and looks the same.
func unseen(list []FieldChange, name string, before, after json.RawMessage) []FieldChange {
	was, is := valueAt(before, name), valueAt(after, name)
	if is == nil || slices.ContainsFunc(list, func(c FieldChange) bool { return c.Field == name || strings.HasPrefix(name, c.Field+".") }) {
		return list // it is not shown, or told already
	}
	return append(list, FieldChange{name, was, is})
}

// valueAt gives the value at a path of keys. The last key of a secret may have dots in it.
func valueAt(raw json.RawMessage, path string) json.RawMessage {
	o, err := events.ParseObject(raw)
	if err != nil {
		return nil
	}
	if value, ok := o.Get(path); ok {
		return value
	}
	key, rest, more := strings.Cut(path, ".")
	value, ok := o.Get(key)
	if !ok || !more {
		return nil
	}
	return valueAt(value, rest)
}

// differences collects the paths at which two objects differ.
func differences(list []FieldChange, path string, a, b json.RawMessage) []FieldChange {
	if bytes.Equal(a, b) {
		return list
	}
	before, err1 := events.ParseObject(a)
	after, err2 := events.ParseObject(b)
	if path != "" && (err1 != nil || err2 != nil) { // one of them is no object, or absent
		return append(list, FieldChange{path, a, b})
	}
	if path != "" {
		path += "."
	}
	for _, m := range before {
		v, _ := after.Get(m.Key)
		list = differences(list, path+m.Key, m.Value, v)
	}
	for _, m := range after {
		if _, ok := before.Get(m.Key); !ok {
			list = differences(list, path+m.Key, nil, m.Value)
		}
	}
	return list
}
