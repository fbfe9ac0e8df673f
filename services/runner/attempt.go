package runner

import (
	"log/slog"
	"os"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/scrub"
	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/denial"
	"spool.internal/services/runner/process"
	"spool.internal/services/runner/record"
)

// attempt is one attempt of a run.
type attempt struct {
	run      events.Run
	settings settings
	granted  events.Profile // all that its profiles grant
	number   int
	began    time.Time        // its flow; zero before
	earlier  []events.Attempt // those before it, see [events.RunEvent]
	dir      record.Folder
	private  record.Private
	output   *os.Root             // the output folder, as the flow has it
	base     *os.Root             // that of the job, which it lies in; nil: what the flow writes stays where it is
	digest   chan string          // of the file that the run is about; nil where it is about none
	form     cell.Form            // of its room
	offline  bool                 // of its room
	listens  bool                 // likewise
	reach    *reach               // what it may connect to; nil: all, or nothing
	places   []cell.Place         // what it was given
	secrets  []events.SecretValue // of its command, in clear
	masked   *scrub.Scrubber      // of these
	file     string               // the name of the one file in its input, where it is for one
	runlog   *record.Log
	printed  *scrub.Writer // what the flow prints, on its way into the log
	heard    *denial.Heard // what the kernel denied its flow; nil: it does not say
	log      *slog.Logger
}

// clear closes and removes what only the attempt needed. Its flow is gone.
func (a *attempt) clear() {
	if a.printed != nil {
		_ = a.printed.Flush()
	}
	if a.runlog != nil {
		_ = a.runlog.Close() // what is missing has been said
	}
	for _, folder := range []*os.Root{a.output, a.base} {
		if folder != nil {
			_ = folder.Close()
		}
	}
	if err := a.private.Remove(); err != nil {
		a.log.Warn("a private folder of a flow is left", "path", a.private.Path, "error", err.Error())
	}
	a.reach.close()
	a.dir.Close()
}

// outcome says why an attempt ended with ERROR; empty means OK.
func (a *attempt) outcome(f *process.Flow, why error) string {
	msg := f.State.String()
	switch {
	case why != nil:
		msg = why.Error()
	case f.State.Success():
		return ""
	case f.OverMemory:
		msg = "flow-memory: ended for using more; " + msg
	}
	if said := a.runlog.Tail(); said != "" {
		msg += ": " + said
	}
	return msg
}

// ended is the event of an attempt's end; an empty message means OK.
func (a *attempt) ended(began time.Time, msg string) events.RunEvent {
	ev := event(events.Ended, a.run, time.Now())
	ev.Attempt, ev.StartedAt = a.number, began
	ev.Status, ev.Message = events.OK, strings.TrimSpace(msg)
	if msg != "" {
		ev.Status = events.ERROR
	}
	ev.Attempts = a.earlier
	return ev
}
