package crontab

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"spool.internal/services/importer"
)

// Kind says what stands behind the five fields.
type Kind int

// The kinds of crontabs.
const (
	Users  Kind = iota // the command: the crontab of a user
	System             // a user, then the command: /etc/crontab, /etc/cron.d
)

// Table is how a crontab is read.
type Table struct {
	importer.Options
	Kind Kind
	User string // of a crontab of a user; empty: nobody knows
}

// Of tells the kind of a crontab, and its user, by where it lies. A folder crontabs or
// cron holds one for each user.
func Of(name string) (kind Kind, user string) {
	dir, base := path.Split(strings.ReplaceAll(name, `\`, "/"))
	switch dir = path.Base(strings.TrimSuffix(dir, "/")); {
	case dir == "cron.d", dir == "etc" && base == "crontab":
		return System, ""
	case dir == "crontabs", dir == "cron" && base != "crontab":
		return Users, base
	}
	return Users, ""
}

// ignored is what crond ignores in /etc/cron.d, as run-parts does.
var ignored = regexp.MustCompile(`[^A-Za-z0-9_-]`)

// reader reads one crontab.
type reader struct {
	Table
	*importer.Account
	got  *importer.Import
	keys *importer.Keys
	env  environment
	stem string // of the keys
}

// Parse reads a crontab.
func Parse(s importer.Source, t Table) *importer.Import {
	r := &reader{Table: t, Account: importer.NewAccount(s), got: &importer.Import{}, keys: &importer.Keys{}}
	base := path.Base(strings.ReplaceAll(s.Name, `\`, "/"))
	r.stem = "crontab"
	switch {
	case t.Kind == System && base == "crontab":
		r.stem += ".etc"
	case t.Kind == System:
		r.stem += "." + importer.Slug(base)
	case t.User != "":
		r.stem += "." + importer.Slug(t.User)
	}
	dropped := ""
	if t.Kind == System && path.Base(path.Dir(strings.ReplaceAll(s.Name, `\`, "/"))) == "cron.d" && ignored.MatchString(base) {
		dropped = fmt.Sprintf("crond does not read %s: only letters, digits, _ and - may be in its name", base)
	}
	texts := r.Texts()
	whole := strings.HasSuffix(string(s.Text), "\n")
	for n, text := range texts {
		r.line(n+1, text, dropped)
		if n+1 == len(texts) && !whole && strings.TrimSpace(text) != "" && !strings.HasPrefix(strings.TrimSpace(text), "#") {
			r.Say(n+1, importer.Warning, "", "the last line has no end, and crond does not run it")
		}
	}
	r.got.Lines = r.Lines()
	if len(r.got.Jobs) > 0 && !r.env.mail.set {
		r.got.Note("crond mails what a command prints to the user of the crontab; Spool keeps it in the log of each run (spool runs logs)")
	}
	return r.got
}

func (r *reader) line(n int, text, dropped string) {
	plain := strings.TrimSuffix(text, "\r")
	crlf := plain != text
	body := strings.TrimLeft(plain, " \t")
	switch {
	case body == "" || body[0] == '#':
		r.Say(n, importer.Nothing, "")
		return
	case dropped != "":
		r.Say(n, importer.Refused, "", dropped)
		return
	case strings.ContainsRune(body, 0):
		r.Say(n, importer.Refused, "", "has a NUL character")
		return
	}
	if name, value, ok := assignment(body); ok {
		r.assign(n, name, value)
	} else {
		r.entry(n, body)
	}
	if crlf {
		r.Say(n, importer.Warning, "", "the line ends as Windows ends lines, which crond takes for part of it; it is left out")
	}
}
