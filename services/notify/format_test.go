package notify

import (
	"encoding/json"
	"mime"
	"net/mail"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// Names and messages that try to become markup, JSON or headers.
const (
	evilName    = "Nightly <!channel> \"*import*\"\r\nX-Evil: 1"
	evilMessage = "exit status 3: <https://evil.test|click> ```@here``` \"\\ \x1b[31m & é"
)

func evil() (events.Notification, *events.Job) {
	n := events.Notification{
		JobID: "j1", About: events.AboutRun, State: events.Failed, At: time.Unix(1_790_000_000, 0), Message: evilMessage,
		FlowJobID: "f1", OutputFolder: "a/b/fs/D/out", File: "sub/scan_01.pdf", Slot: time.Unix(1_790_000_000, 0),
	}
	return n, &events.Job{ID: "j1", Username: "ann", Name: evilName}
}

func TestFormats(t *testing.T) {
	n, job := evil()
	m := newMessage(n, job, nil)
	bodies := map[events.WebhookFormat]string{}
	for _, format := range events.WebhookFormats {
		body, header, err := m.body(format)
		if err != nil {
			t.Fatal(err)
		}
		bodies[format] = string(body)
		wantType := "application/json"
		if format == "ntfy" {
			wantType = "text/plain; charset=utf-8"
		} else if !json.Valid(body) {
			t.Errorf("%s: no JSON: %s", format, body)
		}
		if header.Get("Content-Type") != wantType {
			t.Errorf("%s: %v", format, header)
		}
		for key, values := range header {
			if strings.ContainsAny(strings.Join(values, ""), "\r\n") {
				t.Errorf("%s: %s has a line break: %q", format, key, values)
			}
		}
		if strings.ContainsRune(string(body), 0x1b) {
			t.Errorf("%s: a control character in %q", format, body)
		}
	}

	var slack struct{ Text string }
	if err := json.Unmarshal([]byte(bodies["slack"]), &slack); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(slack.Text, "<>") || strings.Count(slack.Text, "```") != 2 ||
		!strings.HasPrefix(slack.Text, ":red_circle: *Nightly &lt;!channel&gt; \"*import*\" X-Evil: 1* failed\nWhen: ") ||
		!strings.Contains(slack.Text, "\nFile: sub/scan_01.pdf\n") {
		t.Errorf("slack: %s", slack.Text)
	}

	var teams struct {
		Type        string
		Attachments []struct {
			ContentType string `json:"contentType"`
			Content     struct {
				Type, Version string
				Body          []struct {
					Type, Text, Color string
					Facts             []struct{ Title, Value string }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(bodies["teams"]), &teams); err != nil {
		t.Fatal(err)
	}
	card := teams.Attachments[0].Content
	if teams.Type != "message" || teams.Attachments[0].ContentType != "application/vnd.microsoft.card.adaptive" || card.Type != "AdaptiveCard" ||
		len(card.Body) != 3 || card.Body[0].Text != `Nightly <!channel> "\*import\*" X-Evil: 1 failed` || card.Body[0].Color != "Attention" ||
		len(card.Body[2].Facts) != 7 || card.Body[2].Facts[1].Value != `sub/scan\_01.pdf` {
		t.Errorf("teams: %+v", card)
	}

	_, header, err := m.body("ntfy")
	if err != nil {
		t.Fatal(err)
	}
	title, err := new(mime.WordDecoder).DecodeHeader(header.Get("Title"))
	if err != nil || title != `Nightly <!channel> "*import*" X-Evil: 1 failed` || header.Get("Priority") != "high" {
		t.Errorf("ntfy: %q, %v, %v", title, err, header)
	}
	if !strings.HasPrefix(bodies["ntfy"], `Nightly <!channel> "*import*" X-Evil: 1 failed`) || !strings.Contains(bodies["ntfy"], "@here") {
		t.Errorf("ntfy: %s", bodies["ntfy"])
	}

	n.State, n.Before, n.Message = events.Recovered, events.Late, ""
	well := newMessage(n, job, nil)
	for _, format := range events.WebhookFormats {
		body, _, err := well.body(format)
		if err != nil || !strings.Contains(string(body), "is well again (before: is late)") {
			t.Errorf("%s: %s, %v", format, body, err)
		}
	}
}

// Each format reaches its receiver as the receiver wants it.
func TestFormatsArrive(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	url, calls := h.receiver(status(200))
	h.start()
	for _, format := range events.WebhookFormats {
		job := string(format)
		h.asking(job, `{"notify":{"on":["failed"],"to":{"webhook":"`+url+`/`+job+`","format":"`+job+`"}}}`, "", 0)
		h.ended(job, events.ERROR, "exit status 3")
		c := h.next(calls)
		h.verify(c)
		if c.URL.Path != "/"+job || !strings.Contains(string(c.body), "exit status 3") || c.Header.Get("User-Agent") != "spool" {
			t.Errorf("%s: %v %s", format, c.Header, c.body)
		}
		if format == "ntfy" && (c.Header.Get("Title") != "Nightly <b>*import*</b> failed" || c.Header.Get("Tags") != "rotating_light") {
			t.Errorf("ntfy: %v", c.Header)
		}
	}
	h.observed()
}

// Mail about a state goes to notify.to.mail, and no longer to who is outside the domains.
func TestStateMail(t *testing.T) {
	t.Parallel()
	h, p := mailing(t, nil)
	h.cfg.MailDomains = events.MailDomains{"post.test"}
	h.start()
	h.asking("j1", `{"notify":{"to":{"mail":["ann@post.test","eve@evil.test"]}}`+neverLate+`}`, "", 0)
	h.ended("j1", events.ERROR, "exit status 3\nno luck")
	h.ended("j1", events.ERROR, "exit status 3\nno luck")
	eventstest.Eventually(h, "the first is sent", func() bool { return len(p.received()) == 1 })
	h.ended("j1", events.OK, "") // two of one moment have no order
	eventstest.Eventually(h, "both are sent", func() bool { return len(p.received()) == 2 })
	var subjects []string
	for _, m := range p.received() {
		head, body := m.read(t)
		subjects = append(subjects, decode(t, head.Header.Get("Subject")))
		if m.to != "ann@post.test" || !strings.Contains(body, "Job id: j1") || !strings.Contains(body, "spool.notify names you") {
			t.Errorf("%s: %s", m.to, body)
		}
		if _, err := mail.ParseAddress(head.Header.Get("From")); err != nil {
			t.Error(err)
		}
	}
	if len(subjects) != 2 || subjects[0] != "[Spool] Nightly <b>*import*</b> failed" || subjects[1] != "[Spool] Nightly <b>*import*</b> is well again (before: failed)" {
		t.Errorf("subjects %q", subjects)
	}
	var u events.Undeliverable
	eventstest.Eventually(h, "eve is recorded", func() bool {
		m, found, err := h.bus.NotificationUndelivered("j1", "run", 1, "email").Last(t.Context())
		return err == nil && found && json.Unmarshal(m.Data, &u) == nil
	})
	if !strings.Contains(u.Message, "eve@evil.test: is outside") {
		t.Errorf("recorded %+v", u)
	}
}
