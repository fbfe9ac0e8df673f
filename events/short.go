package events

import "strings"

// What stands in the seed's words for what a short job does without.
const (
	// NoToken is the auth_token of a job whose runs are the built-in runner's: it
	// believes the dispatcher.
	NoToken = "not-needed"

	commandDrive = "/spool/fs/commands" // behind the owner: nothing lies there
	outputDrive  = "/spool/fs/output"   // behind the owner: where commands write whose job has no input
	noInput      = "no-input"
)

// commandPath stands for the command of a job where others have a flow.
func commandPath(owner, jobID string) Path { return Path{owner + commandDrive, jobID} }

// NoInput stands for the input folder of a job that has none: each run gets an
// empty one of its own.
func NoInput(owner string) Path { return Path{owner + commandDrive, noInput} }

// IsNoInput reports whether a path is [NoInput].
func (p Path) IsNoInput() bool { return p.Generated() && p.Rel == noInput }

// Generated reports whether a path lies where only Spool makes paths, of which none
// leads to a file.
func (p Path) Generated() bool {
	owner, ok := strings.CutSuffix(p.Drive, commandDrive)
	return ok && !strings.Contains(owner, "/")
}

// shortKeys are those of the short form that go into the object spool, and into
// flow_parameters under another name.
var shortKeys = []struct{ key, object, as string }{
	{"run", "spool", "run"},
	{"watch", "spool", "watch"},
	{"input", "flow_parameters", "input_dir"},
	{"settings", "flow_parameters", "settings"},
}

// Lengthen turns the short form of a job, or of a patch of one, into the form that
// is stored: run, watch, input and settings go where they belong. What is there
// already in the words of the seed stays; both is a fault.
func Lengthen(o Object) (Object, error) {
	out := Object{}
	for _, m := range o {
		if !isShortKey(m.Key) {
			out = append(out, m)
		}
	}
	for _, k := range shortKeys {
		value, given := raw(o, k.key)
		if !given {
			continue
		}
		inner, err := innerObject(out, k.object)
		if err != nil {
			return nil, err
		}
		if _, twice := raw(inner, k.as); twice {
			return nil, Faultf(Invalid, k.key, "and %s.%s say the same: give one of them", k.object, k.as)
		}
		out = out.Set(k.object, append(inner, Member{k.as, value}))
	}
	return out, nil
}

func isShortKey(key string) bool {
	for _, k := range shortKeys {
		if k.key == key {
			return true
		}
	}
	return false
}

// innerObject gives the object under a key; empty when there is none.
func innerObject(o Object, key string) (Object, error) {
	value, ok := o.Get(key)
	if !ok {
		return Object{}, nil
	}
	return splitObject(value, key)
}

// raw is [Object.Get] that tells null from absent.
func raw(o Object, key string) ([]byte, bool) {
	for _, m := range o {
		if m.Key == key {
			return m.Value, true
		}
	}
	return nil, false
}

// Complete gives the parameters of a job of an owner what its short form leaves
// out: the generated flow, a token that is none, and for a job of the clock without
// input a folder that is empty and one to write to. The parameters of other jobs
// stay as they are, but for a flow that is generated for another job.
func Complete(o Object, owner, jobID string) (Object, error) {
	flow, err := innerObject(o, "flow_parameters")
	if err != nil {
		return o, nil //nolint:nilerr // whoever reads the parameters says what is wrong
	}
	short := IsShort(o)
	if err := checkGenerated(flow, short, commandPath(owner, jobID)); err != nil || !short {
		return o, err
	}
	if token, ok := stringValue(flow, "auth_token"); !ok || token == "" {
		flow = flow.Set("auth_token", NoToken)
	}
	flow = flow.Set("binary_path", commandPath(owner, jobID).String())
	settings, err := innerObject(flow, "settings")
	if err != nil {
		return o, nil //nolint:nilerr // as above
	}
	_, clock := o.Get("schedule")
	clock = clock && !flag(settings, "spooled_mode")
	input, ok := stringValue(flow, "input_dir")
	switch given, _ := flow.Get("input_dir"); {
	case clock && !ok && given == nil, clock && input == NoInput(owner).String():
		flow = flow.Set("input_dir", NoInput(owner).String())
		if _, ok := settings.Get("output_dir"); !ok {
			settings = settings.Set("output_dir", Path{owner + outputDrive, jobID}.String())
		}
	case !clock && !ok && given == nil:
		return nil, Faultf(Invalid, "schedule", "is required, or input: a folder for whose files the command is run")
	case !clock:
		settings = settings.Set("spooled_mode", true)
	}
	return o.Set("flow_parameters", flow.Set("settings", settings)), nil
}

// checkGenerated refuses a flow that only Spool can name.
func checkGenerated(flow Object, short bool, own Path) error {
	text, ok := stringValue(flow, "binary_path")
	if !ok {
		return nil
	}
	p, err := ParsePath("", text)
	switch {
	case short && (err != nil || p != own):
		return Faultf(Invalid, "flow_parameters.binary_path", "stands for the command of this job, and cannot be set: change spool.run.command, or leave that out for a flow of your own")
	case !short && err == nil && p.Generated():
		return Faultf(Invalid, "flow_parameters.binary_path", "stands for a command, and the job has none: give spool.run.command, or the path of a flow")
	}
	return nil
}

// IsHostFolder reports whether an input is a folder of the host: an absolute path
// that has not the form of a logical one.
func IsHostFolder(text string) bool {
	if !strings.HasPrefix(text, "/") {
		return false
	}
	_, err := ParsePath("", text)
	return err != nil
}
