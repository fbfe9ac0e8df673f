package ui

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	template "github.com/DataDog/datadog-agent/pkg/template/html"
)

//go:embed templates
var templateFiles embed.FS

// partsOnly names the parts that are an answer by themselves.
const partsOnly = ""

// templates are all of them, by page: each has the page's own as "content". They are text
// of this program, so a fault in one shows at the first start and in every test.
var templates = sync.OnceValue(parseTemplates)

func parseTemplates() map[string]*template.Template {
	all := template.Must(template.New("").Funcs(funcs).Funcs(methods).ParseFS(templateFiles, "templates/*.html", "templates/parts/*.html"))
	pages := map[string]*template.Template{partsOnly: template.Must(all.Clone())}
	files, _ := fs.Glob(templateFiles, "templates/*.html") // the pattern is well-formed
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" {
			continue
		}
		content := all.Lookup(name)
		if content == nil {
			panic(fmt.Sprintf("ui: templates/%s.html does not define %q", name, name))
		}
		page := template.Must(all.Clone())
		template.Must(page.AddParseTree("content", content.Tree.Copy()))
		pages[name] = page
	}
	return pages
}

// shownAs is a template of a page.
type shownAs struct{ page, name string }

func (s shownAs) render(data any) ([]byte, error) {
	t, ok := templates()[s.page]
	if !ok {
		return nil, fmt.Errorf("there is no template of page %q", s.page)
	}
	var out bytes.Buffer
	err := t.ExecuteTemplate(&out, s.name, data)
	return out.Bytes(), err
}
