package settle_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"spool.internal/watcher/settle"
)

// actionNames are the cells that are no state.
var actionNames = map[settle.Action]string{settle.Probe: "probe", settle.Confirm: "confirm", settle.Ready: "ready"}

// TestFileTable holds the table of ../doc.go: each state is reached, told an
// event, and asked for its state, or for what is to be done.
func TestFileTable(t *testing.T) {
	seen, now := at(5, 0, 0), t0
	look := func(after time.Duration) func(f *settle.File) string {
		return func(f *settle.File) string {
			if action, _ := f.Observe(rule, seen, now.Add(after)); action != settle.Wait {
				return actionNames[action]
			}
			return f.State().String()
		}
	}
	then := func(tell func(f *settle.File)) func(f *settle.File) string {
		return func(f *settle.File) string {
			tell(f)
			return f.State().String()
		}
	}
	told := map[string]func(f *settle.File) string{
		"its name has come":          then((*settle.File).Named),
		"written under its name":     then((*settle.File).Written),
		"changed":                    then(func(f *settle.File) { f.Observe(rule, at(6, ms, ms), now.Add(ms)) }),
		"its marker is there":        then((*settle.File).Mark),
		"a writer has it":            then(func(f *settle.File) { f.Busy(rule, now) }),
		"no leases here":             then(func(f *settle.File) { f.NoLease(rule, now) }),
		"not left alone yet":         look(ms),
		"alone for the quiet period": look(rule.Quiet),
		"alone for the longer time":  look(rule.Slow),
	}
	reach := map[string][]string{
		"named":  {"its name has come"},
		"marked": {"its marker is there"},
		"held":   {"a writer has it"},
		"slow":   {"no leases here"},
	}
	readTable(t, "States of a file").hold(t, slices.Collect(maps.Keys(told)), func(t *testing.T, state, event string) string {
		var f settle.File
		f.Observe(rule, seen, now)
		for _, e := range reach[state] {
			told[e](&f)
		}
		f.Observe(rule, seen, now)
		if got := f.State().String(); got != state {
			t.Fatalf("%v leads to %v, not to %s", reach[state], got, state)
		}
		return told[event](&f)
	})
}
