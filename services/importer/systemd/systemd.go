package systemd

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"spool.internal/events"
	"spool.internal/services/importer"
)

// reader reads the units of one folder.
type reader struct {
	importer.Options
	got   *importer.Import
	keys  *importer.Keys
	units map[string]*unit // by name
	used  []string         // the services that a timer starts
}

// base is the name of a unit.
func base(name string) string { return path.Base(strings.ReplaceAll(name, `\`, "/")) }

// Parse reads timers and the services beside them.
func Parse(sources []importer.Source, o importer.Options) *importer.Import {
	r := &reader{Options: o, got: &importer.Import{}, keys: &importer.Keys{}, units: map[string]*unit{}}
	var names []string
	for _, s := range sources {
		name := base(s.Name)
		if strings.HasSuffix(path.Dir(strings.ReplaceAll(s.Name, `\`, "/")), ".d") {
			name = s.Name // of a drop-in
		}
		r.units[name] = readUnit(s)
		names = append(names, name)
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".timer") {
			r.timer(name, r.units[name])
		}
	}
	for _, name := range names {
		u := r.units[name]
		switch {
		case strings.HasSuffix(name, ".timer"), slices.Contains(r.used, name):
		default:
			why := "no timer here starts it"
			if strings.HasSuffix(name, ".conf") {
				why = "a drop-in is not read: write its settings into the unit"
			}
			for _, s := range u.settings {
				u.say(s, importer.Refused, "", why)
			}
		}
		r.got.Lines = append(r.got.Lines, u.Lines()...)
	}
	return r.got
}

const noJob = "no job comes of it"

// monotonic are the settings that count from a start.
var monotonic = []string{"OnActiveSec", "OnBootSec", "OnStartupSec", "OnUnitActiveSec", "OnUnitInactiveSec"}

// timer makes the jobs of one timer.
func (r *reader) timer(name string, u *unit) {
	if strings.HasSuffix(name, "@.timer") {
		r.refuse(u, "is a template: import its instances, as "+strings.TrimSuffix(name, ".timer")+"NAME.timer")
		return
	}
	service := strings.TrimSuffix(name, ".timer") + ".service"
	if s, ok := u.last("Timer", "Unit"); ok {
		service = s.value
	}
	svc := r.units[service]
	if svc == nil {
		if at := strings.IndexByte(service, '@'); at > 0 {
			svc = r.units[service[:at+1]+".service"]
			service = service[:at+1] + ".service"
		}
	}
	if svc == nil {
		r.refuse(u, fmt.Sprintf("%s is not beside it, and it says what to run", service))
		return
	}
	t := &timer{reader: r, name: name, unit: u, service: svc}
	again := slices.Contains(r.used, service)
	r.used = append(r.used, service)
	command := t.command(strings.TrimSuffix(name, ".timer") + ".service")
	t.times(command, again)
}

// refuse says of each setting why nothing becomes of it.
func (r *reader) refuse(u *unit, why string) {
	for _, s := range u.settings {
		u.say(s, importer.Refused, "", why)
	}
}

// timer is a timer with its service.
type timer struct {
	*reader
	name    string
	unit    *unit
	service *unit
}

// times makes a job of each OnCalendar.
func (t *timer) times(j *importer.Job, again bool) {
	expressions := t.unit.all("Timer", "OnCalendar")
	var keys []string
	for _, s := range expressions {
		expr, zone, err := Calendar(s.value)
		switch {
		case err != nil:
			t.unit.say(s, importer.Refused, "", err.Error())
			continue
		case j == nil:
			t.unit.say(s, importer.Refused, "", "there is no command that Spool could run: see the service")
			continue
		}
		one := *j
		one.Key = t.keys.Unique("systemd." + importer.Slug(strings.TrimSuffix(t.name, ".timer")))
		one.Schedule, one.Timezone = expr, zone
		if zone == "" {
			one.Timezone = t.Zone
		}
		if fault := one.Check(); fault != "" {
			t.unit.say(s, importer.Refused, "", fault)
			continue
		}
		t.unit.say(s, importer.Taken, one.Key)
		for _, warning := range one.Clocks(t.Now, "systemd leaves out what does not exist, and starts the first time only") {
			t.unit.say(s, importer.Warning, one.Key, warning)
		}
		if len(expressions) > 1 {
			t.unit.say(s, importer.Warning, one.Key, "each OnCalendar is a job of its own: they do not wait for each other")
		}
		if again {
			t.unit.say(s, importer.Warning, one.Key, "the service is started by another timer as well: their jobs do not wait for each other")
		}
		t.got.Jobs = append(t.got.Jobs, &one)
		keys = append(keys, one.Key)
	}
	t.others(keys, len(expressions) > 0)
	for _, s := range t.service.settings { // what the service gave went into each
		if l := t.service.Verdict(s.line); l == importer.Taken || l == importer.Warning {
			if len(keys) == 0 && !again {
				t.service.say(s, importer.Refused, "", noJob)
			}
			for _, key := range keys {
				t.service.say(s, l, key)
			}
		}
	}
	persistent, ok := t.unit.last("Timer", "Persistent")
	for _, j := range t.got.Jobs[len(t.got.Jobs)-len(keys):] {
		j.CatchUp, j.Overlap = events.CatchUpNone, events.OverlapSkip
		if ok && yes(persistent.value) {
			j.CatchUp = events.CatchUpLatest
		}
	}
}

// others says what becomes of the settings of a timer besides its times.
func (t *timer) others(keys []string, calendar bool) {
	say := func(s setting, v importer.Verdict, reasons ...string) {
		if len(keys) == 0 {
			v, reasons = importer.Refused, []string{noJob}
		}
		t.unit.say(s, v, "", reasons...)
		for _, key := range keys {
			t.unit.say(s, v, key)
		}
	}
	for _, s := range t.unit.settings {
		switch {
		case s.key == "OnCalendar" && s.section == "Timer":
			if s.value == "" {
				say(s, importer.Taken)
			}
		case slices.Contains(monotonic, s.key):
			t.unit.say(s, importer.Refused, "", monotonicFault(s, calendar))
		case s.section == "Timer":
			t.setting(s, say)
		case s.section == "Unit" && s.key == "Description", s.section == "Install":
			say(s, importer.Taken)
		case s.section == "Unit" && (s.key == "Documentation" || strings.HasPrefix(s.key, "X-")):
			say(s, importer.Taken)
		default:
			say(s, importer.Warning, s.key+" has no counterpart: a job waits for no unit")
		}
	}
}

func (t *timer) setting(s setting, say func(setting, importer.Verdict, ...string)) {
	switch s.key {
	case "Unit":
		say(s, importer.Taken)
	case "Persistent":
		say(s, importer.Taken)
		if yes(s.value) {
			say(s, importer.Warning, "catch_up is latest: Spool runs the newest of the slots that it missed in the last 24 h, systemd after any time")
		}
	case "AccuracySec":
		say(s, importer.Taken)
	case "RandomizedDelaySec", "RandomizedOffsetSec", "FixedRandomDelay":
		if zero(s.value) {
			say(s, importer.Taken)
			return
		}
		say(s, importer.Warning, "Spool starts a job in its minute, without a random delay: choose another minute where many start together")
	case "WakeSystem", "RemainAfterElapse", "DeferReactivation", "OnClockChange", "OnTimezoneChange":
		if !yes(s.value) || s.key == "RemainAfterElapse" {
			say(s, importer.Taken)
			return
		}
		say(s, importer.Warning, s.key+" has no counterpart")
	default:
		say(s, importer.Warning, s.key+" is unknown here, and not taken")
	}
}

var anyDigit = regexp.MustCompile(`[1-9]`)

func zero(value string) bool { return !anyDigit.MatchString(value) && !yes(value) }

func monotonicFault(s setting, calendar bool) string {
	why := s.key + " counts from a start and has no times of day"
	switch {
	case calendar:
		return why + ": what OnCalendar says is imported without it"
	case s.key == "OnBootSec" || s.key == "OnStartupSec" || s.key == "OnActiveSec":
		return why + `: a job with the schedule "@reboot" and a command that begins with sleep comes near`
	}
	return why + `: write a rhythm such as OnCalendar=*:0/15 in its place`
}

// Services are the names under which a timer's service may lie beside it.
func Services(name string, text []byte) []string {
	service := strings.TrimSuffix(name, ".timer") + ".service"
	if s, ok := readUnit(importer.Source{Name: name, Text: text}).last("Timer", "Unit"); ok {
		service = base(s.value)
	}
	if at := strings.IndexByte(service, '@'); at > 0 {
		return []string{service, service[:at+1] + ".service"}
	}
	return []string{service}
}
