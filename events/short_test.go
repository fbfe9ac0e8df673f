package events

import (
	"strings"
	"testing"
)

const (
	anID      = "0b3b0e0c-5a3f-4ad4-8a1c-0e9b5c1d2e3f"
	generated = "ann/spool/fs/commands/" + anID
)

// stored gives what is stored of a body in the short form.
func stored(t *testing.T, body string) (string, *Parameters, error) {
	t.Helper()
	o, err := ParseObject([]byte(body))
	if err == nil {
		o, err = Lengthen(o)
	}
	if err == nil {
		o, err = Complete(o, "ann", anID)
	}
	if err != nil {
		return "", nil, err
	}
	p, err := ReadParameters(o)
	return string(Encode(o)), p, err
}

func TestShortForm(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{
			"a clock", `{"name":"n","schedule":"15 2 * * *","run":{"command":"true"}}`,
			`{"name":"n","schedule":"15 2 * * *","spool":{"run":{"command":"true"}},"flow_parameters":{"auth_token":"not-needed",` +
				`"binary_path":"` + generated + `","input_dir":"ann/spool/fs/commands/no-input","settings":{"output_dir":"ann/spool/fs/output/` + anID + `"}}}`,
		},
		{
			"a clock with input", `{"name":"n","schedule":"@daily","run":{"command":["ls","-l"]},"input":"ann/r/fs/D/in","settings":{"tags":["a"]}}`,
			`{"name":"n","schedule":"@daily","spool":{"run":{"command":["ls","-l"]}},"flow_parameters":{"input_dir":"ann/r/fs/D/in","settings":{"tags":["a"]},` +
				`"auth_token":"not-needed","binary_path":"` + generated + `"}}`,
		},
		{
			"a folder", `{"name":"n","run":{"command":"cat $SPOOL_FILE"},"input":"ann/r/fs/D/in","watch":{"recursive":true},"spool":{"timezone":"UTC"}}`,
			`{"name":"n","spool":{"timezone":"UTC","run":{"command":"cat $SPOOL_FILE"},"watch":{"recursive":true}},"flow_parameters":{"input_dir":"ann/r/fs/D/in",` +
				`"auth_token":"not-needed","binary_path":"` + generated + `","settings":{"spooled_mode":true}}}`,
		},
		{
			"what is stored stays", `{"name":"n","schedule":"@daily","flow_parameters":{"auth_token":"********","binary_path":"` + generated +
				`","input_dir":"ann/spool/fs/commands/no-input","settings":{"output_dir":"ann/r/fs/D/o"}},"spool":{"run":{"command":"x"}}}`, "",
		},
		{
			"a flow stays", `{"name":"n","schedule":"@daily","flow_parameters":{"auth_token":"t","binary_path":"ann/r/fs/D/f","input_dir":"ann/r/fs/D/in"}}`, "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.want == "" {
				c.want = c.body
			}
			got, p, err := stored(t, c.body)
			if err != nil || got != c.want {
				t.Fatalf("stored %s (%v)\n  want %s", got, err, c.want)
			}
			again, err := Complete(mustParse(t, got), "ann", anID)
			if err != nil || string(Encode(again)) != got {
				t.Errorf("completed again it is %s, %v", Encode(again), err)
			}
			if p.Options.Run.Short() != strings.Contains(got, "command\"") || p.BinaryPath.Generated() != p.Options.Run.Short() {
				t.Errorf("read as %+v, %+v", p.Options.Run, p.BinaryPath)
			}
		})
	}
}

func mustParse(t *testing.T, text string) Object {
	t.Helper()
	o, err := ParseObject([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestShortFormFaults(t *testing.T) {
	run := func(keys string) string { return `{"name":"n","schedule":"@daily","run":{` + keys + `}}` }
	for _, c := range []struct{ name, body, fault string }{
		{"neither clock nor folder", `{"name":"n","run":{"command":"x"}}`, "schedule: is required, or input:"},
		{"twice", `{"name":"n","run":{"command":"x"},"spool":{"run":{"command":"y"}}}`, "run: and spool.run say the same"},
		{"input twice", `{"name":"n","run":{"command":"x"},"input":"a/b/fs/c/d","flow_parameters":{"input_dir":"a/b/fs/c/d"}}`, "input: and flow_parameters.input_dir say the same"},
		{"a flow beside it", `{"name":"n","schedule":"@daily","run":{"command":"x"},"flow_parameters":{"binary_path":"a/b/fs/c/d"}}`, "flow_parameters.binary_path: stands for the command"},
		{"the command of another", `{"name":"n","schedule":"@daily","flow_parameters":{"binary_path":"` + generated + `"}}`, "flow_parameters.binary_path: stands for a command, and the job has none"},
		{"no string", run(`"command":7`), "spool.run.command: must be a line for a shell or a list"},
		{"blank", run(`"command":" "`), "spool.run.command: is empty"},
		{"empty list", run(`"command":[]`), "spool.run.command: is a list without a program"},
		{"list of numbers", run(`"command":[1]`), "spool.run.command: must be a list of strings"},
		{"NUL", run(`"command":"a\u0000b"`), "spool.run.command: contains a NUL"},
		{"long", run(`"command":"` + strings.Repeat("x", 70_000) + `"`), "spool.run.command: has 70000 bytes"},
		{"shell of a list", run(`"command":["a"],"shell":"bash"`), "spool.run.shell: reads a line"},
		{"relative shell", run(`"command":"a","shell":"bin/bash"`), `spool.run.shell: "bin/bash" is neither a name`},
		{"reserved variable", run(`"command":"a","env":{"SPOOL_RUN_ID":"x"}`), "spool.run.env.SPOOL_RUN_ID: begins with SPOOL_"},
		{"no variable", run(`"command":"a","env":{"A-B":"x"}`), "spool.run.env.A-B: is no name of a variable"},
		{"variable of a number", run(`"command":"a","env":{"A":1}`), "spool.run.env.A: must be a string"},
		{"secret in env, too", run(`"command":"a","env":{"A":"1"},"secrets":{"A":"2"}`), "spool.run.secrets.A: stands in env, too"},
		{"secret of another form", run(`"command":"a","secrets":{"A":{"value":"2"}}`), "spool.run.secrets.A.file: is required"},
		{"empty secret", run(`"command":"a","secrets":{"A":""}`), "spool.run.secrets.A: must not be empty"},
		{"cwd", run(`"command":"a","cwd":"/srv"`), "spool.run.cwd: must have the form"},
		{"timeout", run(`"command":"a","timeout":"soon"`), `spool.run.timeout: "soon" is not a duration`},
		{"no time", run(`"command":"a","timeout":"0s"`), "spool.run.timeout: 0s would stop every run"},
		{"two timeouts", `{"name":"n","schedule":"@daily","run":{"command":"a","timeout":"1s"},"settings":{"step_timeout":7}}`, "spool.run.timeout: and settings.step_timeout"},
		{"unknown", run(`"command":"a","tiemout":"1s"`), "spool.run.tiemout: is not a key of spool.run"},
		{"options without command", `{"name":"n","schedule":"@daily","spool":{"run":{"env":{"A":"b"}}},"flow_parameters":{"auth_token":"t","binary_path":"a/b/fs/c/d","input_dir":"a/b/fs/c/e"}}`, "spool.run.env: belongs to a command"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := stored(t, c.body)
			if err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("fault = %v, want %s", err, c.fault)
			}
			if err != nil && CodeOf(err) != Invalid {
				t.Errorf("code %q", CodeOf(err))
			}
		})
	}
}

// The secrets of a command are sealed and masked as all others are.
func TestSecretsOfACommand(t *testing.T) {
	text, _, err := stored(t, `{"name":"n","schedule":"@daily","run":{"command":"x","secrets":{"A":"one","B":{"file":"two"}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	job := Job{ID: anID}
	job.Parameters, job.Secrets, err = Conceal(mustParse(t, text), func(pointer, value string) (string, error) { return pointer + "=" + value, nil })
	if err != nil || strings.Contains(string(job.Parameters), "one") || strings.Contains(string(job.Parameters), "two") {
		t.Fatalf("concealed %s, %v", job.Parameters, err)
	}
	if job.Secrets["/spool/run/secrets/A"] == "" || job.Secrets["/spool/run/secrets/B/file"] == "" {
		t.Errorf("sealed %v", job.Secrets)
	}
	p, err := job.Reveal(func(sealed, _, pointer string) (string, error) { return strings.TrimPrefix(sealed, pointer+"="), nil })
	if err != nil || len(p.Options.Run.Secrets) != 2 || p.Options.Run.Secrets[0].Value != "one" || p.Options.Run.Secrets[1] != (SecretValue{"B", "two", true}) {
		t.Errorf("revealed %+v, %v", p.Options.Run.Secrets, err)
	}
}

// What is shown of a short job is its short form; made from that, it is the same.
func TestShorten(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"a clock", `{"name":"n","schedule":"15 2 * * *","run":{"command":"true"}}`, ""},
		{"a clock with input", `{"name":"n","schedule":"@daily","run":{"command":["ls"]},"input":"ann/r/fs/D/in","settings":{"tags":["a"]}}`, ""},
		{"an output of its own", `{"name":"n","schedule":"@daily","run":{"command":"true"},"settings":{"output_dir":"ann/r/fs/D/o"}}`, ""},
		{"a folder", `{"name":"n","run":{"command":"cat"},"watch":{"recursive":true},"spool":{"timezone":"UTC","key":"a/b"},"input":"ann/r/fs/D/in"}`, ""},
		{"both ways", `{"name":"n","schedule":"@daily","run":{"command":"cat"},"input":"ann/r/fs/D/in","settings":{"spooled_mode":true}}`, ""},
		{
			"what the short form has no word for", `{"name":"n","schedule":"@daily","spool":{"run":{"command":"cat"}},"flow_parameters":{"auth_token":"t","verify_ssl_certificate":false}}`,
			`{"name":"n","schedule":"@daily","run":{"command":"cat"},"flow_parameters":{"verify_ssl_certificate":false}}`,
		},
		{"a flow", `{"name":"n","schedule":"@daily","flow_parameters":{"auth_token":"t","binary_path":"ann/r/fs/D/f","input_dir":"ann/r/fs/D/in"},"spool":{"watch":{}}}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.want == "" {
				c.want = c.body
			}
			first, _, err := stored(t, c.body)
			if err != nil {
				t.Fatal(err)
			}
			short := string(Encode(Shorten(mustParse(t, first), "ann", anID)))
			if short != c.want {
				t.Errorf("shown as %s\n    want %s", short, c.want)
			}
			again, _, err := stored(t, short)
			if err != nil || again != first && !strings.Contains(first, `"t"`) {
				t.Errorf("made again it is %s, %v\n      want %s", again, err, first)
			}
		})
	}
}
