package events

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"spool.internal/events/spelling"
)

// reader takes typed values out of an [Object] and remembers the first fault,
// with the path of the field.
type reader struct {
	o      Object
	prefix string
	fault  *error // shared by a reader and the readers of its inner objects
	brief  bool   // a fault of a type does not say what the value is
}

func (r *reader) err() error {
	if r.fault == nil {
		return nil
	}
	return *r.fault
}

func (r *reader) fail(key, format string, args ...any) {
	if r.fault == nil {
		r.fault = new(error)
	}
	if *r.fault == nil {
		*r.fault = Faultf(Invalid, r.prefix+key, format, args...)
	}
}

func (r *reader) mistyped(key, want string, raw json.RawMessage) {
	if r.brief {
		r.fail(key, "must be %s", want)
		return
	}
	r.fail(key, "must be %s, not %s", want, kindOf(raw))
}

func stringValue(o Object, key string) (string, bool) {
	raw, ok := o.Get(key)
	if !ok {
		return "", false
	}
	return unquote(raw)
}

func (r *reader) text(key string) string {
	raw, ok := r.o.Get(key)
	if !ok {
		return ""
	}
	s, isString := stringValue(r.o, key)
	if !isString {
		r.mistyped(key, "a string", raw)
	}
	return s
}

func (r *reader) required(key string) string {
	if _, ok := r.o.Get(key); !ok {
		r.fail(key, "is required")
		return ""
	}
	s := r.text(key)
	if s == "" {
		r.fail(key, "must not be empty")
	}
	return s
}

func (r *reader) path(key string) (string, Path) {
	s := r.required(key)
	p, err := ParseInside(r.prefix+key, s)
	if e, ok := errors.AsType[*Error](err); ok {
		r.fail(key, "%s", e.Message)
	}
	return s, p
}

func (r *reader) boolean(key string, def bool) bool {
	switch raw, ok := r.o.Get(key); {
	case !ok:
		return def
	case string(raw) == "true":
		return true
	case string(raw) == "false":
		return false
	default:
		r.mistyped(key, "true or false", raw)
		return def
	}
}

func (r *reader) integer(key string, def, low, high int) int {
	raw, ok := r.o.Get(key)
	if !ok {
		return def
	}
	var n int
	if err := json.Unmarshal(raw, &n); err != nil || n < low || n > high {
		r.fail(key, "must be a whole number from %d to %d", low, high)
		return def
	}
	return n
}

func (r *reader) object(key string, required bool) *reader {
	inner := &reader{prefix: r.prefix + key + ".", fault: r.shared(), brief: r.brief}
	raw, ok := r.o.Get(key)
	switch {
	case !ok && required:
		r.fail(key, "is required")
	case ok && raw[0] != '{':
		r.mistyped(key, "an object", raw)
	case ok:
		inner.o, _ = splitObject(raw, key)
	}
	return inner
}

func (r *reader) shared() *error {
	if r.fault == nil {
		r.fault = new(error)
	}
	return r.fault
}

func (r *reader) strings(key string) []string {
	raw, ok := r.o.Get(key)
	if !ok {
		return nil
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		r.mistyped(key, "a list of strings", raw)
		return nil
	}
	var list []string
	for _, item := range items {
		var s string
		if item[0] != '"' || json.Unmarshal(item, &s) != nil {
			if r.brief {
				r.mistyped(key, "a list of strings", item)
			}
			r.fail(key, "must be a list of strings; one of its items is %s", kindOf(item))
			return nil
		}
		list = append(list, s)
	}
	return list
}

// oneOf reads one of some values; the first is the default.
func oneOf[T ~string](r *reader, key string, values ...T) T {
	s := T(r.text(key))
	if s == "" {
		return values[0]
	}
	i := slices.Index(values, s)
	if i < 0 {
		r.fail(key, "%q is not one of %s", s, join(values))
		return s
	}
	return values[i]
}

func join[T ~string](all []T) string {
	texts := make([]string, len(all))
	for i, v := range all {
		texts[i] = string(v)
	}
	return strings.Join(texts, ", ")
}

func (r *reader) duration(key string, limit time.Duration) time.Duration {
	s := r.text(key)
	if s == "" {
		return -1
	}
	d, err := spelling.Duration(s)
	switch {
	case err != nil:
		r.fail(key, "%s", err.Error())
	case d < 0 || d > limit:
		r.fail(key, "%q is outside 0s to %s", s, spelling.FormatDuration(limit))
	}
	return d
}

// emails accepts the seed's comma-separated string and the list that clients send.
func (r *reader) emails(key string) []string {
	raw, ok := r.o.Get(key)
	if !ok {
		return nil
	}
	var parts []string
	if raw[0] == '"' {
		parts = strings.Split(r.text(key), ",")
	} else {
		parts = r.strings(key)
	}
	var list []string
	for _, s := range parts {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
			r.fail(key, "%q is not an e-mail address", s)
		}
		list = append(list, s)
	}
	if len(list) > maxEmails {
		r.fail(key, "holds %d addresses; at most %d", len(list), maxEmails)
	}
	return list
}

// maxEmails bounds the addresses of one job: each is written to on its own.
const maxEmails = 100

// url reads an http or https URL; empty is none.
func (r *reader) url(key string) string {
	text := r.text(key)
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		r.fail(key, "must be an http or https URL")
	}
	return text
}

func (r *reader) webhook() Webhook {
	w := Webhook{URL: r.url("url")}
	h := r.object("headers", false)
	for _, m := range h.o {
		value := h.text(m.Key)
		if !httpguts.ValidHeaderFieldName(m.Key) {
			h.fail(m.Key, "is not the name of an HTTP header")
		}
		if !httpguts.ValidHeaderFieldValue(value) {
			h.fail(m.Key, "has a value that no HTTP header can hold (a line break?)")
		}
		w.Headers = append(w.Headers, Header{http.CanonicalHeaderKey(m.Key), value})
	}
	return w
}

func readOptions(r *reader) Options {
	o := Options{
		Timezone:       r.text("timezone"),
		CatchUp:        r.catchUp(),
		Overlap:        oneOf(r, "overlap", OverlapAllow, OverlapQueue, OverlapSkip),
		MaxConcurrency: r.integer("max_concurrency", 16, 1, 1000),
		RetryFor:       r.duration("retry_for", 168*time.Hour),
	}
	w := r.object("watch", false)
	o.Watch = readWatch(w)
	run := r.object("run", false)
	o.Retries = readRetries(run)
	o.Profiles = readProfiles(run)
	o.Key, o.ManagedBy = readKey(r), readWord(r, "managed_by")
	o.Shadow = r.boolean("shadow", false)
	o.HoldAfter = r.integer("hold_after", 0, 1, maxHoldAfter)
	o.Run = readRun(run)
	o.Output = readPlacement(r)
	o.Notifying = readNotifying(r)
	r.refuseUnknown()
	w.refuseUnknown()
	return o
}

func kindOf(raw json.RawMessage) string {
	switch raw[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}
