package scrub

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"spool.internal/events"
)

// NewForJob makes a scrubber of the secrets of a job, whose parameters are in
// clear, and of others.
func NewForJob(p *events.Parameters, others ...string) *Scrubber {
	secrets := append(others[:len(others):len(others)], p.AuthToken)
	for _, h := range p.Webhook.Headers {
		switch http.CanonicalHeaderKey(h.Key) {
		case "Content-Type", "Accept", "User-Agent": // say nothing that is secret, and stand in many answers
		default:
			secrets = append(secrets, credentials(h.Value)...)
		}
	}
	secrets = append(secrets, credentials(p.AuthToken)...)
	for _, s := range p.Options.Run.Secrets {
		secrets = append(secrets, s.Value)
	}
	for _, hook := range []string{p.Webhook.URL, p.Options.Notify.Webhook, p.Options.Heartbeat} {
		if events.PublicURL(hook) == hook || hook == "" {
			continue
		}
		secrets = append(append(secrets, hook), InURL(hook)...)
		if u, err := url.Parse(hook); err == nil {
			secrets = append(secrets, u.RequestURI(), u.EscapedPath(), u.Path) // the path of a chat service's webhook is its secret
		}
	}
	return New(secrets...)
}

// credentials gives the value of a header, and what in it can be the secret by
// itself: the word behind "Bearer", the values of cookies, the password of "Basic".
func credentials(value string) []string {
	list := []string{value}
	for word := range strings.FieldsFuncSeq(value, func(r rune) bool { return strings.ContainsRune(" \t;,", r) }) {
		list = append(list, strings.Trim(word, `"`))
		if _, v, ok := strings.Cut(word, "="); ok {
			list = append(list, strings.Trim(v, `"`))
		}
	}
	if scheme, encoded, ok := strings.Cut(value, " "); ok && strings.EqualFold(scheme, "basic") {
		if plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded)); err == nil {
			_, password, _ := strings.Cut(string(plain), ":")
			list = append(list, string(plain), password)
		}
	}
	return list
}

// InURL gives what is secret in any URL: its userinfo, and the values of its query.
func InURL(raw string) []string {
	u, err := url.Parse(raw)
	if err != nil {
		return nil
	}
	var list []string
	if u.User != nil {
		password, _ := u.User.Password()
		list = append(list, u.User.String(), u.User.Username(), password, u.User.Username()+":"+password)
	}
	list = append(list, u.RawQuery)
	for _, values := range u.Query() {
		list = append(list, values...)
	}
	return list
}
