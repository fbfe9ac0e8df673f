package programs

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// tableFile has the table of the suite, for people.
const tableFile = "PROGRAMS.md"

// PROGRAMS.md says what the suite holds, no more and no less.
func TestTable(t *testing.T) {
	want := table()
	if *update {
		if err := os.WriteFile(tableFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(tableFile)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the suite has: go test ./services/runner/programs -run Table -update (%v)", tableFile, err)
	}
	tens := 0
	seen := map[string]bool{}
	for _, p := range programs {
		if p.ten {
			tens++
		}
		if seen[p.id()] || p.packages == "" || p.makes == "" || p.want == "" || len(p.needs) == 0 {
			t.Errorf("%s: it stands there twice, or something of it is missing", p.name)
		}
		seen[p.id()] = true
	}
	if len(programs) < 40 || tens != 10 {
		t.Errorf("%d programs, of which make test-long tries %d; want 40 or more, and 10", len(programs), tens)
	}
}

func table() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# Programs that run as flows

Each of these runs under the whole sandbox of the built-in runner (Linux; namespaces, Landlock, seccomp), with no grant or with one profile of the lines shown.
`+"`make test-programs`"+` runs them all (a minute or two), `+"`make test-long`"+` those with a star; what a machine does not have is said, with the Debian packages to install.
`+"`PATH…`"+` stands for a folder or port of the test. The suite writes this file: `+"`go test ./services/runner/programs -run Table -update`"+`.

| Program | Debian | Grant | What it makes | It must hold |
|---|---|---|---|---|
`)
	for _, p := range programs {
		name, grant := p.name, "none"
		if p.ten {
			name += " \\*"
		}
		if p.grant != "" {
			grant = code(strings.ReplaceAll(p.grant, "{}", "PATH…"))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", name, p.packages, grant, p.makes, code(p.want))
	}
	b.WriteString(notes)
	return b.Bytes()
}

// code shows a text as such in a cell of a table.
func code(text string) string {
	text = regexp.MustCompile(`^\(\?s\)`).ReplaceAllString(text, "")
	return "`" + strings.ReplaceAll(text, "|", "\\|") + "`"
}

const notes = `
What flows cannot do, whatever they are granted:

- execute what they have written. A compiler works, what it makes is run by the next job; ` + "`pip install`" + ` works, and ` + "`python -m NAME`" + ` starts what it installed. A program of
  one's own belongs into a drive, or below a folder that ` + "`run PATH`" + ` grants;
- make namespaces, by which Chromium shuts its pages in: ` + "`--no-sandbox`" + `; the flow's own sandbox is around it;
- list the folders above their input. Borg does so for absolute paths: ` + "`cd \"$SPOOL_INPUT_DIR\" && borg create REPO::NAME .`" + `.

ssh takes its home from /etc/passwd, not from ` + "`HOME`" + `: name its files with ` + "`-F CONFIG`" + `, in a folder that ` + "`read PATH`" + ` grants. ~/.netrc, ~/.aws, ~/.config and the like are in no flow:
a profile's ` + "`home PATH`" + ` brings them, or ` + "`secret NAME FILE`" + ` a variable.
`
