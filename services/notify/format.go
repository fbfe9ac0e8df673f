package notify

import (
	"bytes"
	"embed"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"time"

	template "github.com/DataDog/datadog-agent/pkg/template/text"

	"spool.internal/events"
)

// maxShown bounds the end of a run's message that is quoted: chats refuse long bodies.
const maxShown = 2000

//go:embed templates
var templateFiles embed.FS

// templates make the bodies of webhooks, one for each of [events.WebhookFormats].
var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"json":   func(v any) string { return string(events.Encode(v)) },
	"mrkdwn": strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace,
	"plain":  markdown.Replace,
	"code": func(s string) string {
		if s == "" {
			return ""
		}
		return "\n```" + strings.ReplaceAll(s, "```", "'''") + "```"
	},
}).ParseFS(templateFiles, "templates/*.tmpl"))

// markdown escapes the characters that have a meaning in the cards of Teams.
var markdown = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "`", "\\`", "#", `\#`)

// message is the data of the templates.
type message struct {
	State, Before events.Condition
	About         string
	Well          bool
	Says          string // what happened, after the name of the job
	Emoji         string
	Job, JobID    string
	Owner         string
	Tags          []string
	At            string
	Message       string
	TriggerID     string
	FlowJobID     string
	File, Slot    string
	Output        string
	Facts         []fact
	Details       string // the facts, each on a line of its own
}

type fact struct{ Name, Value string }

func newMessage(n events.Notification, job *events.Job, tags []string) message {
	m := message{
		State: n.State, Before: n.Before, About: n.About, Well: n.Well(), Says: says(n), Emoji: ":red_circle:",
		Job: oneLine(job.Name), JobID: job.ID, Owner: job.Username, Tags: tags, At: n.At.UTC().Format(time.RFC3339),
		Message: cutFront(strings.TrimSpace(printable(n.Message)), maxShown), TriggerID: n.TriggerID, FlowJobID: n.FlowJobID,
		File: oneLine(n.File), Output: oneLine(n.OutputFolder),
	}
	if m.Tags == nil {
		m.Tags = []string{}
	}
	if m.Well {
		m.Emoji = ":large_green_circle:"
	}
	if !n.Slot.IsZero() {
		m.Slot = n.Slot.UTC().Format(time.RFC3339)
	}
	for _, f := range []fact{
		{"When", moment(n.At)}, {"File", m.File}, {"Slot", m.Slot}, {"Output", m.Output}, {"Run", m.FlowJobID}, {"Job id", m.JobID}, {"Owner", m.Owner},
	} {
		if f.Value != "" {
			m.Facts = append(m.Facts, f)
			m.Details += "\n" + f.Name + ": " + f.Value
		}
	}
	return m
}

// says describes a state in words that follow the name of the job.
func says(n events.Notification) string {
	words := map[events.Condition]string{
		events.Failed:   "failed",
		events.Dead:     "could not be started and was given up",
		events.Missed:   "missed slots of its schedule",
		events.TooLong:  "runs too long",
		events.Blocked:  "cannot read its folder",
		events.HeldBack: "is held back",
	}
	state := n.State
	if n.Well() {
		state = n.Before
	}
	text := words[state]
	if state == events.Late {
		text = "is late"
	}
	if n.Well() {
		return "is well again (before: " + text + ")"
	}
	return text
}

// body returns the body of a webhook in a format, and its headers.
func (m message) body(format events.WebhookFormat) ([]byte, http.Header, error) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, string(format)+".tmpl", m); err != nil {
		return nil, nil, err
	}
	if format == events.FormatNtfy {
		h := http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
		h.Set("Title", mime.QEncoding.Encode("utf-8", cutRunes(m.Job, maxSubject)+" "+m.Says))
		h.Set("Priority", "high")
		h.Set("Tags", "rotating_light")
		if m.Well {
			h.Set("Priority", "default")
			h.Set("Tags", "white_check_mark")
		}
		return bytes.TrimSpace(b.Bytes()), h, nil
	}
	var compact bytes.Buffer
	err := json.Compact(&compact, b.Bytes())
	return compact.Bytes(), http.Header{"Content-Type": {"application/json"}}, err
}
