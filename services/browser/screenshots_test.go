package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestScreenshots writes every page, light and dark, at 1440 and 390 px, into the folder
// SPOOL_SCREENSHOTS. They are of the demo that make week has lived.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("SPOOL_SCREENSHOTS")
	if dir == "" {
		t.Skip("make screenshots runs it")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f := lived(t)
	p := f.page(t)
	p.expect("404")
	for _, look := range []struct {
		name  string
		width int64
		dark  bool
	}{{"1440-light", 1440, false}, {"1440-dark", 1440, true}, {"390-light", 390, false}, {"390-dark", 390, true}} {
		p.wear(look.width, look.dark)
		for i, path := range f.pages() {
			p.open(path)
			file := filepath.Join(dir, fmt.Sprintf("%02d-%s-%s.png", i+1, pictureName(path), look.name))
			if err := p.picture(file, true); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	p.wear(1440, false)
	for name, path := range map[string]string{"overview": "/", "jobs": "/jobs", "job": "/jobs/" + f.clock, "run": "/runs/" + f.failed} { // of README
		p.open(path)
		if err := p.picture(filepath.Join(dir, name+".png"), false); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	t.Logf("%d pictures are in %s", 4*len(f.pages()), dir)
}

var (
	anID    = regexp.MustCompile(`/[0-9a-f]{8}-[0-9a-f-]{27}`)
	notName = regexp.MustCompile(`[^a-z]+`)
)

// pictureName names a page without what differs from time to time.
func pictureName(path string) string {
	name := notName.ReplaceAllString(anID.ReplaceAllString(path, "-one"), "-")
	if name == "-" {
		return "overview"
	}
	return name[1:]
}
