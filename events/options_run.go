package events

import (
	"encoding/json"
	"strings"
	"time"
)

// RunOptions is the object "spool.run": what a job runs in place of a flow on a
// drive, and how.
type RunOptions struct {
	Line    string        // for a shell; empty where Argv is given, or where the job has no command
	Argv    []string      // a program and its arguments
	Shell   string        // that reads Line: an absolute path, or the name of one of the system's; default /bin/sh
	Env     []Variable    // in the order in which they were sent
	Secrets []SecretValue // of the command; [Mask] in a stored job
	Cwd     Path          // the working folder; zero = the output folder
	User    string        // whom the command is, see [CheckUser]; empty = whom all flows are
	Timeout time.Duration // how long an attempt may take; 0 = what the settings say
}

// Variable is one of an environment.
type Variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// SecretValue is a secret that a command gets: as a variable, or as a file
// whose path stands in the variable.
type SecretValue struct {
	Name  string
	Value string
	File  bool
}

// Pointer is where the secret stands in a job's parameters.
func (s SecretValue) Pointer() string {
	if s.File {
		return runSecretPtr + s.Name + "/file"
	}
	return runSecretPtr + s.Name
}

// Bounds of a command, in bytes. All of it has to fit into the message of a run,
// and an argument into what Linux takes, which is 128 KiB.
const (
	maxCommand     = 64 << 10
	maxEnvironment = 64 << 10 // all variables together
	maxSecrets     = 64 << 10 // all secrets together
	maxVariables   = 200
	maxTimeout     = 30 * 24 * time.Hour
)

// Short reports whether the job is a short one: a command, and no flow of its own.
func (r RunOptions) Short() bool { return r.Line != "" || len(r.Argv) > 0 }

func readRun(r *reader) RunOptions {
	o := RunOptions{Shell: r.text("shell"), User: r.text("user")}
	o.command(r)
	o.environment(r.object("env", false))
	o.secrets(r.object("secrets", false))
	if text := r.text("cwd"); text != "" {
		p, err := ParsePath(r.prefix+"cwd", text)
		if err != nil {
			r.fail("cwd", "%s", err.(*Error).Message) //nolint:errorlint // ParsePath makes no other
		}
		o.Cwd = p
	}
	if o.Timeout = r.duration("timeout", maxTimeout); o.Timeout == 0 {
		r.fail("timeout", "0s would stop every run at once: leave it out, or give how long a run may take, like 90s or 1h30m")
	}
	o.Timeout = max(0, o.Timeout)
	o.check(r)
	r.refuseUnknown()
	return o
}

func (o *RunOptions) command(r *reader) {
	raw, given := r.o.Get("command")
	switch {
	case !given:
		return
	case raw[0] == '[':
		if o.Argv = r.strings("command"); len(o.Argv) == 0 || o.Argv[0] == "" {
			r.fail("command", "is a list without a program: give [\"program\", \"argument\", …], or one line for a shell")
		}
	case raw[0] == '"':
		if o.Line = r.text("command"); strings.TrimSpace(o.Line) == "" {
			r.fail("command", "is empty: give a line for a shell, or a list of a program and its arguments")
		}
	default:
		r.fail("command", "must be a line for a shell or a list of a program and its arguments, not %s", kindOf(raw))
	}
	size := len(o.Line)
	for _, arg := range o.Argv {
		size += len(arg) + 1
	}
	if size > maxCommand {
		r.fail("command", "has %d bytes; at most %d are allowed: put it into a file on a drive", size, maxCommand)
	}
	if strings.ContainsRune(o.Line+strings.Join(o.Argv, ""), 0) {
		r.fail("command", "contains a NUL, which no program can be given")
	}
}

func (o *RunOptions) environment(r *reader) {
	size := 0
	for _, m := range r.o {
		v := Variable{m.Key, r.text(m.Key)}
		r.variable(v.Name, v.Value)
		size += len(v.Name) + len(v.Value) + 2
		o.Env = append(o.Env, v)
	}
	if size > maxEnvironment || len(o.Env) > maxVariables {
		r.whole("has %d variables of %d bytes; at most %d of %d bytes together are allowed", len(o.Env), size, maxVariables, maxEnvironment)
	}
}

func (o *RunOptions) secrets(r *reader) {
	size := 0
	for _, m := range r.o {
		s := SecretValue{Name: m.Key}
		if m.Value[0] == '{' {
			file := r.object(m.Key, false)
			s.File, s.Value = true, file.required("file")
			for _, other := range file.o {
				if other.Key != "file" {
					file.fail(other.Key, `is not a key of a secret: give "value", or {"file": "value"}`)
				}
			}
		} else {
			s.Value = r.required(m.Key)
		}
		r.variable(s.Name, s.Value)
		size += len(s.Name) + len(s.Value)
		o.Secrets = append(o.Secrets, s)
	}
	if size > maxSecrets || len(o.Secrets) > maxVariables {
		r.whole("has %d secrets of %d bytes; at most %d of %d bytes together are allowed", len(o.Secrets), size, maxVariables, maxSecrets)
	}
}

// whole fails the object itself.
func (r *reader) whole(format string, args ...any) {
	outer := reader{prefix: strings.TrimSuffix(r.prefix, "."), fault: r.shared()}
	outer.fail("", format, args...)
}

// variable checks a name and a value for the environment of a command.
func (r *reader) variable(name, value string) {
	if strings.IndexFunc(name, func(c rune) bool {
		return c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	}) >= 0 || name[0] >= '0' && name[0] <= '9' {
		r.fail(name, "is no name of a variable: use letters, digits and _, and no digit first")
	}
	if strings.HasPrefix(name, "SPOOL_") {
		r.fail(name, "begins with SPOOL_, which Spool sets itself: use another name")
	}
	if strings.ContainsRune(value, 0) {
		r.fail(name, "contains a NUL, which no variable can hold")
	}
}

// check holds the rules that need more than one key.
func (o *RunOptions) check(r *reader) {
	if !o.Short() {
		for _, key := range commandKeys {
			if _, given := r.o.Get(key); given {
				r.fail(key, "belongs to a command: give spool.run.command, or leave it out")
			}
		}
		return
	}
	switch {
	case o.Shell == "":
	case o.Line == "":
		r.fail("shell", "reads a line, and the command is a list: make it one line, or leave shell out")
	case !strings.HasPrefix(o.Shell, "/") && strings.ContainsRune(o.Shell, '/') || strings.ContainsRune(o.Shell, 0):
		r.fail("shell", "%q is neither a name, as bash, nor an absolute path, as /bin/bash", o.Shell)
	}
	for _, s := range o.Secrets {
		for _, v := range o.Env {
			if v.Name == s.Name {
				r.fail("secrets."+s.Name, "stands in env, too: give it once")
			}
		}
	}
}

// CheckUser refuses a command that is to be another user, unless an administrator
// says so: it would have that user's rights.
func (r RunOptions) CheckUser(role Role) error {
	if r.User != "" && role != Admin {
		return Faultf(Forbidden, "spool.run.user", "may be given by administrators only: leave it out, and the command is whom all flows are")
	}
	return nil
}

// checkTimeout refuses what says twice how long a run may take.
func (p *Parameters) checkTimeout() error {
	if _, given := p.Settings.Get("step_timeout"); given && p.Options.Run.Timeout > 0 {
		return Faultf(Invalid, "spool.run.timeout", "and settings.step_timeout both say how long a run may take: give one of them")
	}
	return nil
}

// StepTimeout is how long an attempt of a run may take, as [StepTimeout] reads it.
func (p *Parameters) StepTimeout() (limit time.Duration, named bool, err error) {
	if p.Options.Run.Timeout > 0 {
		return p.Options.Run.Timeout, true, nil
	}
	return StepTimeout(p.Settings)
}

// mapRun is [MapSecrets] for the secrets of a command.
func mapRun(spool Object, f func(pointer, value string) (string, error)) (Object, error) {
	return descend(spool, "run", func(run Object) (Object, error) {
		return descend(run, "secrets", func(secrets Object) (Object, error) {
			for _, m := range secrets {
				var err error
				secrets, err = replace(secrets, m.Key, runSecretPtr+m.Key, f)
				if err == nil {
					secrets, err = descend(secrets, m.Key, func(file Object) (Object, error) {
						return replace(file, "file", runSecretPtr+m.Key+"/file", f)
					})
				}
				if err != nil {
					return nil, err
				}
			}
			return secrets, nil
		})
	})
}

// IsShort reports whether parameters that may not be whole have a command.
func IsShort(parameters Object) bool {
	var spool struct {
		Run struct {
			Command json.RawMessage `json:"command"`
		} `json:"run"`
	}
	raw, ok := parameters.Get("spool")
	return ok && json.Unmarshal(raw, &spool) == nil && len(spool.Run.Command) > 0 && spool.Run.Command[0] != 'n'
}
