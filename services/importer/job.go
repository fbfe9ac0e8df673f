package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
)

// Job is a job as a manifest has it. Empty fields are left out.
type Job struct {
	Key, Name, Schedule string
	Timezone            string
	Line                string   // the command, for a shell
	Argv                []string // in place of Line
	Shell               string
	Env                 []events.Variable
	Profiles            []string
	Timeout             time.Duration
	Retries             int
	Mail                []string
	Tags                []string
	CatchUp             events.CatchUp
	Overlap             events.Overlap

	Object events.Object // in place of all of these but Key: a body of the seed's form
}

// Reboot is the schedule of what runs once for each start of its machine.
const Reboot = schedule.Reboot

// Member is the object of a manifest. The job is made disabled: what runs it now goes on
// until a person has taken it away there.
func (j *Job) Member() events.Object {
	o := events.Object{}
	o = set(o, "key", j.Key)
	o = set(o, "name", j.Name)
	o = set(o, "initially", "disabled")
	if j.Object != nil {
		for _, m := range j.Object {
			if m.Key != "name" || j.Name == "" {
				o = o.Set(m.Key, m.Value)
			}
		}
		return o
	}
	o = set(o, "schedule", j.Schedule)
	run := events.Object{}
	if run = set(run, "command", j.Line); len(j.Argv) > 0 {
		run = run.Set("command", j.Argv)
	}
	run = set(run, "shell", j.Shell)
	if env := (events.Object{}); len(j.Env) > 0 {
		for _, v := range j.Env {
			env = env.Set(v.Name, v.Value)
		}
		run = run.Set("env", env)
	}
	if len(j.Profiles) > 0 {
		run = run.Set("profiles", j.Profiles)
	}
	if j.Timeout > 0 {
		run = run.Set("timeout", j.Timeout.String())
	}
	if j.Retries > 0 {
		run = run.Set("retries", events.Object{}.Set("times", j.Retries))
	}
	o = o.Set("run", run)
	settings := events.Object{}
	if len(j.Tags) > 0 {
		settings = settings.Set("tags", j.Tags)
	}
	if len(j.Mail) > 0 {
		settings = settings.Set("notification_emails", strings.Join(j.Mail, ","))
	}
	if len(settings) > 0 {
		o = o.Set("settings", settings)
	}
	spool := set(events.Object{}, "timezone", j.Timezone)
	spool = set(spool, "overlap", string(j.Overlap))
	spool = set(spool, "catch_up", string(j.CatchUp))
	if len(spool) > 0 {
		o = o.Set("spool", spool)
	}
	return o
}

func set(o events.Object, key, value string) events.Object {
	if value == "" {
		return o
	}
	return o.Set(key, value)
}

// Check says what Spool would refuse about the job, or "". Whether its names, drives and
// profiles are there is for the server to say.
func (j *Job) Check() string {
	body := events.Object{}
	for _, m := range j.Member() {
		if m.Key != "key" && m.Key != "initially" {
			body = body.Set(m.Key, json.RawMessage(m.Value))
		}
	}
	o, err := events.Lengthen(body)
	if err == nil {
		o, err = events.Complete(o, "owner", "id")
	}
	if err == nil {
		_, err = events.ReadParameters(o)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// Clocks warns of the changes of clocks in the year after now between which the job is
// due; others says how its scheduler takes them.
func (j *Job) Clocks(now time.Time, others string) []string {
	if j.Schedule == Reboot || j.Timezone == "" {
		return nil
	}
	zone, err := schedule.LoadLocation(j.Timezone)
	if err != nil {
		return nil
	}
	s, err := schedule.Parse(j.Schedule, zone)
	if err != nil {
		return nil
	}
	var all []string
	for c := range s.Changes(now, now.AddDate(1, 0, 0)) {
		if c.Mark != "" {
			all = append(all, fmt.Sprintf("%s; %s", c.Text, others))
		}
	}
	return all
}

// RootWarning is said of what runs as root elsewhere.
const RootWarning = "runs as root there, which Spool gives to no run: it is the user of all flows here, and a profile grants what it needs"

// IsRoot reports whether a user is root.
func IsRoot(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	return name == "root" || name != "" && strings.Trim(name, "0") == ""
}

// Keys names jobs, so that the same source gives the same names again.
type Keys struct{ given []string }

var noWord = regexp.MustCompile(`[^a-z0-9]+`)

// Slug makes a word for a key of a text.
func Slug(text string) string {
	word := strings.Trim(noWord.ReplaceAllString(strings.ToLower(text), "-"), "-")
	if len(word) > 40 {
		word = strings.Trim(word[:40], "-")
	}
	return word
}

// Of makes a key of a prefix and of what a job does, in words of its own.
func (k *Keys) Of(prefix, what string) string {
	sum := sha256.Sum256([]byte(what))
	return k.Unique(prefix + "." + hex.EncodeToString(sum[:4]))
}

// Unique is the key, or for one that was given before the key with the next number.
func (k *Keys) Unique(key string) string {
	free := key
	for n := 2; slices.Contains(k.given, free); n++ {
		free = fmt.Sprintf("%s-%d", key, n)
	}
	k.given = append(k.given, free)
	return free
}

// Title shortens a command for the name of a job.
func Title(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > 80 {
		text = string(runes[:79]) + "…"
	}
	return text
}
