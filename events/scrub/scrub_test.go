package scrub_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"spool.internal/events"
	"spool.internal/events/scrub"
)

// hard is a secret with a character that each of the escapes writes in another way.
const hard = `s3cr/et+t0k&n<'"\ü%41=end`

// ways are those in which a text can hold a secret.
var ways = map[string]func(string) string{
	"as it is":              func(s string) string { return s },
	"in hex":                func(s string) string { return hex.EncodeToString([]byte(s)) },
	"in capital hex":        func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"base64":                func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 after one":      func(s string) string { return base64.StdEncoding.EncodeToString([]byte("x" + s)) },
	"base64 after two":      func(s string) string { return base64.StdEncoding.EncodeToString([]byte("x:" + s + "l")) },
	"base64 of a header":    func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte("Bearer " + s)) },
	"base64 for URLs":       func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	"base64 for URLs, raw":  func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("user:" + s)) },
	"JSON":                  quoted,
	"JSON with HTML":        func(s string) string { b, _ := json.Marshal(s); return string(b) },
	"JSON with \\/":         func(s string) string { return strings.ReplaceAll(quoted(s), "/", `\/`) },
	"JSON, all of it \\u":   func(s string) string { return escaped(s, `\u%04x`) },
	"JSON, all of it \\U":   func(s string) string { return escaped(s, `\u%04X`) },
	"JSON in JSON":          func(s string) string { return quoted(quoted(s)) },
	"JSON in JSON in JSON":  func(s string) string { return quoted(quoted(strings.ReplaceAll(quoted(s), "/", `\/`))) },
	"a query":               url.QueryEscape,
	"a path":                url.PathEscape,
	"a query, all of it":    func(s string) string { return percent(s, "%%%02X") },
	"a query, small digits": func(s string) string { return percent(s, "%%%02x") },
	"a query in a query":    func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	"a query in JSON":       func(s string) string { return escaped(url.QueryEscape(s), `\u%04x`) },
	"base64 in a query":     func(s string) string { return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s))) },
	"base64 in JSON": func(s string) string {
		return strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(s+"???>>>")), "/", `\/`)
	},
	"HTML":         html.EscapeString,
	"HTML numbers": func(s string) string { return escaped(s, "&#x%x;") },
	"HTML in JSON": func(s string) string { return quoted(html.EscapeString(s)) },
	"Go":           func(s string) string { return fmt.Sprintf("%+q", s) },
}

func quoted(s string) string { return string(events.Encode(s)) }

func escaped(s, format string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, format, r)
	}
	return b.String()
}

func percent(s, format string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

func TestEveryWay(t *testing.T) {
	for _, secret := range []string{hard, "plain-secret-of-28-bytes-abc", "Bearer two words", "exactly12byt"} {
		s := scrub.New("unrelated-and-long", secret)
		for name, way := range ways {
			written := way(secret)
			for _, around := range []string{"%s", `{"echo":"%s","ok":true}`, "Bearer %s, and %[1]s\n", "ein Schlüssel: %s."} {
				text := fmt.Sprintf(around, written)
				got := s.Text(text)
				if strings.Contains(got, written) || !strings.Contains(got, events.Mask) {
					t.Errorf("%s of %q: %q becomes %q", name, secret, text, got)
				}
				// What is left of base64 at its ends says less than a character.
				before, after, _ := strings.Cut(around, "%s")
				if !strings.HasPrefix(got, before) || !strings.Contains(around, "[1]") && !strings.HasSuffix(got, after) {
					t.Errorf("%s of %q: what stands around it changed: %q", name, secret, got)
				}
			}
		}
	}
}

// A text that was cut off tells nothing of the secret at its end, wherever it was cut.
func TestCutAnywhere(t *testing.T) {
	const secret = "s3cr/et+t0k&n-abc'def\"ghi"
	s := scrub.New(secret)
	for name, way := range ways {
		written := way(secret)
		for n := range len(written) {
			got := s.Beginning("the end: " + written[:n])
			left := strings.TrimPrefix(strings.ReplaceAll(got, events.Mask, ""), "the end: ")
			if len(left) > len(way(secret[:4])) {
				t.Errorf("%s cut after %d: %q is left", name, n, got)
			}
			for _, part := range []string{"s3cr/", `s3cr\/`, "t0k&n", "abc'd"} {
				if strings.Contains(got, part) {
					t.Errorf("%s cut after %d: %q is left", name, n, got)
				}
			}
		}
	}
	if got := s.Beginning("nothing is cut here %4"); got != "nothing is cut here %4" {
		t.Errorf("became %q", got)
	}
}

func TestWhatStays(t *testing.T) {
	s := scrub.New("", "short", "elevenbytes", "a-real-secret-1")
	for _, text := range []string{"", "short", "elevenbytes", `{"a":"\/\u0041%41&amp;+"}`, "a-real-secret", strings.Repeat("x", 1<<16)} {
		if got := s.Text(text); got != text {
			t.Errorf("%.80q became %.80q", text, got)
		}
	}
	if none := scrub.New("short"); none != nil || none.Text("short") != "short" || none.Beginning("x%") != "x%" || none.Holds("short") {
		t.Error("a scrubber without a secret does something")
	}
	if !s.Holds("X-Echo-A-Real-Secret-1") || s.Holds("X-Echo") {
		t.Error("names of headers are not looked at in any case")
	}
}

func TestSecretsOfAJob(t *testing.T) {
	p := &events.Parameters{AuthToken: "Bearer inner-of-the-token", Webhook: events.Webhook{
		URL: "https://us3r-as-a-key:passw0rd-long@chat.example/services/T0/B0/XYZ?k=query-value-1&z=%C3%BCber-secret",
		Headers: []events.Header{
			{Key: "Authorization", Value: "Basic " + base64.StdEncoding.EncodeToString([]byte("ann:password-of-ann"))},
			{Key: "Cookie", Value: `theme=dark; session="cookie-value-1"`},
			{Key: "X-Key", Value: "header-value-1"},
			{Key: "content-type", Value: "application/json"},
			{Key: "Accept", Value: "application/xml"},
			{Key: "User-Agent", Value: "some-client/1.0"},
		},
	}}
	s := scrub.NewForJob(p, "from-elsewhere")
	for _, secret := range []string{
		"inner-of-the-token", "password-of-ann", base64.StdEncoding.EncodeToString([]byte("ann:password-of-ann")), "cookie-value-1", "header-value-1",
		"us3r-as-a-key", "passw0rd-long", "/services/T0/B0/XYZ?k=query-value-1&z=%C3%BCber-secret", "query-value-1", "über-secret", "from-elsewhere", p.Webhook.URL,
	} {
		if got := s.Text("<" + secret + ">"); got != "<"+events.Mask+">" {
			t.Errorf("%q becomes %q", secret, got)
		}
	}
	for _, plain := range []string{"application/json", "application/xml", "some-client/1.0", "https://chat.example"} {
		if got := s.Text(plain); got != plain {
			t.Errorf("%q becomes %q", plain, got)
		}
	}
	open := scrub.NewForJob(&events.Parameters{Webhook: events.Webhook{URL: "https://receiver.example.com/"}})
	if got := open.Text("https://receiver.example.com/"); got != "https://receiver.example.com/" {
		t.Errorf("an origin becomes %q", got)
	}
}

// Whatever stands around a secret, it is found, and nothing else is lost.
func FuzzText(f *testing.F) {
	f.Add(`{"a":"`, `"}`, "some-secret-value")
	f.Add(`\u005`, "%4", hard)
	f.Add("&#x", ";", "\\\\\\\\\\\\\\\\\\\\\\\\")
	f.Fuzz(func(t *testing.T, before, after, secret string) {
		if len(secret) < scrub.Shortest || len(secret) > 200 || !utf8.ValidString(secret) || strings.Contains(events.Mask, secret) || strings.Count(secret, "*") > 3 {
			t.Skip()
		}
		s := scrub.New(secret)
		got := s.Text(before + secret + after)
		if strings.Contains(got, secret) || !strings.Contains(got, events.Mask) {
			t.Errorf("%q is left in %q", secret, got)
		}
		if s.Text(got) != got && !strings.Contains(s.Text(got), events.Mask) {
			t.Errorf("%q changes again", got)
		}
		cut := s.Beginning(before + secret)
		if strings.Contains(cut, secret) {
			t.Errorf("%q is left at the end of %q", secret, cut)
		}
	})
}

func BenchmarkText(b *testing.B) {
	p := &events.Parameters{AuthToken: "0123456789abcdef0123456789abcdef", Webhook: events.Webhook{
		URL: "https://example.com/webhook", Headers: []events.Header{{Key: "Authorization", Value: "Bearer 0123456789abcdef"}},
	}}
	s := scrub.NewForJob(p)
	for name, text := range map[string]string{
		"answer": `{"status":"OK","data":{"job_id":"0b2f6c0e-5f0b-5e0c-9b0e-3a1f0e4f7c55","output_folder":"a/b/fs/D/out/20261123-115958"}}`,
		"64KiB":  strings.Repeat(`{"a":"b\/c","d":"%41&amp;"}`, 64<<10/27),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s.Text(text)
			}
		})
	}
}
