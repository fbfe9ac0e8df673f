package events

import (
	"strings"
	"testing"
)

func TestWatchPatterns(t *testing.T) {
	w := Watch{
		Recursive: true, Include: []string{"*.{pdf,tif}", "2026/**/*.csv"},
		Ignore: []string{"draft-*", "sub/*.csv", "**/old/**", `\{a\}`},
	}
	for path, want := range map[string]struct{ included, ignored bool }{
		"a.pdf": {true, false}, "x/y/a.tif": {true, false}, "a.csv": {false, false}, "2026/a.csv": {true, false}, "2026/x/y/a.csv": {true, false},
		"draft-1.pdf": {true, true}, "x/draft-1.pdf": {true, true}, "sub/b.csv": {false, true}, "sub/x/b.csv": {false, false},
		"old": {false, true}, "x/old": {false, true}, "old/a.pdf": {true, true}, "x/old/y/a.pdf": {true, true}, "{a}": {false, true},
		"@eaDir": {false, true}, "x/#recycle": {false, true}, "$RECYCLE.BIN": {false, true}, "System Volume Information": {false, true},
		"__MACOSX": {false, true}, "lost+found": {false, true}, "~snapshot": {false, true}, "a.pdf.why.txt": {false, true}, "why.txt": {false, false},
	} {
		if got := w.Includes(path); got != want.included {
			t.Errorf("Includes(%q) = %v", path, got)
		}
		if got := w.Ignores(path); got != want.ignored {
			t.Errorf("Ignores(%q) = %v", path, got)
		}
	}
	if !(Watch{}).Includes("anything") {
		t.Error("without include not everything is run")
	}
}

func TestWhatNeverMatches(t *testing.T) {
	for _, c := range []struct {
		watch Watch
		say   string
	}{
		{Watch{Ignore: []string{""}}, "leave it out"},
		{Watch{Include: []string{""}}, "leave it out"},
		{Watch{Ignore: []string{"/sub/*"}, Recursive: true}, "leave the first slash out"},
		{Watch{Ignore: []string{"sub/"}, Recursive: true}, "leave the last slash out"},
		{Watch{Ignore: []string{"./sub/*"}, Recursive: true}, "write sub/*"},
		{Watch{Ignore: []string{"sub/*.csv"}}, "set recursive"},
		{Watch{Marker: "*.done"}, `write "{name}.done"`},
		{Watch{Ignore: []string{"sub/*.csv", "**/@eaDir/**", "*.{csv,xml}"}, Recursive: true}, ""},
		{Watch{Include: []string{"**/*.pdf", "*.pdf", "**/a/**"}}, ""},
		{Watch{Marker: ".done"}, ""},
	} {
		err := c.watch.Check()
		if c.say == "" && err != nil || c.say != "" && (err == nil || !strings.Contains(err.Error(), c.say)) {
			t.Errorf("%+v: %v, want %q", c.watch, err, c.say)
		}
	}
}
