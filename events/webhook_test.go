package events

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestURLsAsTheyAreShown(t *testing.T) {
	for _, c := range []struct{ sent, public, shown string }{
		{"https://h.example", "https://h.example", "https://h.example"},
		{"https://h.example/", "https://h.example/", "https://h.example/"},
		{"https://h.example/?", "https://h.example/?", "https://h.example/?"},
		{"https://h.example/p", "https://h.example", "https://h.example/p"},
		{"https://h.example/p?q", "https://h.example", "https://h.example/p?" + Mask},
		{"https://u@h.example", "https://h.example", "https://h.example?" + Mask},
		{"https://@h.example/p", "https://h.example", "https://h.example/p?" + Mask},
		{"https://u:p@h.example:1/a%2fb;c?q#f", "https://h.example:1", "https://h.example:1/a%2fb;c?" + Mask},
		{"http://[fe80::1%25eth0]:80/p", "http://[fe80::1%25eth0]:80", "http://[fe80::1%25eth0]:80/p"},
		{"https://h.example/#f", "https://h.example", "https://h.example/#f"},
		{"::", Mask, Mask},
	} {
		if got := PublicURL(c.sent); got != c.public {
			t.Errorf("%s: public %s; want %s", c.sent, got, c.public)
		}
		if got := ShownURL(c.sent); got != c.shown {
			t.Errorf("%s: shown %s; want %s", c.sent, got, c.shown)
		}
		// What is shown of what is shown is the same: a change that sends it back changes nothing.
		if got := PublicURL(c.shown); c.public != Mask && got != c.public && c.sent != c.public {
			t.Errorf("%s: public again %s; want %s", c.sent, got, c.public)
		}
	}
}

// Where the same key and value stand twice, and where nobody has the key.
func TestVisible(t *testing.T) {
	const text = `{"flow_parameters":{"settings":{"runtime_config":{"url":"https://h.example"},"x":"\"url\":\"https://h.example\"",` +
		`"webhook_config":{"url":"https://h.example","headers":{}}}}}`
	j := &Job{ID: "j", Parameters: json.RawMessage(text), Webhook: &JobWebhook{URL: "https://h.example", Shown: "closed"}}
	open := func(closed, _, _ string) (string, error) { return `"https:\/\/h.example/p"`, nil }
	if got, want := string(j.Visible(open)), strings.Replace(text, `{"url":"https://h.example","headers"`, `{"url":"https:\/\/h.example/p","headers"`, 1); got != want {
		t.Errorf("shows %s\nwant  %s", got, want)
	}
	if got := string(j.Visible(nil)); got != text {
		t.Errorf("shows to everybody %s", got)
	}
	got := string(j.Visible(func(string, string, string) (string, error) { return "", errors.New("no key") }))
	if !strings.Contains(got, `"webhook_config":{"url":"https://h.example/`+Mask+`"`) {
		t.Errorf("without the key: %s", got)
	}
}

// Whatever a URL looks like, no more of it is public than its origin, and what
// is shown holds neither userinfo nor query.
func FuzzURL(f *testing.F) {
	f.Add("https://u:p@h.example/p?q#f")
	f.Add("http://a@b@c/@?/#")
	f.Fuzz(func(t *testing.T, raw string) {
		o, err := ParseObject(Encode(map[string]any{"url": raw}))
		if err != nil {
			t.Skip()
		}
		r := reader{o: o}
		if r.webhook(); r.err() != nil || raw == "" {
			t.Skip() // is refused, or none
		}
		public, shown := PublicURL(raw), ShownURL(raw)
		if public != raw && strings.ContainsAny(strings.TrimPrefix(strings.TrimPrefix(public, "https://"), "http://"), "/?#@") {
			t.Errorf("%q: public %q", raw, public)
		}
		if before, _, masked := strings.Cut(shown, "?"+Mask); masked && strings.Contains(before, "?") {
			t.Errorf("%q: shown %q", raw, shown)
		}
		if !SameOrigin(raw, public) || !SameOrigin(raw, shown) {
			t.Errorf("%q leads elsewhere than %q or %q", raw, public, shown)
		}
	})
}
