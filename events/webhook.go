package events

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
)

// The URL of a webhook can hold a password, and can be one: chat services put the
// secret into its path. So a stored job has [PublicURL] of it, which is all that
// viewers, subscribers and events see; the whole URL is sealed for the dispatcher,
// and what operators see of it, [ShownURL], is closed for gateways.

// PublicURL is what everybody may see of the URL of a webhook: its origin. One
// that says no more than that is public as it was sent.
func PublicURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return Mask
	}
	if (u.Path == "" || u.Path == "/") && u.User == nil && u.RawQuery == "" && u.Fragment == "" {
		return raw
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
}

// ShownURL is what is shown of it to those who may change the job: all of it,
// unless it has userinfo or a query; those are masked.
func ShownURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return Mask
	}
	if u.User == nil && u.RawQuery == "" {
		return raw
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String() + u.EscapedPath() + "?" + Mask
}

// HasMask reports whether a URL carries what is shown in place of a secret, in
// whatever way a client may have written it back.
func HasMask(raw string) bool {
	plain, err := url.PathUnescape(raw)
	return strings.Contains(raw, Mask) || err == nil && strings.Contains(plain, Mask)
}

// SameOrigin reports whether two URLs lead to the same scheme, host and port.
func SameOrigin(a, b string) bool {
	first, ok1 := origin(a)
	second, ok2 := origin(b)
	return ok1 && ok2 && first == second
}

func origin(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return "", false
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")) + ":" + port, true
}

// URLAt gives the URL at a pointer into parameters, as written there.
func URLAt(parameters Object, pointer string) (raw json.RawMessage, value string) {
	way := strings.Split(pointer[1:], "/")
	last := len(way) - 1
	for _, key := range way[:last] {
		inner, ok := parameters.Get(key)
		if !ok || inner[0] != '{' {
			return nil, ""
		}
		var err error
		if parameters, err = splitObject(inner, key); err != nil {
			return nil, ""
		}
	}
	value, ok := stringValue(parameters, way[last])
	if !ok || value == "" {
		return nil, ""
	}
	raw, _ = parameters.Get(way[last])
	return raw, value
}

// WithURL gives parameters with another URL at a pointer, as JSON.
func WithURL(parameters Object, pointer string, raw json.RawMessage) (Object, error) {
	key, rest, inner := strings.Cut(pointer[1:], "/")
	if !inner {
		return parameters.Set(key, raw), nil
	}
	return descend(parameters, key, func(o Object) (Object, error) { return WithURL(o, "/"+rest, raw) })
}

// Visible gives the parameters of a stored job as they may be shown. To those who
// may change the job, open opens what is closed for gateways; for everybody else
// it is nil. In a job that was stored before URLs were sealed nothing is closed.
func (j *Job) Visible(open func(closed, jobID, pointer string) (string, error)) json.RawMessage {
	visible := j.Parameters
	switch hook := j.Webhook; {
	case hook == nil:
		visible = j.visibleOfOld(open != nil)
	case open != nil && hook.Shown != "":
		visible = j.showing(hook.URL, hook.shown(open, j.ID, WebhookURLPointer))
	}
	if open == nil || len(j.URLs) == 0 || visible == nil {
		return visible
	}
	o, err := ParseObject(visible)
	for _, pointer := range URLPointers {
		if hook := j.URLs[pointer]; err == nil && hook != nil && hook.Shown != "" {
			o, err = WithURL(o, pointer, hook.shown(open, j.ID, pointer))
		}
	}
	if err != nil {
		return visible // with the origins alone
	}
	return Encode(o)
}

// shown gives what operators see of a URL, as JSON.
func (h *JobWebhook) shown(open func(closed, jobID, pointer string) (string, error), jobID, pointer string) json.RawMessage {
	shown, err := open(h.Shown, jobID, pointer)
	if err != nil { // nobody here can say what it was
		return Encode(strings.TrimSuffix(h.URL, "/") + "/" + Mask)
	}
	return json.RawMessage(shown)
}

// visibleOfOld is [Job.Visible] for a job whose URL, if there is one, stands in clear.
func (j *Job) visibleOfOld(toOwner bool) json.RawMessage {
	if !bytes.Contains(j.Parameters, []byte(`"webhook_config":{`)) || toOwner && plainURL(j.Parameters) {
		return j.Parameters
	}
	o, err := ParseObject(j.Parameters)
	if err != nil {
		return j.Parameters // of another version; its secrets are masked all the same
	}
	_, value := URLAt(o, WebhookURLPointer)
	show := PublicURL(value)
	if toOwner {
		show = ShownURL(value)
	}
	if value == "" || show == value {
		return j.Parameters
	}
	return j.showing(value, Encode(show))
}

// plainURL reports whether the only URL that parameters name has certainly
// neither userinfo nor a query. It spares listings most of their reading.
func plainURL(parameters json.RawMessage) bool {
	_, rest, found := bytes.Cut(parameters, []byte(`"url":"`))
	value, _, closed := bytes.Cut(rest, []byte(`"`))
	return found && closed && !bytes.Contains(rest, []byte(`"url":"`)) && !bytes.ContainsAny(value, `\?@`)
}

// showing puts shown in the place of the webhook's URL. A listing does it for
// every job: parameters are taken apart only where the same key and value stand
// in them twice.
func (j *Job) showing(value string, shown json.RawMessage) json.RawMessage {
	const key = `"url":`
	old := append([]byte(key), Encode(value)...)
	if bytes.Count(j.Parameters, old) == 1 {
		return bytes.Replace(j.Parameters, old, append([]byte(key), shown...), 1)
	}
	o, err := ParseObject(j.Parameters)
	if err == nil {
		o, err = WithURL(o, WebhookURLPointer, shown)
	}
	if err != nil {
		return nil // nothing is shown rather than too much
	}
	return Encode(o)
}
