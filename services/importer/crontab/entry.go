package crontab

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"spool.internal/events/schedule"
	"spool.internal/services/importer"
)

var (
	macro   = regexp.MustCompile(`^(@[A-Za-z_]+|@[0-9]+)[ \t]+(.*)$`)
	fields  = regexp.MustCompile(`^((?:[^ \t]+[ \t]+){4}[^ \t]+)[ \t]+(.*)$`)
	field   = regexp.MustCompile(`^[0-9*/,-]+$`)
	account = regexp.MustCompile(`^([^ \t]+)[ \t]+(.*)$`)
)

// entry takes in a line with a schedule and a command.
func (r *reader) entry(n int, body string) {
	m := macro.FindStringSubmatch(body)
	if m == nil && body[0] != '@' {
		m = fields.FindStringSubmatch(body)
	}
	if m == nil {
		r.Say(n, importer.Refused, "", "is neither a variable nor a schedule with a command")
		return
	}
	when, command := strings.Join(strings.Fields(m[1]), " "), m[2]
	quiet := strings.HasPrefix(when, "-")
	when = strings.TrimPrefix(when, "-")
	if body[0] == '@' {
		when = strings.ToLower(when)
	}
	user := r.User
	if r.Kind == System {
		if m = account.FindStringSubmatch(command); m == nil {
			r.Say(n, importer.Refused, "", "has no command behind the user")
			return
		}
		user, command = m[1], m[2]
	}
	if r.env.lost {
		r.Say(n, importer.Refused, "", "its zone is not known: see CRON_TZ above it")
		return
	}
	if fault := r.fault(when, command); fault != "" {
		r.Say(n, importer.Refused, "", fault)
		return
	}
	j := r.job(n, when, command, user)
	if j == nil {
		return
	}
	if quiet {
		r.Say(n, importer.Warning, j.Key, "the - before the minute keeps crond from logging it: a shadow report cannot find its starts")
	}
	if fault := j.Check(); fault != "" {
		r.Say(n, importer.Refused, "", fault)
		return
	}
	r.Say(n, importer.Taken, j.Key)
	r.got.Jobs = append(r.got.Jobs, j)
}

// fault says why a line cannot be a job.
func (r *reader) fault(when, command string) string {
	switch {
	case when == "@every_minute" || when == "@every_second" || regexp.MustCompile(`^@[0-9]+$`).MatchString(when):
		return when + " counts from the end of a run or in seconds, which Spool does not: write * * * * * for every minute"
	case strings.TrimSpace(command) == "":
		return "has no command"
	}
	if _, err := schedule.ParseAny(when, nil); err != nil {
		return err.Error()
	}
	return ""
}

// job makes the job of a line, or says why there is none.
func (r *reader) job(n int, when, text, user string) *importer.Job {
	command, input, given := split(text)
	if strings.TrimSpace(command) == "" {
		r.Say(n, importer.Refused, "", "has no command before the first %")
		return nil
	}
	j := &importer.Job{
		Key: r.keys.Of(r.stem, user+"\x00"+text), Name: importer.Title(command), Schedule: when, Timezone: r.zoneName(),
		Line: command, Shell: r.env.shell, Env: slices.Clone(r.env.vars), Mail: slices.Clone(r.env.mail.to),
	}
	if when == schedule.Reboot {
		j.Timezone = ""
		r.Say(n, importer.Warning, j.Key, "runs once for each start of the machine that Spool's cron runs on, when the job was enabled before that start")
	}
	if word, _, _ := strings.Cut(command, " "); field.MatchString(word) {
		r.Say(n, importer.Warning, j.Key, "the command begins with "+word+", as crond reads the line: it has no field for seconds, nor a year")
	}
	if strings.HasSuffix(command, `\`) {
		r.Say(n, importer.Warning, j.Key, "the command ends with a backslash: crond does not go on in the next line")
	}
	if given && !r.stdin(n, j, input) {
		return nil
	}
	switch {
	case importer.IsRoot(user):
		r.Say(n, importer.Warning, j.Key, importer.RootWarning)
	case user != "":
		r.grants(j, user)
	}
	for _, warning := range j.Clocks(r.Now, "as Debian's cron does it; cronie and others differ there") {
		r.Say(n, importer.Warning, j.Key, warning)
	}
	if outside := paths(text); len(outside) > 0 {
		r.Say(n, importer.Warning, j.Key, "names "+strings.Join(outside, ", ")+", which the sandbox keeps from it: a profile grants them (lines read, run or write)")
	}
	return j
}

// grants names the profile that makes commands the user of the line.
func (r *reader) grants(j *importer.Job, user string) {
	name := "user-" + importer.Slug(user)
	j.Profiles = append(j.Profiles, name)
	r.got.Grant(name, "user "+user)
	for _, v := range j.Env {
		if v.Name == "HOME" && strings.HasPrefix(v.Value, "/") && v.Value != "/" {
			r.got.Grant(name, "home "+path.Clean(v.Value))
		}
	}
}

// stdin gives a command what stands behind the first %, as a here-document.
func (r *reader) stdin(n int, j *importer.Job, input string) bool {
	switch path.Base(j.Shell) {
	case ".", "sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "busybox":
	default:
		r.Say(n, importer.Refused, "", "has standard input behind %, for which the shell "+j.Shell+" has no here-document: put the input into a file")
		return false
	}
	mark := "INPUT"
	for slices.Contains(strings.Split(input, "\n"), mark) {
		mark += "_"
	}
	j.Line = "{ " + j.Line + "\n} <<'" + mark + "'\n" + input + mark + "\n"
	r.Say(n, importer.Warning, j.Key, "what stands behind % is given to the command as a here-document")
	return true
}

// split takes a command apart as crond does: up to the first % is the command, and what
// follows is its input, in which % is the end of a line.
func split(text string) (command, input string, given bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && text[i+1] == '%':
			b.WriteByte('%')
			i++
		case c == '\\' && i+1 < len(text):
			b.WriteString(text[i : i+2])
			i++
		case c == '%':
			return b.String(), lines(text[i+1:]), true
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), "", false
}

// lines is the input of a command.
func lines(text string) string {
	var b strings.Builder
	escaped := false
	for i := range len(text) {
		c := text[i]
		if escaped && c != '%' {
			b.WriteByte('\\')
		} else if !escaped && c == '%' {
			c = '\n'
		}
		if escaped = c == '\\'; !escaped {
			b.WriteByte(c)
		}
	}
	if escaped {
		b.WriteByte('\\')
	}
	if s := b.String(); s != "" && !strings.HasSuffix(s, "\n") {
		b.WriteByte('\n')
	}
	return b.String()
}

var (
	pathWord = regexp.MustCompile(`(^|[\s=>'"(|;&<:])(/[A-Za-z0-9._@%+~/-]*[A-Za-z0-9_~])`)
	// open is what every run may read and execute, or has of its own.
	open = regexp.MustCompile(`^/(usr|bin|sbin|lib[^/]*|tmp|dev|proc)(/|$)`)
)

// paths finds the folders and files that a command names outside of what each run may
// use. It is a guess, for a person to look at.
func paths(command string) (all []string) {
	for _, at := range pathWord.FindAllStringSubmatchIndex(command, -1) {
		p := path.Clean(command[at[4]:at[5]])
		if rest := command[at[5]:]; rest != "" && strings.ContainsAny(rest[:1], "-.*?[{$`") {
			p = path.Dir(p) // the rest of the name is made when it runs
		}
		if !open.MatchString(p) && !slices.Contains(all, p) && len(all) < 6 {
			all = append(all, p)
		}
	}
	return all
}

var hereDocument = regexp.MustCompile(`(?s)^\{ (.*)\n\} <<'INPUT_*'\n.*$`)

// Logged is the command of a job as crond logs the line that it was made of: without what
// stood behind %.
func Logged(command string) string {
	if m := hereDocument.FindStringSubmatch(command); m != nil {
		command = m[1]
	}
	var b strings.Builder
	for _, c := range []byte(command) {
		if c < ' ' {
			b.WriteString("^" + string(c+'@'))
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
