package jet

import (
	"runtime"
	"strings"
	"sync/atomic"
)

// Use is that a package read or wrote something on the wire.
type Use struct {
	Package string // whose code asked for it
	Out     bool   // it was published; else it was subscribed to, or read
	Subject string // or filter
}

// recorder is told of every use while tests of a service run.
var recorder atomic.Pointer[func(Use)]

// Record has f told of what is published, subscribed to and read from now on, by code
// that is neither of this package nor of a test; f is called from many goroutines. It is
// for tests: what a service says that it reads and writes is compared with what it does.
func Record(f func(Use)) { recorder.Store(&f) }

func recordIn(subjects ...string)  { record(false, subjects) }
func recordOut(subjects ...string) { record(true, subjects) }

// recordRead records a direct get; one by a sequence names no subject.
func recordRead(request map[string]any) {
	if recorder.Load() == nil {
		return
	}
	if s, ok := request["next_by_subj"].(string); ok {
		recordIn(s)
	}
	if all, ok := request["multi_last"].([]string); ok {
		recordIn(all...)
	}
}

func record(out bool, subjects []string) {
	f := recorder.Load()
	if f == nil {
		return
	}
	who := asker()
	if who == "" {
		return
	}
	for _, s := range subjects {
		if run, any := strings.CutPrefix(s, acceptedRunFilter("")); any {
			for _, family := range []string{familyRunQueue, familyRunKey, familyPausedRun} {
				(*f)(Use{who, out, family + ".*." + run})
			}
			continue
		}
		if strings.HasPrefix(s, "spool.") && !strings.HasPrefix(s, familyProbe) {
			(*f)(Use{who, out, s})
		}
	}
}

// asker names the package whose code asks for what is being done; empty when that is a
// test, or nobody: a goroutine of this package.
func asker() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs[:])])
	for {
		frame, more := frames.Next()
		name, ours := strings.CutPrefix(frame.Function, "spool.internal/")
		switch {
		case !ours, strings.HasPrefix(name, "events/jet."):
		case strings.HasSuffix(frame.File, "_test.go"), strings.HasPrefix(name, "events/eventstest."):
			return ""
		default:
			at := strings.LastIndexByte(name, '/') + 1
			last, _, _ := strings.Cut(name[at:], ".")
			return "spool.internal/" + name[:at] + last
		}
		if !more {
			return ""
		}
	}
}
