package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write README.md anew, out of the commands themselves")

// The reference is what the commands say of themselves.
func TestReferenceIsUpToDate(t *testing.T) {
	want := reference()
	if *update {
		if err := os.WriteFile("README.md", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile("README.md"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("README.md is not what the commands say: go test ./services/cmd/spool -run Reference -update (%v)", err)
	}
}

// option is a flag as some commands have it.
type option struct {
	flag     *pflag.Flag
	commands []string
}

func reference() []byte {
	var b bytes.Buffer
	b.WriteString("# Commands and flags of `spool`\n\nWritten by `go test ./services/cmd/spool -run Reference -update`; `spool COMMAND --help` prints the same.\n" +
		"Each flag is also an environment variable: `--nats-url` is `SPOOL_NATS_URL`. A flag on the command line comes first.\n\n" +
		"| Command | What it does |\n|---|---|\n")
	var options []*option
	walk(command(), func(c *cobra.Command) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", strings.TrimSuffix(c.UseLine(), " [flags]"), cell(c.Short))
		c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && f.Name != "help" && f.Name != "version" {
				options = enter(options, f, strings.TrimPrefix(c.CommandPath(), "spool "))
			}
		})
	})
	slices.SortStableFunc(options, func(x, y *option) int { return strings.Compare(x.flag.Name, y.flag.Name) })
	b.WriteString("\n| Flag | Without it | What it sets | Commands |\n|---|---|---|---|\n")
	for _, o := range options {
		fmt.Fprintf(&b, "| `--%s` | %s | %s | %s |\n", o.flag.Name, without(o.flag), cell(o.flag.Usage), commandsOf(o))
	}
	return b.Bytes()
}

// commandsOf lists the commands that have a flag; those that every command of the command
// line has are said once.
func commandsOf(o *option) string {
	switch o.flag.Name {
	case "url", "token-file", "data", "context", "output", "columns", "no-header", "utc":
		if len(o.commands) > 12 {
			return "those that call a server"
		}
	}
	return strings.Join(o.commands, ", ")
}

func walk(c *cobra.Command, visit func(*cobra.Command)) {
	for _, sub := range c.Commands() {
		if sub.Hidden {
			continue
		}
		if sub.Runnable() {
			visit(sub)
		}
		walk(sub, visit)
	}
}

// enter adds a command to the commands that have a flag with that meaning and default.
func enter(options []*option, f *pflag.Flag, name string) []*option {
	for _, o := range options {
		if o.flag.Name == f.Name && o.flag.Usage == f.Usage && o.flag.DefValue == f.DefValue {
			o.commands = append(o.commands, name)
			return options
		}
	}
	return append(options, &option{f, []string{name}})
}

func without(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "[]", "0", "0s", "false":
		return ""
	}
	return "`" + f.DefValue + "`"
}

func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }
