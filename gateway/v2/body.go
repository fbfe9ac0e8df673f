package v2

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"spool.internal/events"
	"spool.internal/events/spelling"
	"spool.internal/gateway/change"
)

// maxBody is the longest request body, and the longest parameters of a job, in bytes.
const maxBody = 256 << 10

// readObject reads the parameters of a job, or a patch of them, whose keys are
// all known.
func readObject(r *http.Request) (events.Object, error) {
	body, err := change.Body(r)
	if err != nil {
		return nil, err
	}
	o, err := events.ParseObject(body)
	if err != nil {
		return nil, err
	}
	return o, checkParameterKeys(o, "")
}

// checkParameterKeys refuses keys that mean nothing, unless they are null: then
// they are to be taken out, or count as absent.
func checkParameterKeys(o events.Object, object string) error {
	for _, m := range o {
		if m.Value[0] == 'n' {
			continue
		}
		if !slices.Contains(events.Keys[object], m.Key) {
			return unknown(object, m.Key, change.Meant(object, m.Key))
		}
		inner := object + m.Key + "."
		if _, ours := events.Keys[inner]; !ours || m.Value[0] != '{' {
			continue
		}
		below, err := events.ParseObject(m.Value)
		if err == nil {
			err = checkParameterKeys(below, inner)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// maxKey is how much of an unknown key is shown, in runes.
const maxKey = 64

// unknown refuses a key, with the one that may have been meant.
func unknown(object, key, meant string) error {
	text := "unknown key"
	if meant != "" {
		text = fmt.Sprintf("unknown key, did you mean %q?", meant)
	}
	if runes := []rune(key); len(runes) > maxKey {
		key = string(runes[:maxKey]) + "..."
	}
	return events.Faultf(events.Invalid, object+key, "%s", text)
}

// decode reads a body into a struct of strings and numbers whose tags are the
// keys that are known. With optional an empty body is an empty object.
func decode(r *http.Request, v any, optional bool) error {
	body, err := change.Body(r)
	if err != nil {
		return err
	}
	if optional && len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	o, err := events.ParseObject(body)
	if err != nil {
		return err
	}
	var keys []string
	for t := reflect.TypeOf(v).Elem(); len(keys) < t.NumField(); {
		keys = append(keys, t.Field(len(keys)).Tag.Get("json"))
	}
	for _, m := range o {
		if !slices.Contains(keys, m.Key) {
			return unknown("", m.Key, spelling.Nearest(m.Key, keys))
		}
	}
	err = json.Unmarshal(body, v)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		want := "a string"
		switch wrong.Type.Kind() {
		case reflect.String:
		case reflect.Bool:
			want = "true or false"
		default:
			want = "a whole number"
		}
		return events.Faultf(events.Invalid, wrong.Field, "must be %s, not %s", want, kindOf(wrong.Value))
	}
	return err
}

// kindOf names a JSON type as package json calls it.
func kindOf(value string) string {
	switch kind, _, _ := strings.Cut(value, " "); kind {
	case "bool":
		return "a boolean"
	case "array":
		return "a list"
	case "object":
		return "an object"
	default:
		return "a " + kind
	}
}

// decodeNothing refuses a body that says something where nothing can be said.
func decodeNothing(r *http.Request) error { return decode(r, &struct{}{}, true) }
