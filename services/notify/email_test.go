package notify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// mailing is a harness with an SMTP server.
func mailing(t *testing.T, edit func(*smtp.Server, *smtpServer)) (*harness, *smtpServer) {
	p := newSMTPServer(t, edit)
	h := newHarness(t)
	h.cfg.SMTPURL = "smtp://spool%40post.test:p4ss%3Aword@" + p.addr + "?from=spool@post.test"
	h.cfg.SMTPRoots = p.roots
	return h, p
}

func to(addresses string) string { return `{"notification_emails":"` + addresses + `"}` }

// The server takes neither a password nor a message before STARTTLS.
func TestMailThroughSTARTTLS(t *testing.T) {
	t.Parallel()
	h, p := mailing(t, nil)
	h.start()
	h.job("j1", "Café\r\nBcc: evil@post.test", to("ann@post.test, bob@post.test"), 0)
	ev := h.ended("j1", events.ERROR, "exit status 3\n\x1b[31mno luck\x00 today")
	h.settled("notify-email")
	got := p.received()
	if len(got) != 2 || got[0].to != "ann@post.test" || got[1].to != "bob@post.test" {
		t.Fatalf("received %+v", got)
	}
	for _, m := range got {
		if !m.tls || m.user != "spool@post.test" || m.from != "spool@post.test" {
			t.Errorf("tls %v, user %q, from %q", m.tls, m.user, m.from)
		}
		head, body := m.read(t)
		if s := decode(t, head.Header.Get("Subject")); s != "[Spool] ERROR (first failure): Café Bcc: evil@post.test" {
			t.Errorf("subject %q", s)
		}
		if head.Header.Get("To") != "<"+m.to+">" || head.Header.Get("Bcc") != "" || head.Header.Get("Auto-Submitted") != "auto-generated" {
			t.Errorf("head %v", head.Header)
		}
		if _, err := head.Header.Date(); err != nil {
			t.Error(err)
		}
		for _, says := range []string{ev.FlowJobID, "a/b/fs/D/out", "a/b/fs/D/in", "exit status 3", "no luck", "ERROR (first failure)"} {
			if !strings.Contains(body, says) {
				t.Errorf("the body does not say %q:\n%s", says, body)
			}
		}
		if strings.ContainsAny(body, "\x1b\x00") || strings.Contains(body, "http") {
			t.Errorf("the body holds control characters or a link: %q", body)
		}
	}
	if got[0].text == got[1].text {
		t.Error("one message for both")
	}
}

// A server that greylists takes the second attempt, and it is the same message.
// Who was not greylisted hears once.
func TestGreylisting(t *testing.T) {
	t.Parallel()
	h, p := mailing(t, func(_ *smtp.Server, p *smtpServer) {
		p.rcpt = func(to string, nth int) error {
			if to == "grey@post.test" && nth < 3 {
				return greylisted()
			}
			return nil
		}
	})
	h.start()
	h.job("j1", "Daily", to("grey@post.test,ann@post.test"), 0)
	h.ended("j1", events.OK, "")
	h.settled("notify-email")
	var heard []string
	for _, m := range p.received() {
		heard = append(heard, m.to)
	}
	if slices.Sort(heard); !slices.Equal(heard, []string{"ann@post.test", "grey@post.test"}) || p.seen["grey@post.test"] != 3 {
		t.Errorf("received by %v, greylisted %d times", heard, p.seen["grey@post.test"]-1)
	}
	if failed, sent := h.figure("email", "failed"), h.figure("email", "sent"); failed != 2 || sent != 1 {
		t.Errorf("failed %v, sent %v", failed, sent)
	}
}

// An address that is refused for good is asked once, and shown; the other hears.
func TestRefusedAddress(t *testing.T) {
	t.Parallel()
	h, p := mailing(t, func(_ *smtp.Server, p *smtpServer) {
		p.rcpt = func(to string, nth int) error {
			switch {
			case to == "nobody@post.test":
				return unknown()
			case nth == 1:
				return greylisted()
			}
			return nil
		}
	})
	h.start()
	h.job("j1", "Daily", to("nobody@post.test,ann@post.test"), 0)
	m := h.undelivered("email", h.ended("j1", events.OK, ""))
	if !strings.Contains(m, "e-mail to nobody@post.test: refused: ") || !strings.Contains(m, "550") || strings.Contains(m, "ann@") || strings.Contains(m, "p4ss") {
		t.Errorf("recorded %q", m)
	}
	h.settled("notify-email")
	if got := p.received(); len(got) != 1 || got[0].to != "ann@post.test" || p.seen["nobody@post.test"] != 1 {
		t.Errorf("received %+v, asked %v", got, p.seen)
	}
}

// Without STARTTLS, with a certificate of another host or with a wrong password
// nothing is sent, and both the run and the log say why without the password.
func TestUntrustedServers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server func(*smtp.Server, *smtpServer)
		client func(*Config)
		says   string
	}{
		"no STARTTLS":       {func(s *smtp.Server, _ *smtpServer) { s.TLSConfig, s.AllowInsecureAuth = nil, true }, nil, "STARTTLS"},
		"not its name":      {nil, func(c *Config) { c.SMTPRoots = nil }, "certificate"},
		"the wrong word":    {nil, func(c *Config) { c.SMTPURL = strings.Replace(c.SMTPURL, "p4ss", "wr0ng", 1) }, "535"},
		"nobody is at home": {nil, func(c *Config) { c.SMTPURL = "smtp://127.0.0.1:1?from=a@b.test" }, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, p := mailing(t, c.server)
			if c.client != nil {
				c.client(&h.cfg)
			}
			h.start()
			h.job("j1", "Daily", to("ann@post.test"), 0)
			if m := h.undelivered("email", h.ended("j1", events.OK, "")); !strings.Contains(m, c.says) || strings.Contains(m, "p4ss") || strings.Contains(m, "wr0ng") {
				t.Errorf("given up with %q", m)
			}
			if got := p.received(); len(got) > 0 {
				t.Errorf("received %+v", got)
			}
			if failed := h.figure("email", "failed"); failed != 8 {
				t.Errorf("%v attempts, want 8: the operator can mend it", failed)
			}
		})
	}
}

// TLS from the first byte on, and none at all.
func TestOtherTransports(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		secure bool
		url    string
	}{
		"smtps://": {true, "smtps://spool%40post.test:p4ss%3Aword@ADDR?from=spool@post.test"},
		"tls=none": {false, "smtp://ADDR?from=spool@post.test&tls=none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, p := mailing(t, func(s *smtp.Server, p *smtpServer) { p.implicit = c.secure })
			h.cfg.SMTPURL = strings.Replace(c.url, "ADDR", p.addr, 1)
			h.start()
			h.job("j1", "Daily", to("ann@post.test"), 0)
			h.ended("j1", events.OK, "")
			h.settled("notify-email")
			if got := p.received(); len(got) != 1 || got[0].tls != c.secure || (got[0].user != "") != c.secure {
				t.Errorf("received %+v", got)
			}
		})
	}
}

// What there is e-mail about, by --mail-on.
func TestMailOn(t *testing.T) {
	t.Parallel()
	for on, want := range map[MailOn][]string{
		MailOnEnd:     {"OK", "ERROR (first failure)", "ERROR", "OK", "GIVEN UP (first failure)", "ERROR", "OK"},
		MailOnFailure: {"ERROR (first failure)", "ERROR", "GIVEN UP (first failure)", "ERROR"},
		MailOnChange:  {"ERROR (first failure)", "OK again", "GIVEN UP (first failure)", "OK again"},
	} {
		t.Run(string(on), func(t *testing.T) {
			t.Parallel()
			h, p := mailing(t, nil)
			h.cfg.MailOn = on
			h.start()
			h.job("j1", "Daily", to("ann@post.test"), 0)
			h.job("other", "Other", `{}`, 0)
			for _, step := range []string{"OK", "ERROR", "ERROR", "OK", "dead", "ERROR", "OK"} {
				if step == "dead" {
					h.giveUp("j1", "file.pdf")
				} else {
					h.ended("j1", events.Status(step), "")
				}
				h.ended("other", events.ERROR, "")
				h.settled("notify-email")
				h.settled("notify-email-dead")
			}
			var got []string
			for _, m := range p.received() {
				head, _ := m.read(t)
				s, _ := strings.CutSuffix(decode(t, head.Header.Get("Subject")), ": Daily")
				got = append(got, strings.TrimPrefix(s, "[Spool] "))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("subjects (-want +got)\n%s", diff)
			}
		})
	}
}

// giveUp stores a dead letter.
func (h *harness) giveUp(job, file string) {
	h.Helper()
	at := time.Now()
	tr := events.Trigger{ID: "file:" + job + ":1", JobID: job, Kind: events.KindFile, File: &events.File{Path: file}}
	res := events.Result{
		TriggerID: tr.ID, JobID: job, Kind: tr.Kind, TriggeredAt: at, EndedNS: at.UnixNano(), Status: events.ERROR, Attempts: 12,
		HTTP: events.HTTPResult{Status: "0", Response: "connection refused"},
	}
	if err := h.bus.PutDead(h.Context(), tr, res); err != nil {
		h.Fatal(err)
	}
}

func TestDeadLetter(t *testing.T) {
	t.Parallel()
	h, p := mailing(t, nil)
	h.start()
	h.job("j1", "Daily", to("ann@post.test"), 0)
	h.giveUp("j1", "a\nb.pdf")
	eventstest.Eventually(h, "the letter", func() bool { return len(p.received()) == 1 })
	_, body := p.received()[0].read(t)
	for _, says := range []string{"File:     a b.pdf", "Attempts: 12", "connection refused", "GIVEN UP"} {
		if !strings.Contains(body, says) {
			t.Errorf("the body does not say %q:\n%s", says, body)
		}
	}
}

func TestMessageIsStable(t *testing.T) {
	n := notification{id: "ended_f1", at: time.Unix(1, 0), jobID: "j1", run: &events.RunEvent{Status: events.OK, FlowJobID: "f1"}}
	relay, err := parseRelay("smtp://h?from=Spool%20<spool@post.test>")
	if err != nil {
		t.Fatal(err)
	}
	id := func(to string) string {
		m, err := letter{n: n, job: "x"}.message(relay.from, to)
		if err != nil {
			t.Fatal(err)
		}
		return m.GetMessageID()
	}
	if a, b, c := id("a@b.c"), id("a@b.c"), id("d@e.f"); a != b || a == c || !strings.HasSuffix(a, "@post.test>") {
		t.Errorf("Message-IDs %s %s %s", a, b, c)
	}
}

func TestCutFront(t *testing.T) {
	if s := cutFront(strings.Repeat("é", 3000), maxTail); len(s) > maxTail+4 || !strings.HasPrefix(s, "… é") {
		t.Errorf("cut to %d bytes, %q…", len(s), s[:8])
	}
}

func TestCutRunes(t *testing.T) {
	if s := cutRunes(strings.Repeat("é", 300), maxSubject); len([]rune(s)) != maxSubject+1 {
		t.Errorf("cut to %d", len([]rune(s)))
	}
}

func TestParseRelay(t *testing.T) {
	for url, want := range map[string]string{
		"smtp://h?from=a@b.c":                        "h 587 false false ",
		"smtps://u:p@h?from=a@b.c":                   "h 465 true false u",
		"smtp://u%40x:p@h:2525/?from=a@b.c":          "h 2525 false false u@x",
		"smtp://[::1]:25?from=a@b.c&tls=none":        "::1 25 false true ",
		"http://u:s3cret@h?from=a@b.c":               "smtp-url: begins with",
		"smtp://u:s3cret@h":                          "smtp-url: from=",
		"smtp://u:s3cret@h?from=a@b.c&tls=none":      "smtp-url: tls=none is for",
		"smtps://h?from=a@b.c&tls=none":              "smtp-url: tls=none is for",
		"smtp://u:s3cret@h?from=a@b.c&tls=sometimes": "smtp-url: tls=",
		"smtp://u:s3cret@h?form=a@b.c":               "smtp-url: \"form\"",
		"smtp://u:s3cret@h:x?from=a@b.c":             "smtp-url: is not of the form",
		"smtp://u:s3cret@h:0?from=a@b.c":             "smtp-url: port",
		"smtp://u:s3cret@h/path?from=a@b.c":          "smtp-url: is not of the form",
		"u:s3cret":                                   "smtp-url: is not of the form",
		"":                                           "smtp-url: is not of the form",
	} {
		relay, err := parseRelay(url)
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprint(relay.host, " ", relay.port, " ", relay.implicit, " ", relay.clear, " ", relay.user)
		}
		if !strings.HasPrefix(got, want) || strings.Contains(got, "s3cret") {
			t.Errorf("%s: %s, want %s…", url, got, want)
		}
	}
	if _, err := New(Config{SMTPURL: "smtp://", MailOn: "never", WebhookAllow: []string{"*"}}); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("faults: %v", err)
	}
}
