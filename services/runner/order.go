package runner

import (
	"encoding/json"
	"io/fs"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/services/runner/place"
)

// order is what a run-binary call asks for.
type order struct {
	binaryText, inputText string // as sent
	binary, input         events.Path
	output                events.Path // before a run id
	settings              settings
	keep                  json.RawMessage   // the settings that are stored
	extras                *events.RunExtras // nil: the call has none that can be read
}

// readOrder reads the body of a call. Every fault is of code Invalid and names the field.
func readOrder(body []byte) (order, error) {
	var o order
	all, err := events.ParseObject(body)
	if err != nil {
		return o, err
	}
	in := events.NewBriefFields(all, "")
	if o.binaryText, o.binary, err = readPath(in, "binary_path"); err != nil {
		return o, err
	}
	if o.inputText, o.input, err = readPath(in, "input_dir"); err != nil {
		return o, err
	}
	given := in.Object("settings")
	if in.Err() != nil {
		return o, in.Err()
	}
	if o.settings, err = readSettings(given); err != nil {
		return o, err
	}
	if raw, ok := all.Get("spool"); ok {
		o.extras = events.ReadRunExtras(raw)
	}
	o.output = o.input.Sibling("out")
	if o.settings.outputDir != "" {
		if o.output, err = events.ParsePath("settings.output_dir", o.settings.outputDir); err != nil {
			return o, err
		}
	}
	// Drop the settings that may hold secrets; notify reads them from the job.
	o.keep = events.Encode(given.Delete("webhook_config").Delete("notification_emails"))
	return o, nil
}

func readPath(in *events.Fields, key string) (string, events.Path, error) {
	if !in.Given(key) {
		return "", events.Path{}, events.Faultf(events.Invalid, key, "is required")
	}
	text := in.Text(key)
	if in.Err() != nil {
		return "", events.Path{}, in.Err()
	}
	p, err := events.ParseInside(key, text)
	return text, p, err
}

// orderOf is what a run was accepted for.
func orderOf(run events.Run) (o order, err error) {
	o.extras = run.Spool
	if o.binary, err = events.ParsePath("binary_path", run.BinaryPath); err != nil {
		return o, err
	}
	if o.input, err = events.ParsePath("input_dir", run.InputDir); err != nil {
		return o, err
	}
	if o.output, err = events.ParsePath("output_folder", run.OutputFolder); err != nil {
		return o, err
	}
	o.settings, err = storedSettings(run)
	return o, err
}

// paths are all that have to be on the machine of the run.
func (o order) paths() []events.Path {
	all := []events.Path{o.output}
	for _, g := range o.given() {
		all = append(all, g.path)
	}
	return all
}

// inspect checks whether the order can be carried out on this host now.
func (r *Runner) inspect(o order) error {
	for _, given := range o.given() {
		info, err := r.drives.Stat(given.path)
		if err != nil {
			return r.cannot(events.NotFound, given.field, given.path, err)
		}
		if err := given.judge(given.path, r.drives.HostPath(given.path), info); err != nil {
			return err
		}
	}
	if o.settings.deleteOutDir && !o.settings.hasRunID {
		if o.output.Rel == "" {
			return wholeDrive(o.output)
		}
		out := r.drives.HostPath(o.output)
		if drive.Inside(r.drives.HostPath(o.input), out) || drive.Inside(r.drives.HostPath(o.binary), out) {
			return events.Faultf(events.Invalid, "settings.delete_out_dir", "would delete the input or the binary: they lie in the output folder %s", o.output)
		}
	}
	return nil
}

// given is a path that has to exist before a run.
type given struct {
	field string
	path  events.Path
	judge func(events.Path, string, fs.FileInfo) error
}

func (o order) given() (all []given) {
	switch {
	case o.extras == nil || o.extras.Command == nil:
		all = append(all, given{"binary_path", o.binary, judgeBinary})
	case o.extras.Command.Cwd != "":
		if p, err := events.ParsePath("spool.run.cwd", o.extras.Command.Cwd); err == nil {
			all = append(all, given{"spool.run.cwd", p, judgeFolder})
		}
	}
	if o.extras != nil && o.extras.Command != nil && o.input.IsNoInput() {
		return all
	}
	return append(all, given{"input_dir", o.input, judgeInput})
}

func judgeBinary(p events.Path, host string, info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return events.Faultf(events.Invalid, "binary_path", "%s is not a file (looked at %s)", p, host)
	case info.Mode()&0o111 == 0:
		return events.Faultf(events.Invalid, "binary_path", "%s is not executable (looked at %s): chmod +x it", p, host)
	}
	return nil
}

func judgeInput(p events.Path, host string, info fs.FileInfo) error {
	if !info.IsDir() {
		return events.Faultf(events.Invalid, "input_dir", "%s is not a folder (looked at %s)", p, host)
	}
	return nil
}

func judgeFolder(p events.Path, host string, info fs.FileInfo) error {
	if !info.IsDir() {
		return events.Faultf(events.Invalid, "spool.run.cwd", "%s is not a folder (looked at %s)", p, host)
	}
	return nil
}

func wholeDrive(p events.Path) error {
	return events.Faultf(events.Invalid, "settings.delete_out_dir", "would empty the whole drive %s: name a folder in it as output_dir", p)
}

// run gives the order an identity.
func (o order) run(c caller, flowJobID, key, look string, now time.Time) events.Run {
	run := events.Run{
		FlowJobID: flowJobID, JobID: c.jobID, Owner: c.Owner, Role: c.as, Chain: c.chain,
		BinaryPath: o.binaryText, InputDir: o.inputText, InputLook: look, OutputFolder: o.output.String(),
		Settings: o.keep, Retries: c.retries, Profiles: c.profiles, AcceptedAt: now.UTC(), Place: c.place,
	}
	if c.jobID != "" { // only a dispatcher may say what a run is about
		run.TriggerID = key
		if o.extras != nil {
			rest := *o.extras
			rest.Cause = events.Cause{}
			run.Cause, run.Spool = o.extras.Cause, &rest
		}
	}
	if o.settings.hasRunID {
		run.OutputFolder = o.output.Join(events.RunFolder(now, flowJobID, place.RuleOf(run) != nil)).String()
	}
	return run
}
