package watcher

import (
	"strings"
	"testing"

	"spool.internal/events"
)

func TestIgnored(t *testing.T) {
	for name, want := range map[string]bool{
		"invoice.pdf": false, "tmp": false, "a.tmp.pdf": false, "#a": false, "#": false, "naïve": false, "lock": false,
		".hidden": true, "..": true, "a.tmp": true, "a.PART": true, "a.pdf.crdownload": true, "a.camelLock": true,
		"~$a.docx": true, "a~": true, "#a#": true, "THUMBS.DB": true, "desktop.ini": true,
		"x.log": true, "a.pdf.done": true, ".done.pdf": true, "done": false, strings.Repeat("a", 255): false,
	} {
		if got := ignored(name, events.Watch{Ignore: []string{"*.log", "[bad"}, Marker: ".done"}); got != want {
			t.Errorf("ignored(%q) = %v", name, got)
		}
	}
}
