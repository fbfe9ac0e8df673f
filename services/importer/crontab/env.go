package crontab

import (
	"net/mail"
	"regexp"
	"slices"
	"strings"

	"spool.internal/events"
	"spool.internal/events/schedule"
	"spool.internal/services/importer"
)

// environment is what the lines so far have set.
type environment struct {
	shell string
	zone  string // CRON_TZ
	lost  bool   // that is no zone
	vars  []events.Variable
	mail  struct {
		set bool
		to  []string
	}
}

var assigned = regexp.MustCompile(`^("[^"]*"|'[^']*'|[A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(.*)$`)

// assignment takes a line NAME = value apart.
func assignment(body string) (name, value string, ok bool) {
	m := assigned.FindStringSubmatch(body)
	if m == nil {
		return "", "", false
	}
	return bare(m[1]), bare(strings.TrimRight(m[2], " \t")), true
}

// bare takes off quotes that match.
func bare(s string) string {
	if len(s) > 1 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// assign takes in a line NAME=value, which holds for all lines below it.
func (r *reader) assign(n int, name, value string) {
	r.Say(n, importer.Taken, "")
	if strings.Contains(value, "$") && name != "MAILTO" {
		r.Say(n, importer.Warning, "", "crond does not replace "+value+" by the value of a variable, and neither does Spool")
	}
	switch name {
	case "SHELL":
		r.env.shell = value
		if value == "/bin/sh" {
			r.env.shell = ""
		}
		if value != "" && !strings.HasPrefix(value, "/") {
			r.env.shell = ""
			r.Say(n, importer.Warning, "", "SHELL is no absolute path: /bin/sh reads the lines below")
		}
		return
	case "MAILTO":
		r.mailTo(n, value)
		return
	case "CRON_TZ":
		r.zone(n, value)
		return
	case "RANDOM_DELAY":
		r.Say(n, importer.Refused, "", "Spool starts a job in its minute, without a random delay")
		return
	case "MAILFROM", "CONTENT_TYPE", "CONTENT_TRANSFER_ENCODING":
		r.Say(n, importer.Warning, "", "is about crond's mail, and not taken: the server has --smtp-from")
		return
	case "LOGNAME", "USER":
		r.Say(n, importer.Refused, "", "cannot be set: crond does not let it be, either")
		return
	case "TZ":
		r.Say(n, importer.Warning, "", "is the zone that commands see, and not that of the schedule: crond reads the schedule in "+r.zoneName())
	case "HOME":
		r.Say(n, importer.Warning, "", "commands can read and write it only with the profile line \"home "+value+"\"")
	}
	switch {
	case !variableName.MatchString(name):
		r.Say(n, importer.Refused, "", "is no name of a variable")
		return
	case strings.HasPrefix(name, "SPOOL_"):
		r.Say(n, importer.Refused, "", "begins with SPOOL_, which Spool sets itself")
		return
	}
	r.env.vars = slices.DeleteFunc(slices.Clone(r.env.vars), func(v events.Variable) bool { return v.Name == name })
	r.env.vars = append(r.env.vars, events.Variable{Name: name, Value: value})
}

func (r *reader) mailTo(n int, value string) {
	r.env.mail.set, r.env.mail.to = true, nil
	for address := range strings.SplitSeq(value, ",") {
		if address = strings.TrimSpace(address); address == "" {
			continue
		}
		if a, err := mail.ParseAddress(address); err != nil || a.Address != address {
			r.Say(n, importer.Warning, "", address+" is no e-mail address, as user@host is, and nobody is told there")
			continue
		}
		r.env.mail.to = append(r.env.mail.to, address)
	}
	if len(r.env.mail.to) > 0 {
		r.Say(n, importer.Warning, "", "crond mails what a command prints; Spool tells of the end of each run, and keeps what was printed in its log")
	}
}

func (r *reader) zone(n int, value string) {
	if _, err := schedule.LoadLocation(value); err != nil {
		r.env.lost = true
		r.Say(n, importer.Refused, "", err.Error())
		return
	}
	r.env.zone, r.env.lost = value, false
	r.Say(n, importer.Warning, "", "cronie reads the lines below in this zone, and so does Spool; Debian's cron does not")
}

func (r *reader) zoneName() string {
	if r.env.zone != "" {
		return r.env.zone
	}
	return r.Zone
}
