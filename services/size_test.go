package services_test

import (
	"bytes"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTemplatesFindNoMethods: the templates of the standard library look methods up by their
// names, for which the linker keeps every exported method of every type, 5 MB that nobody calls.
func TestTemplatesFindNoMethods(t *testing.T) {
	goFiles(t, func(path string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range file.Imports {
			if imp.Path.Value == `"text/template"` || imp.Path.Value == `"html/template"` {
				t.Errorf("%s imports %s: take github.com/DataDog/datadog-agent/pkg/template, the same without calls of methods", path, imp.Path.Value)
			}
		}
	})
}

// TestLongNoMethodIsFoundByName asks the linker whether anything in spool looks methods up by
// names that it does not know, a dependency included.
func TestLongNoMethodIsFoundByName(t *testing.T) {
	if testing.Short() {
		t.Skip("it links spool")
	}
	cmd := exec.Command("go", "build", "-ldflags=-dumpdep", "-o", filepath.Join(t.TempDir(), "spool"), "spool.internal/services/cmd/spool")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %.2000s", err, out)
	}
	if bytes.Count(out, []byte(" -> ")) < 10_000 {
		t.Fatalf("the linker says too little: %.2000s", out)
	}
	for line := range bytes.Lines(out) {
		if bytes.Contains(line, []byte("<ReflectMethod>")) {
			t.Errorf("the linker keeps every exported method, for %s", line)
		}
	}
}
