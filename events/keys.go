package events

import (
	"slices"
	"strings"
)

// Keys are those that the parameters of a job give a meaning to, by the object that
// they stand in. The short form is among them: run, input, watch and settings at the
// top, see [Lengthen]. What stands in settings is the flow's own.
var Keys = map[string][]string{
	"":                 {"name", "schedule", "run", "input", "watch", "settings", "flow_parameters", "spool"},
	"flow_parameters.": {"auth_token", "binary_path", "input_dir", "verify_ssl_certificate", "settings"},
	"spool.": {
		"timezone", "catch_up", "overlap", "max_concurrency", "retry_for", "watch", "after", "output", "output_conflict", "run", "hold_after",
		"notify", "expect", "late_after", "too_long_after", "heartbeat", "key", "managed_by", "shadow", "shadow",
	},
	"spool.watch.":       watchKeys,
	"spool.after.":       {"ok", "failed"},
	"spool.notify.":      {"on", "to"},
	"spool.notify.to.":   {"mail", "webhook", "format"},
	"spool.expect.":      {"by", "days", "files"},
	"spool.run.":         runKeys,
	"spool.run.retries.": retryKeys,
	"run.":               runKeys,
	"run.retries.":       retryKeys,
	"watch.":             watchKeys,
}

var (
	watchKeys = []string{"recursive", "include", "ignore", "marker", "quiet_ms", "initial", "existing"}
	runKeys   = []string{"command", "shell", "env", "secrets", "cwd", "user", "timeout", "retries", "profiles"}
	retryKeys = []string{"times", "on_exit", "backoff"}
)

// commandKeys are those of spool.run that belong to a command. The others are of any flow.
var commandKeys = []string{"shell", "env", "secrets", "cwd", "user", "timeout"}

// unknown lists the keys of an object, with their path, that mean nothing in the long
// form, in which parameters are stored.
func (r *reader) unknown() (paths []string) {
	known := Keys[r.prefix]
	for _, m := range r.o {
		if !slices.Contains(known, m.Key) || r.prefix == "" && isShortKey(m.Key) {
			paths = append(paths, r.prefix+m.Key)
		}
	}
	return paths
}

// refuseUnknown refuses the keys of an object that mean nothing.
func (r *reader) refuseUnknown() {
	for _, path := range r.unknown() {
		r.fail(strings.TrimPrefix(path, r.prefix), "is not a key of %s", strings.TrimSuffix(r.prefix, "."))
	}
}
