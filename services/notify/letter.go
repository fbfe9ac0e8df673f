package notify

import (
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"spool.internal/events"
)

// Bounds on what a letter quotes.
const (
	maxSubject = 100  // characters of a job's name
	maxTail    = 4000 // bytes at the end of a run's message
)

// letter is an e-mail about one notification.
type letter struct {
	n      notification
	job    string // its name
	change bool   // the outcome before was the opposite

	state   *message // instead: that the state of the job changed
	balance *report  // or this
}

// message writes the letter. The same letter to the same address is always the same message, with the same Message-ID,
// so that the reader's program can recognize a duplicate.
func (l letter) message(from *mail.Address, to string) (*gomail.Msg, error) {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(from)
	if err := m.To(to); err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	m.SetMessageIDWithValue(events.Hash(l.n.id+"\x00"+to) + "@" + domain)
	m.SetDateWithValue(l.n.at)
	m.SetGenHeader("Auto-Submitted", "auto-generated") // no out-of-office replies
	m.Subject("[Spool] " + l.subject())
	m.SetBodyString(gomail.TypeTextPlain, l.text())
	return m, nil
}

func (l letter) subject() string {
	name := cutRunes(oneLine(l.job), maxSubject)
	switch {
	case l.state != nil:
		return name + " " + l.state.Says
	case l.balance != nil:
		return oneLine(l.balance.subject)
	}
	return l.outcome() + ": " + name
}

func (l letter) outcome() string {
	switch {
	case l.n.dead != nil && l.change:
		return "GIVEN UP (first failure)"
	case l.n.dead != nil:
		return "GIVEN UP"
	case l.n.run.Status == events.OK && l.change:
		return "OK again"
	case l.n.run.Status == events.OK:
		return "OK"
	case l.change:
		return "ERROR (first failure)"
	default:
		return "ERROR"
	}
}

func (l letter) text() string {
	var b strings.Builder
	if l.balance != nil {
		return printable(l.balance.text) + "\n-- \nSpool sends this because --balance-to names you.\n"
	}
	if l.state != nil {
		b.WriteString(l.state.Job + " " + l.state.Says + ".\n" + l.state.Details + "\n")
		if l.state.Message != "" {
			b.WriteString("\n" + l.state.Message + "\n")
		}
		return b.String() + "\n-- \nSpool sends this because the job's spool.notify names you.\n"
	}
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-9s %s\n", name+":", oneLine(value))
		}
	}
	line("Job", l.job)
	line("Outcome", l.outcome())
	tail := ""
	if ev := l.n.run; ev != nil {
		line("Started", moment(ev.StartedAt))
		line("Ended", moment(ev.At))
		line("Input", ev.InputDir)
		line("Output", ev.OutputFolder)
		line("Run", ev.FlowJobID)
		tail = ev.Message
	} else {
		d := l.n.dead
		line("Triggered", moment(d.Result.TriggeredAt))
		line("Given up", moment(d.At))
		if f := d.Trigger.File; f != nil {
			line("File", f.Path)
		}
		line("Attempts", fmt.Sprint(d.Result.Attempts))
		line("Status", d.Result.HTTP.Status)
		tail = d.Result.HTTP.Response
	}
	line("Job id", l.n.jobID)
	if tail = strings.TrimSpace(printable(tail)); tail != "" {
		b.WriteString("\n" + cutFront(tail, maxTail) + "\n")
	}
	return b.String() + "\n-- \nSpool sends this because the job's notification_emails name you.\n"
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 MST")
}

// oneLine takes everything out of a text that could end a header or a line.
func oneLine(s string) string { return strings.Join(strings.Fields(printable(s)), " ") }

// printable replaces control characters; line breaks and tabs stay.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return -1
		case !unicode.IsPrint(r):
			return '\uFFFD'
		}
		return r
	}, s)
}

// cutRunes keeps the first n characters.
func cutRunes(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n]) + "…"
	}
	return s
}

// cutFront keeps the last n bytes.
func cutFront(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[len(s)-n:]
	for !utf8.RuneStart(s[0]) {
		s = s[1:]
	}
	return "… " + s
}
