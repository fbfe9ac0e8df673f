package ui

import "slices"

import "spool.internal/gateway/ui/jobform"

// control is one of the editor.
type control struct {
	Name, Label, Hint string
	Type              string // text, area, secret, number, choice, box, boxes, radio, command, secrets, raw; empty = text
	Only              string // the kind or the mode that it is for; empty = every one
	Options           []option
	Proposed          string // zones, profiles, after: what a list proposes
	Pick              string // folder, file: chosen from the drives
	Admin             bool   // for administrators
	Fixed             bool   // only of a job that is to be made

	Value  string
	Values []string
	Fault  string
	Rows   []secretRow
}

// secretRow is a secret of a command.
type secretRow struct {
	jobform.SecretRow
	Since string // that it has been as it is; empty: it is not set
}

// ID is that of the control.
func (c control) ID() string { return "f-" + c.Name }

// Described names what describes it.
func (c control) Described() string {
	return field{Name: c.Name, Hint: c.Hint, Fault: c.Fault}.Described()
}

// Ticked reports whether one of the boxes is.
func (c control) Ticked(value string) bool {
	return slices.Contains(c.Values, value)
}

// section is some controls under a heading. One that is folded opens when something in it
// is said or wrong.
type section struct {
	ID, Title string
	Folded    bool
	Open      bool
	Controls  []control
}

// editorLayout is the order of PEOPLE: name, what, when, if it overlaps or was missed,
// tell, more.
var editorLayout = []section{
	{ID: "name", Title: "Name", Controls: []control{
		{Name: "name", Label: "Name", Hint: "What people look for."},
		{Name: "flow_parameters.settings.tags", Label: "Tags", Type: "area", Hint: "One a line; the list of jobs can be filtered by them."},
	}},
	{ID: "what", Title: "What runs", Controls: []control{
		{Name: jobform.Kind, Label: "What runs", Type: "radio", Fixed: true, Options: []option{{Value: jobform.Command, Text: "A command"}, {Value: jobform.Flow, Text: "A flow on a drive"}}},
		{Name: jobform.CommandField, Label: "Command", Type: "command", Only: jobform.Command, Hint: "A line for a shell, as in a crontab; or a program and its arguments, one on each line, which no shell reads."},
		{Name: "flow_parameters.binary_path", Label: "Flow", Only: jobform.Flow, Pick: "file", Hint: "Its path: owner/repo/fs/drive/flow."},
		{Name: "flow_parameters.input_dir", Label: "Folder", Pick: "folder", Hint: "The one that is watched, or that the run gets as its input. A command by the clock needs none."},
		{Name: "flow_parameters.auth_token", Label: "Token of the flow", Type: "secret", Only: jobform.Flow, Hint: "Leave it empty where the built-in runner runs the flow."},
	}},
	{ID: "when", Title: "When", Controls: []control{
		{Name: jobform.When, Label: "When", Type: "radio", Options: []option{{Value: jobform.Clock, Text: "By the clock"}, {Value: jobform.Files, Text: "For each file that comes into the folder"}}},
		{Name: "schedule", Label: "Schedule", Only: jobform.Clock, Hint: "Minute, hour, day, month, weekday, as 30 2 * * *; or @daily, @hourly."},
		{Name: "spool.timezone", Label: "Time zone", Proposed: "zones", Hint: "As Europe/Paris. Empty: the zone of the server."},
		{Name: "spool.watch.include", Label: "Only these files", Type: "area", Only: jobform.Files, Hint: "Patterns, one a line, as *.pdf. Empty: all files."},
		{Name: "spool.watch.existing", Label: "Files that lie there already", Type: "choice", Only: jobform.Files, Options: []option{{Text: "run, if there are not many; else ask"}, {Value: "run", Text: "run them"}, {Value: "mark", Text: "mark them as seen, and run only what comes later"}}},
		{Name: jobform.Disabled, Label: "Make it disabled: it does nothing until somebody enables it", Type: "box", Fixed: true},
	}},
	{ID: "rules", Title: "If it overlaps, fails or was missed", Controls: []control{
		{Name: "spool.overlap", Label: "While a run goes on, the next", Type: "choice", Options: []option{{Value: "allow", Text: "starts beside it"}, {Value: "queue", Text: "waits for its end"}, {Value: "skip", Text: "is skipped (by the clock only)"}}},
		{Name: "spool.catch_up", Label: "Of slots missed while Spool was away", Type: "choice", Only: jobform.Clock, Options: []option{{Value: "latest", Text: "the newest runs"}, {Value: "none", Text: "none runs"}, {Value: "all", Text: "all run"}}},
		{Name: "spool.run.retries.times", Label: "Try a failed run again, times", Type: "number", Hint: "Empty: it is not tried again. Needs the built-in runner."},
		{Name: "spool.run.retries.backoff", Label: "Wait before the second try", Hint: "As 30s or 5m; doubled before each that follows."},
		{Name: "spool.run.retries.on_exit", Label: "Only for these exit statuses", Hint: "As 75, 111. Empty, or any: for every failure."},
		{Name: "spool.retry_for", Label: "Repeat a call that is not taken for", Hint: "As 24h or 7d, which is the longest; 0s is once."},
		{Name: "spool.hold_after", Label: "Disable it after failures in a row", Type: "number", Hint: "Empty: never."},
	}},
	{ID: "tell", Title: "Tell", Folded: true, Controls: []control{
		{Name: "spool.notify.to.mail", Label: "Mail to", Type: "area", Hint: "Addresses, one a line."},
		{Name: "spool.notify.to.webhook", Label: "Post to a webhook", Hint: "An http or https URL."},
		{Name: "spool.notify.to.format", Label: "What the webhook understands", Type: "choice", Options: []option{{Value: "json", Text: "JSON"}, {Value: "slack", Text: "Slack"}, {Value: "teams", Text: "Teams"}, {Value: "ntfy", Text: "ntfy"}}},
		{Name: "spool.notify.on", Label: "When the job", Type: "boxes", Options: []option{
			{Value: "failed", Text: "fails"},
			{Value: "recovered", Text: "is well again"},
			{Value: "missed", Text: "was missed"},
			{Value: "late", Text: "is late"},
			{Value: "too_long", Text: "takes too long"},
			{Value: "blocked", Text: "cannot read its folder"},
			{Value: "dead", Text: "gave up a call"},
			{Value: "held", Text: "was disabled for its failures"},
		}},
		{Name: "spool.late_after", Label: "Late after", Only: jobform.Clock, Hint: "How long after its slot a run must have started, as 30m. Usually 10m."},
		{Name: "spool.too_long_after", Label: "Too long after", Hint: "As 2h. Empty: no run is."},
		{Name: "spool.expect.by", Label: "Files are to have come by", Only: jobform.Files, Hint: "A time of day, as 10:00, in the zone of the job."},
		{Name: "spool.expect.days", Label: "On days", Only: jobform.Files, Hint: "As mon-fri. Empty: every day."},
		{Name: "spool.expect.files", Label: "How many files", Type: "number", Only: jobform.Files, Hint: "Empty: one."},
		{Name: "spool.heartbeat", Label: "Call after each good run", Hint: "A URL of a monitor outside, which notices when nothing comes."},
	}},
	{ID: "more", Title: "More", Folded: true, Controls: []control{
		{Name: "spool.watch.ignore", Label: "Leave these files alone", Type: "area", Only: jobform.Files, Hint: "Patterns, one a line."},
		{Name: "spool.watch.recursive", Label: "Files in folders below, too", Type: "box", Only: jobform.Files},
		{Name: "spool.watch.marker", Label: "A file is whole when there is", Only: jobform.Files, Hint: "An ending, as .done, or a name with {name} or {stem}."},
		{Name: "spool.watch.quiet_ms", Label: "A file is whole after so many milliseconds without a change", Type: "number", Only: jobform.Files},
		{Name: "spool.after.ok", Label: "After a good run the file", Only: jobform.Files, Proposed: "after", Hint: "keep, delete, or move: and a folder."},
		{Name: "spool.after.failed", Label: "After a failed run the file", Only: jobform.Files, Proposed: "failed", Hint: "keep, or move: and a folder."},
		{Name: "spool.max_concurrency", Label: "Calls at once", Type: "number", Hint: "Empty: 16."},
		{Name: "flow_parameters.settings.output_dir", Label: "Where runs write", Pick: "folder", Hint: "Empty: the folder “out” beside the one above."},
		{Name: "spool.output", Label: "Name of what they wrote", Hint: "As {yyyy}/{mm}/{stem}{ext}. Empty: it stays in the folder of the run."},
		{Name: "spool.output_conflict", Label: "When that name is taken", Type: "choice", Options: []option{{Value: "suffix", Text: "it gets a number"}, {Value: "replace", Text: "it takes the place of what is there"}, {Value: "fail", Text: "the run fails"}}},
		{Name: "spool.run.timeout", Label: "Stop a run after", Only: jobform.Command, Hint: "As 90s or 1h30m."},
		{Name: "spool.run.env", Label: "Variables", Type: "area", Only: jobform.Command, Hint: "NAME=value, one a line."},
		{Name: jobform.SecretsField, Label: "Secrets", Type: "secrets", Only: jobform.Command, Hint: "Each becomes a variable, or a file whose path the variable holds."},
		{Name: "spool.run.shell", Label: "Shell", Only: jobform.Command, Hint: "Empty: /bin/sh."},
		{Name: "spool.run.cwd", Label: "Working folder", Only: jobform.Command, Pick: "folder", Hint: "Empty: where the run writes."},
		{Name: "spool.run.user", Label: "User", Only: jobform.Command, Admin: true, Hint: "A name, uid or uid:gid. Empty: whom all flows are."},
		{Name: "spool.run.profiles", Label: "Profiles", Type: "area", Proposed: "profiles", Hint: "What the runner grants, one a line."},
		{Name: "flow_parameters.verify_ssl_certificate", Label: "Check certificates of TLS", Type: "box", Only: jobform.Flow},
		{Name: "flow_parameters.settings.notification_emails", Label: "Mail at the end of each run to", Type: "area", Hint: "Addresses, one a line."},
		{Name: "flow_parameters.settings.webhook_config.url", Label: "Post the end of each run to"},
		{Name: "flow_parameters.settings.webhook_config.headers", Label: "Headers of that", Type: "area", Hint: "Name: value, one a line. ******** leaves a value as it is."},
		{Name: "spool.shadow", Label: "Shadow: while disabled, decide its slots and run nothing", Type: "box", Only: jobform.Clock},
		{Name: "spool.key", Label: "Key", Hint: "A name for programs, which no other job of yours has."},
		{Name: "spool.managed_by", Label: "Managed by", Hint: "Who or what keeps the job as it is."},
		{Name: jobform.Raw, Label: "Other parameters", Type: "raw", Hint: "JSON, for what has no field: the flow’s own settings below flow_parameters.settings, or settings of a command."},
	}},
}
