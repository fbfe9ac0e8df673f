package runner

import (
	"os"
	"path/filepath"
	"strings"

	"spool.internal/events"
	"spool.internal/events/scrub"
	"spool.internal/services/runner/cell"
)

// shells is where a shell is looked for that is named without its folder.
var shells = []string{"/bin", "/usr/bin", "/usr/local/bin"}

const secretsDir = "secrets" // in the private folder

// commandOf is what a warm process is to become for an attempt: the binary or the command of the
// run. An [events.Error] ends the run.
func (r *Runner) commandOf(a *attempt, p *places) (cell.Command, error) {
	in, out := a.inputPath(p), p.list[p.output].Path
	env := withGranted(a.environment(in, out), a.granted)
	env = append(env, a.occasion(in)...)
	cmd := cell.Command{Dir: p.output, Tmp: p.tmp, Places: p.list}
	c := a.command()
	if c == nil {
		cmd.Argv, cmd.Env = []string{p.list[p.binary].Path, in, out}, env
		return cmd, nil
	}
	if p.cwd >= 0 {
		cmd.Dir = p.cwd
	}
	for _, v := range c.Env {
		env = append(env, v.Name+"="+v.Value)
	}
	for _, s := range a.secrets {
		value := s.Value
		if s.File {
			value = filepath.Join(a.private.Path, secretsDir, s.Name)
		}
		env = append(env, s.Name+"="+value)
	}
	cmd.Env = lastOf(env)
	var err error
	cmd.Argv, err = argvOf(c, cmd.Env)
	return cmd, err
}

// tmp is where the flow finds its private folder: by a short name where it has one,
// for the path of a socket has 108 bytes at most, and programs make them there.
func (a *attempt) tmp() string {
	if a.form.View {
		return "/tmp"
	}
	return a.private.Path
}

func (a *attempt) command() *events.Command {
	if a.run.Spool == nil {
		return nil
	}
	return a.run.Spool.Command
}

// occasion is the part of the environment that tells why the run is.
func (a *attempt) occasion(in string) []string {
	var env []string
	if x := a.run.Spool; x != nil && x.LocalSlot != "" {
		env = append(env, "SPOOL_SLOT="+x.LocalSlot)
	}
	if a.file != "" {
		env = append(env, "SPOOL_FILE="+filepath.Join(in, a.file), "SPOOL_NAME="+a.file, "SPOOL_STEM="+strings.TrimSuffix(a.file, filepath.Ext(a.file)))
	}
	return env
}

// lastOf leaves of each variable the assignment that comes last.
func lastOf(env []string) []string {
	at := map[string]int{}
	var list []string
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		if i, ok := at[name]; ok {
			list[i] = v
			continue
		}
		at[name] = len(list)
		list = append(list, v)
	}
	return list
}

// argvOf finds the program of a command.
func argvOf(c *events.Command, env []string) ([]string, error) {
	if c.Line == "" {
		path := ""
		for _, v := range env {
			if value, ok := strings.CutPrefix(v, "PATH="); ok {
				path = value
			}
		}
		program, err := find("spool.run.command", c.Argv[0], filepath.SplitList(path))
		return append([]string{program}, c.Argv[1:]...), err
	}
	shell := c.Shell
	if shell == "" {
		shell = "/bin/sh"
	}
	program, err := find("spool.run.shell", shell, shells)
	return []string{program, "-c", c.Line}, err
}

// find looks for a program that is named without its folder.
func find(field, program string, dirs []string) (string, error) {
	if strings.ContainsRune(program, '/') {
		return program, nil
	}
	for _, dir := range dirs {
		if !filepath.IsAbs(dir) {
			continue // what lies in the working folder is no program of the system
		}
		path := filepath.Join(dir, program)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", events.Faultf(events.NotFound, field, "%s is in none of %s: install it on the runner's host, or give its whole path", program, strings.Join(dirs, ", "))
}

// openSecrets opens the secrets of the profiles and of the command. They are masked
// in all that it prints from now on.
func (r *Runner) openSecrets(a *attempt) error {
	values, err := a.readGrantedSecrets()
	if err != nil {
		return err
	}
	c := a.command()
	if c == nil && len(values) == 0 {
		return nil
	}
	if c == nil {
		c = &events.Command{}
	}
	for _, s := range c.Secrets {
		if r.cfg.RunSecrets == nil {
			return events.Faultf(events.Unavailable, "spool.run.secrets."+s.Name, "cannot be opened: this runner has no --runner-secret-file")
		}
		value, err := r.cfg.RunSecrets.Open(s.Closed, a.run.FlowJobID, s.Name)
		if err != nil {
			return events.Faultf(events.Unavailable, "spool.run.secrets."+s.Name,
				"cannot be opened: the dispatcher closed it with another key; is the runner's --runner-secret-file the dispatcher's?")
		}
		a.secrets = append(a.secrets, events.SecretValue{Name: s.Name, File: s.File, Value: value})
		values = append(values, value)
	}
	a.masked = scrub.New(values...)
	return nil
}

// writePrivate makes the files of the secrets that the command gets as files, and the
// empty input folder of a run without input.
func (a *attempt) writePrivate() error {
	if a.noInput() {
		if err := a.private.In.Mkdir(filepath.Join(a.private.Name, emptyInput), 0o755); err != nil {
			return err
		}
	}
	dir := filepath.Join(a.private.Name, secretsDir)
	for _, s := range a.secrets {
		if !s.File {
			continue
		}
		if err := a.private.In.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := a.private.In.WriteFile(filepath.Join(dir, s.Name), []byte(s.Value), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// emptyInput is the input folder of a run without one, in its private folder.
const emptyInput = "input"

func (a *attempt) noInput() bool {
	p, err := events.ParsePath("input_dir", a.run.InputDir)
	return err == nil && a.command() != nil && p.IsNoInput()
}

// inputPath is where the flow finds its input.
func (a *attempt) inputPath(p *places) string {
	if p.input < 0 {
		return filepath.Join(a.private.Path, emptyInput)
	}
	return p.list[p.input].Path
}
