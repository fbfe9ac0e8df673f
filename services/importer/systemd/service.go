package systemd

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/spelling"
	"spool.internal/services/importer"
)

// command reads what the service runs, and says what becomes of each of its settings. It
// is nil when Spool could not run it.
func (t *timer) command(name string) *importer.Job {
	s := &service{unit: t.service, timer: t, job: &importer.Job{}, name: name}
	for _, st := range t.service.settings {
		s.setting(st)
	}
	s.steps()
	if d, ok := t.unit.last("Unit", "Description"); ok {
		s.job.Name = d.value
	} else if d, ok := t.service.last("Unit", "Description"); ok {
		s.job.Name = d.value
	} else {
		s.job.Name = strings.TrimSuffix(t.name, ".timer")
	}
	if text, err := specifiers(s.job.Name, name); err == nil {
		s.job.Name = text
	}
	s.job.Name = importer.Title(s.job.Name)
	if len(s.grants) > 0 && !s.broken {
		profile := "user-" + importer.Slug(s.user)
		if s.user == "" {
			profile = "unit-" + importer.Slug(strings.TrimSuffix(t.name, ".timer"))
		}
		s.job.Profiles = []string{profile}
		for _, line := range s.grants {
			t.got.Grant(profile, line)
		}
	}
	if s.broken {
		return nil
	}
	return s.job
}

// service is a service on its way to a command.
type service struct {
	*unit
	timer  *timer
	job    *importer.Job
	name   string // of the unit, for specifiers
	user   string
	grants []string
	files  []string // EnvironmentFile
	cwd    string
	broken bool
}

func (s *service) fail(st setting, why string) {
	s.broken = true
	s.say(st, importer.Refused, "", why)
}

// contained are settings that shut a service in, as Spool's sandbox does anyway.
var contained = []string{
	"PrivateTmp", "PrivateDevices", "PrivateNetwork", "PrivateUsers", "NoNewPrivileges", "ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths",
	"SystemCallFilter", "SystemCallArchitectures", "RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID",
	"MemoryDenyWriteExecute", "LockPersonality", "CapabilityBoundingSet", "AmbientCapabilities", "DynamicUser", "RemoveIPC", "UMask",
}

// described are settings that only describe, or say what a job does anyway.
var described = []string{"Description", "Documentation", "SyslogIdentifier", "RemainAfterExit", "GuessMainPID", "KillMode", "KillSignal", "SendSIGKILL", "TimeoutStopSec"}

func (s *service) setting(st setting) {
	if st.section == "Install" {
		s.say(st, importer.Taken, "")
		return
	}
	if st.section == "Unit" && !slices.Contains(described, st.key) {
		s.say(st, importer.Warning, "", st.key+" has no counterpart: a job waits for no unit")
		return
	}
	switch {
	case slices.Contains(described, st.key):
		s.say(st, importer.Taken, "")
	case strings.HasPrefix(st.key, "Exec"):
		s.exec(st)
	case slices.Contains(contained, st.key), strings.HasPrefix(st.key, "Protect"):
		s.say(st, importer.Warning, "", st.key+" is not taken: each run is in Spool's sandbox")
	case strings.HasPrefix(st.key, "Standard"):
		s.say(st, importer.Warning, "", "what the command prints goes to the log of its run")
	case strings.HasPrefix(st.key, "Restart"):
		s.say(st, importer.Warning, "", "a failed run is tried again where the job says so: spool.run.retries")
	default:
		s.known(st)
	}
}

// known takes in the settings that have a counterpart.
func (s *service) known(st setting) {
	var err error
	if st.value, err = specifiers(st.value, s.name); err != nil {
		s.fail(st, err.Error())
		return
	}
	switch st.key {
	case "Type":
		if slices.Contains([]string{"oneshot", "simple", "exec", "idle"}, st.value) {
			s.say(st, importer.Taken, "")
		} else {
			s.fail(st, "a service of the type "+st.value+" goes on behind its command, and all that a run leaves behind is killed")
		}
	case "User":
		if importer.IsRoot(st.value) {
			s.say(st, importer.Warning, "", importer.RootWarning)
			return
		}
		s.user = st.value
		s.grants = append(s.grants, "user "+st.value)
		s.say(st, importer.Taken, "")
	case "Group", "SupplementaryGroups":
		s.say(st, importer.Warning, "", "the group is that of the user: a profile line \"user UID:GID\" names another")
	case "WorkingDirectory":
		s.cwd = strings.TrimPrefix(st.value, "-")
		s.say(st, importer.Taken, "")
		if s.cwd == "~" {
			s.cwd = ""
			s.say(st, importer.Warning, "", "the home of the user is not known here: the command begins in the output folder")
		} else {
			s.say(st, importer.Warning, "", "the sandbox keeps it from "+s.cwd+" without a profile line \"read "+s.cwd+"\"")
		}
	case "Environment":
		s.environment(st)
	case "PassEnvironment", "UnsetEnvironment":
		s.say(st, importer.Warning, "", "not taken: a run has the variables that the job gives it")
	case "EnvironmentFile":
		s.files = append(s.files, st.value)
		s.say(st, importer.Warning, "", "the command reads it as a shell does, and needs a profile line \"read "+strings.TrimPrefix(st.value, "-")+"\"")
	case "TimeoutStartSec", "TimeoutSec", "RuntimeMaxSec":
		s.timeout(st)
	case "MemoryMax", "MemoryLimit":
		s.bound(st, "memory")
	case "CPUQuota":
		s.bound(st, "processor")
	default:
		s.say(st, importer.Warning, "", st.key+" has no counterpart, and is not taken")
	}
}

func (s *service) environment(st setting) {
	if st.value == "" {
		s.job.Env = nil
		s.say(st, importer.Taken, "")
		return
	}
	list, err := words(st.value)
	if err != nil {
		s.fail(st, err.Error())
		return
	}
	s.say(st, importer.Taken, "")
	for _, w := range list {
		name, value, ok := strings.Cut(w, "=")
		if !ok {
			s.say(st, importer.Warning, "", w+" is no variable, and not taken")
			continue
		}
		s.job.Env = slices.DeleteFunc(s.job.Env, func(v events.Variable) bool { return v.Name == name })
		s.job.Env = append(s.job.Env, events.Variable{Name: name, Value: value})
	}
}

func (s *service) timeout(st setting) {
	limit, err := duration(st.value)
	switch {
	case st.value == "infinity" || err == nil && limit == 0:
		s.say(st, importer.Warning, "", "Spool ends a run after --step-timeout, 24 h by default; administrators' jobs never")
	case err != nil:
		s.say(st, importer.Warning, "", err.Error())
	default:
		s.job.Timeout = limit
		s.say(st, importer.Taken, "")
	}
}

// duration reads 90, 5min, 1h 30min.
func duration(text string) (total time.Duration, err error) {
	units := strings.NewReplacer("minutes", "m", "minute", "m", "min", "m", "seconds", "s", "second", "s", "sec", "s", "hours", "h", "hour", "h", "hr", "h", "msec", "ms")
	if n, err := strconv.Atoi(text); err == nil && n >= 0 && n < 1<<31 {
		return time.Duration(n) * time.Second, nil
	}
	d, err := spelling.Duration(strings.ReplaceAll(units.Replace(text), " ", ""))
	if err != nil {
		return 0, fmt.Errorf("the time %q is not understood", text)
	}
	return d, nil
}

// bound takes in a limit, which is a line of a profile.
func (s *service) bound(st setting, word string) {
	line := ""
	if quota, ok := strings.CutSuffix(st.value, "%"); ok && word == "processor" {
		if n, err := strconv.ParseFloat(quota, 64); err == nil {
			line = "processor " + strconv.FormatFloat(n/100, 'f', -1, 64)
		}
	} else if n := len(st.value); word == "memory" && n > 1 && strings.ContainsAny(st.value[n-1:], "KMGT") {
		line = "memory " + st.value + "iB"
	}
	if _, err := events.ParseProfiles("x: " + line); line == "" || err != nil {
		s.say(st, importer.Warning, "", st.key+" "+st.value+" is not taken: a profile line \""+word+"\" says it")
		return
	}
	s.grants = append(s.grants, line)
	s.say(st, importer.Taken, "")
}

// exec says what becomes of a step; [service.steps] makes the command of them.
func (s *service) exec(st setting) {
	switch st.key {
	case "ExecStart", "ExecStartPre", "ExecStartPost":
		s.say(st, importer.Taken, "")
	case "ExecCondition":
		s.fail(st, "a condition that skips the run without failing has no counterpart: make it part of the command")
	default:
		s.say(st, importer.Warning, "", st.key+" is not taken: nothing runs when a run is stopped")
	}
}

// steps makes the command of a service.
func (s *service) steps() {
	main := s.all("Service", "ExecStart")
	if len(main) == 0 {
		s.broken = true
		for _, st := range s.settings {
			s.say(st, importer.Refused, "", "the service has no ExecStart")
		}
		return
	}
	if _, named := s.last("Service", "User"); !named {
		s.say(main[0], importer.Warning, "", "without User= it "+importer.RootWarning)
	}
	steps := slices.Concat(s.all("Service", "ExecStartPre"), main, s.all("Service", "ExecStartPost"))
	var lines []string
	for _, file := range s.files {
		optional := strings.HasPrefix(file, "-")
		if file = single(strings.TrimPrefix(file, "-")); optional {
			lines = append(lines, "if [ -r "+file+" ]; then set -a; . "+file+"; set +a; fi")
		} else {
			lines = append(lines, "set -a; . "+file+"; set +a")
		}
	}
	if s.cwd != "" && s.cwd != "~" {
		lines = append(lines, "cd "+single(path.Clean(s.cwd)))
	}
	for _, st := range steps {
		argv, line, ok := s.step(st)
		if !ok {
			return
		}
		if len(steps) == 1 && len(lines) == 0 && argv != nil {
			s.job.Argv = argv
			return
		}
		lines = append(lines, line)
	}
	if len(lines) > 1 {
		lines = append([]string{"set -e"}, lines...)
	}
	s.job.Line = strings.Join(lines, "\n")
}

// step reads one command: as a list where systemd would change nothing of it, and as a
// line for a shell.
func (s *service) step(st setting) (argv []string, line string, ok bool) {
	text, err := specifiers(st.value, s.name)
	prefix := text[:len(text)-len(strings.TrimLeft(text, "@-:+!|"))]
	text = text[len(prefix):]
	var list []string
	if err == nil {
		list, err = words(text)
	}
	switch {
	case err != nil:
		s.fail(st, err.Error())
		return nil, "", false
	case len(list) == 0:
		s.fail(st, "has no command")
		return nil, "", false
	case slices.Contains(list, ";"):
		s.fail(st, "several commands in one line, divided by ; are not read: give each an ExecStart of its own")
		return nil, "", false
	}
	if strings.Contains(prefix, "@") && len(list) > 1 {
		list = slices.Delete(list, 1, 2)
		s.say(st, importer.Warning, "", "the name that @ gives to the program is left out")
	}
	if strings.ContainsAny(prefix, "+!") {
		s.say(st, importer.Warning, "", "+ and ! ask for the rights of root, which a run has not")
	}
	for i, w := range list {
		if strings.Contains(prefix, ":") {
			list[i] = strings.ReplaceAll(w, "$", "$$") // systemd replaces nothing
		}
	}
	var spelled []string
	replaced := false
	for _, w := range list {
		spelled = append(spelled, quoted(w))
		replaced = replaced || strings.Contains(w, "$")
	}
	line = strings.Join(spelled, " ")
	if strings.Contains(prefix, "-") {
		s.say(st, importer.Warning, "", "its failure is no failure, as - says")
		return nil, line + " || true", true
	}
	if replaced {
		return nil, line, true
	}
	return list, line, true
}
