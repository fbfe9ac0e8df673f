package settle_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"spool.internal/watcher/settle"
)

// table is a state table of ../doc.go: a row an event, a column a state, in the
// cells the next state, or "-" where the event does not come.
type table struct {
	states []string
	rows   map[string][]string
}

// readTable reads the table below a heading of ../doc.go: the first line of the
// block names the states, and cells are two spaces or more apart.
func readTable(t *testing.T, heading string) table {
	t.Helper()
	text, err := os.ReadFile("../doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(text), "// # "+heading+"\n")
	if !found {
		t.Fatalf("doc.go has no heading %q", heading)
	}
	_, after, found = strings.Cut(after, "//\tevent")
	if !found {
		t.Fatalf("below %q there is no table that begins with \"event\"", heading)
	}
	tab := table{rows: map[string][]string{}}
	for i, line := range strings.Split(after, "\n") {
		line, inside := strings.CutPrefix(line, "//\t")
		switch {
		case i == 0:
			tab.states = strings.Fields(line)
		case !inside:
			if len(tab.rows) == 0 {
				t.Fatalf("the table below %q has no rows", heading)
			}
			return tab
		default:
			event, cells, _ := strings.Cut(line, "  ")
			tab.rows[event] = strings.Fields(cells)
			if len(tab.rows[event]) != len(tab.states) {
				t.Errorf("%q has %d cells, want %d", event, len(tab.rows[event]), len(tab.states))
			}
		}
	}
	return tab
}

// next is what the table says.
func (tab table) next(t *testing.T, state, event string) string {
	t.Helper()
	column := slices.Index(tab.states, state)
	row := tab.rows[event]
	if column < 0 || row == nil {
		t.Fatalf("the table knows no state %q or no event %q", state, event)
	}
	return row[column]
}

// hold compares every cell with what drive brings about: the state after an
// event in a state. events are those that the machine knows.
func (tab table) hold(t *testing.T, events []string, drive func(t *testing.T, state, event string) string) {
	t.Helper()
	if len(tab.rows) != len(events) {
		t.Errorf("the table has %d events, the machine %d", len(tab.rows), len(events))
	}
	for _, event := range events {
		for _, state := range tab.states {
			want := tab.next(t, state, event)
			if want == "-" {
				continue
			}
			if got := drive(t, state, event); got != want {
				t.Errorf("%s, %s: %s, the table says %s", state, event, got, want)
			}
		}
	}
}

// folderEvents are the rows of the table and how a folder is told.
var folderEvents = map[string]func(f *settle.Folder, now time.Time){
	"nothing is there":   func(f *settle.Folder, now time.Time) { f.Missing("does not exist", now) },
	"cannot be read":     func(f *settle.Folder, now time.Time) { f.Refused("may not be read", now) },
	"does not answer":    func(f *settle.Folder, now time.Time) { f.Refused("does not answer", now) },
	"another directory":  func(f *settle.Folder, now time.Time) { f.Found(settle.Local, now) },
	"cannot be watched":  func(f *settle.Folder, now time.Time) { f.Unwatched("no watches left", now) },
	"is watched":         func(f *settle.Folder, now time.Time) { f.Watched(now) },
	"reports were lost":  func(f *settle.Folder, now time.Time) { f.Overflowed(now) },
	"doubted":            func(f *settle.Folder, now time.Time) { f.Doubt(now) },
	"scanned to the end": func(f *settle.Folder, now time.Time) { f.Scanned(false, now) },
	"files unreported": func(f *settle.Folder, now time.Time) {
		f.Begun(settle.Scan, now) // what asked for a scan so far
		f.Begun(settle.Scan, now)
		f.Unannounced(now)
		f.Unannounced(now)
	},
}

// reach is what leads from the beginning to each state.
var reach = map[string][]string{
	"absent":  {"nothing is there"},
	"blocked": {"cannot be read"},
	"arming":  {"another directory"},
	"live":    {"another directory", "is watched", "scanned to the end"},
	"rescan":  {"another directory", "is watched", "scanned to the end", "reports were lost"},
	"poll":    {"another directory", "cannot be watched"},
}

func TestFolderTable(t *testing.T) {
	var events []string
	for event := range folderEvents {
		events = append(events, event)
	}
	readTable(t, "States of a directory").hold(t, events, func(t *testing.T, state, event string) string {
		f := settle.NewFolder(time.Minute, t0)
		for _, e := range reach[state] {
			folderEvents[e](f, t0)
		}
		if got, _, _ := f.Status(); got.String() != state {
			t.Fatalf("%v leads to %v, not to %s", reach[state], got, state)
		}
		folderEvents[event](f, t0)
		got, _, _ := f.Status()
		return got.String()
	})
}
