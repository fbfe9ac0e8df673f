package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// printer prints what commands answer, in the form that was asked for.
type printer struct {
	form     string
	columns  []string
	noHeader bool
	watch    bool
	utc      bool

	w        io.Writer
	terminal bool
	colour   bool
	now      func() time.Time
}

var forms = []string{"table", "json", "yaml", "name"}

func (p *printer) declare(f *pflag.FlagSet) {
	short := "o"
	if f.ShorthandLookup(short) != nil { // taken by an older flag
		short = ""
	}
	f.StringVarP(&p.form, "output", short, "table", "what is printed: table, json (what the API answers), yaml or name")
	f.StringSliceVar(&p.columns, "columns", nil, "columns of the table, such as name,next; a wrong one lists all")
	f.BoolVar(&p.noHeader, "no-header", false, "leave out the first line of the table")
	f.BoolVar(&p.utc, "utc", false, "show times in UTC, not in the zone of the job")
	if p.now == nil {
		p.now = time.Now
	}
}

// watchable gives a command --watch; verb reads it.
func watchable(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().Bool("watch", false, "show it again whenever it changes, until Ctrl-C: on a terminal in place, else one JSON object a line")
	return cmd
}

func (p *printer) check() error {
	if !slices.Contains(forms, p.form) {
		return fmt.Errorf("output: %q is not one of %s", p.form, strings.Join(forms, ", "))
	}
	if len(p.columns) > 0 && p.form != "table" {
		return fmt.Errorf("columns: -o %s has no columns: leave out one of the two", p.form)
	}
	return nil
}

// begin says where to print to.
func (p *printer) begin(cmd *cobra.Command) {
	w := cmd.OutOrStdout()
	p.w = w
	p.watch, _ = cmd.Flags().GetBool("watch") // false where there is no such flag
	p.terminal = isTerminal(w)
	p.colour = p.terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// isTerminal reports whether a reader or writer is a terminal.
func isTerminal(rw any) bool {
	f, ok := rw.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width returns how many columns the terminal has; 0 when it is none.
func (p *printer) width() int {
	f, ok := p.w.(*os.File)
	if !ok || !p.terminal {
		return 0
	}
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return w
}

// plain reports whether people read what is printed, and not programs.
func (p *printer) plain() bool { return p.form == "table" }

// line prints a line of text.
func (p *printer) line(format string, args ...any) error {
	_, err := fmt.Fprintln(p.w, cleanLines(fmt.Sprintf(format, args...)))
	return err
}

// json prints an answer as JSON; text is what came.
func (p *printer) json(text json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.w, "%s\n", cleanJSON(b.Bytes()))
	return err
}

// ndjson prints an answer as one line.
func (p *printer) ndjson(text json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.w, "%s\n", cleanJSON(b.Bytes()))
	return err
}

// data prints an answer as JSON or YAML.
func (p *printer) data(text json.RawMessage) error {
	if p.form != "yaml" {
		return p.json(text)
	}
	y, err := toYAML(text)
	if err == nil {
		_, err = p.w.Write(cleanJSON(y))
	}
	return err
}

// made prints what a command did: the answer as data, else the sentence. id is for -o name.
func (p *printer) made(answer json.RawMessage, id, format string, args ...any) error {
	switch p.form {
	case "table":
		return p.line(format, args...)
	case "name":
		return p.line("%s", clean(id))
	default:
		return p.data(answer)
	}
}

// encode is json.Marshal of what this program puts together itself, which cannot fail, and
// leaves <, > and & as they are.
func encode(value any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		panic(err) // of a type that has no JSON
	}
	return bytes.TrimSpace(b.Bytes())
}

// indented is a value of JSON as it stands in an array that is printed.
func indented(text json.RawMessage) ([]byte, error) {
	var b bytes.Buffer
	err := json.Indent(&b, text, "  ", "  ")
	return b.Bytes(), err
}
