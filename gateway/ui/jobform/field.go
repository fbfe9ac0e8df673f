package jobform

import (
	"slices"
	"strings"
)

// Names of the fields that are no parameter by themselves.
const (
	Kind     = "kind"       // command or flow
	When     = "when"       // clock or files
	Argv     = "command.as" // line or argv
	Raw      = "raw"        // other parameters, as JSON
	Disabled = "disabled"   // of a new job
)

// Values of [Kind], [When] and [Argv].
const (
	Command = "command"
	Flow    = "flow"
	Clock   = "clock"
	Files   = "files"
	Line    = "line"
	List    = "argv"
)

// Field is a parameter that has a field. Its name is its path in the long form of a job,
// which is what faults name.
type Field struct {
	Name string
	codec
	of string // the kind or the mode that it is for; empty = every one
}

// fields are all of them, in the order in which a new job gets its keys. The command, the
// secrets and the mode are told apart from them, see [New].
var fields = []Field{
	{"name", text, ""},
	{"schedule", text, Clock},
	{"flow_parameters.binary_path", text, Flow},
	{"flow_parameters.auth_token", secret, Flow},
	{"flow_parameters.input_dir", text, ""},
	{"flow_parameters.verify_ssl_certificate", flag(true), Flow},
	{"flow_parameters.settings.output_dir", text, ""},
	{"flow_parameters.settings.tags", lines, ""},
	{"flow_parameters.settings.notification_emails", lines, ""},
	{"flow_parameters.settings.webhook_config.url", text, ""},
	{"flow_parameters.settings.webhook_config.headers", pairs(": "), ""},
	{"spool.run.shell", text, Command},
	{"spool.run.env", pairs("="), Command},
	{"spool.run.cwd", text, Command},
	{"spool.run.user", text, Command},
	{"spool.run.timeout", text, Command},
	{"spool.run.retries.times", number, ""},
	{"spool.run.retries.on_exit", exits, ""},
	{"spool.run.retries.backoff", text, ""},
	{"spool.run.profiles", lines, ""},
	{"spool.watch.recursive", flag(false), Files},
	{"spool.watch.include", lines, Files},
	{"spool.watch.ignore", lines, Files},
	{"spool.watch.marker", text, Files},
	{"spool.watch.quiet_ms", number, Files},
	{"spool.watch.existing", text, Files},
	{"spool.timezone", text, ""},
	{"spool.catch_up", choice("latest"), Clock},
	{"spool.overlap", choice("allow"), ""},
	{"spool.shadow", flag(false), Clock},
	{"spool.max_concurrency", number, ""},
	{"spool.retry_for", text, ""},
	{"spool.hold_after", number, ""},
	{"spool.after.ok", text, Files},
	{"spool.after.failed", text, Files},
	{"spool.output", text, ""},
	{"spool.output_conflict", choice("suffix"), ""},
	{"spool.notify.on", conditions, ""},
	{"spool.notify.to.mail", lines, ""},
	{"spool.notify.to.webhook", text, ""},
	{"spool.notify.to.format", choice("json"), ""},
	{"spool.expect.by", text, Files},
	{"spool.expect.days", text, Files},
	{"spool.expect.files", number, Files},
	{"spool.late_after", text, Clock},
	{"spool.too_long_after", text, ""},
	{"spool.heartbeat", text, ""},
	{"spool.key", text, ""},
	{"spool.managed_by", text, ""},
}

// groups are objects, and keys, that mean nothing without one of some others.
var groups = []struct {
	object string
	needs  []string
	always bool
}{
	{"spool.notify", []string{"spool.notify.to.mail", "spool.notify.to.webhook"}, true},
	{"spool.notify.to.format", []string{"spool.notify.to.webhook"}, true},
	{"spool.run.retries", []string{"spool.run.retries.times"}, false},
	{"spool.expect", []string{"spool.expect.by"}, false},
	{"spool.output_conflict", []string{"spool.output"}, false},
}

// excluded are the keys that a mode refuses, or that mean nothing in it.
var excluded = map[string][]string{
	Files: {"schedule", "spool.shadow", "spool.late_after"},
	Clock: {"flow_parameters.settings.spooled_mode", "spool.watch", "spool.after", "spool.expect"},
}

// shortWords are what the short form calls what the long form has elsewhere.
var shortWords = []struct{ long, short string }{
	{"spool.run", "run"},
	{"spool.watch", "watch"},
	{"flow_parameters.input_dir", "input"},
	{"flow_parameters.settings", "settings"},
}

// place is where a parameter stands in the form that a job has.
func place(short bool, name string) []string {
	if short {
		for _, w := range shortWords {
			if rest, ok := strings.CutPrefix(name, w.long); ok && (rest == "" || rest[0] == '.') {
				name = w.short + rest
				break
			}
		}
	}
	return strings.Split(name, ".")
}

// FieldOf finds the field that a fault of the API speaks of; empty when it is none's.
func FieldOf(path string) string {
	path, _, _ = strings.Cut(path, "[")
	for _, w := range shortWords {
		if rest, ok := strings.CutPrefix(path, w.short); ok && (rest == "" || rest[0] == '.') {
			path = w.long + rest
			break
		}
	}
	switch path {
	case CommandField, Raw, SecretsField:
		return path
	case "status":
		return Disabled
	case "flow_parameters":
		return "flow_parameters.binary_path"
	case "spool.notify", "spool.notify.to":
		return "spool.notify.to.mail"
	case "spool.watch.initial":
		return "spool.watch.existing"
	}
	if strings.HasPrefix(path, SecretsField+".") {
		return SecretsField
	}
	best := ""
	for _, f := range fields {
		inside := strings.HasPrefix(path, f.Name+".") || f.Name == path
		if inside && len(f.Name) > len(best) {
			best = f.Name
		}
	}
	if best != "" {
		return best
	}
	if i := slices.IndexFunc(fields, func(f Field) bool { return strings.HasPrefix(f.Name, path+".") }); path != "" && i >= 0 && path != "spool" {
		return fields[i].Name
	}
	return ""
}
