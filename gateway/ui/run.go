package ui

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/why"
	"spool.internal/gateway/v2"
)

// runPath is that of one execution.
const runPath = "/runs/{trigger_id}"

// shownFiles is how many files a page of a run lists.
const shownFiles = 100

func (u *UI) runPages() []page {
	return []page{{path: runPath, template: "run", nav: "Runs", view: u.viewRun}}
}

// runView is one execution.
type runView struct {
	v2.Details
	What       string // what asked for it
	When       time.Time
	Steps      []runStep
	Log        logView
	Files      []runFile
	NoFiles    string // why there are none
	FilesAway  *emptyList
	MoreFiles  string // where the next ones are listed
	Sent       string // the parameters of its job
	Answer     string // to its call
	Left       string // the result that its flow left
	Key        string
	MayWrite   bool
	MayCancel  bool
	MayAck     bool
	MayUnack   bool
	MayNotify  bool
	Faults     faults
	Note       field
	CellsAlone bool // the log is left out
}

func (v *runView) title() string { return "Run of " + v.JobName }

// Href is where the run is.
func (v *runView) Href() string { return "/runs/" + v.TriggerID }

// API is where its parts are read.
func (v *runView) API() string { return "/api/v2/results/" + url.PathEscape(v.TriggerID) }

// Name tells the run from others in the names of controls.
func (v *runView) Name() string {
	return v.JobName + ", " + v.When.In(v.Zone).Format("Mon 2 Jan 15:04")
}

// SHA256 is of the file that it got; empty = not known.
func (v *runView) SHA256() string {
	if v.Run == nil {
		return ""
	}
	return v.Run.SHA256
}

// FileHref is where the file is that it got.
func (v *runView) FileHref() string {
	f := events.File{Path: v.File.Path, PathB64: v.File.PathB64}
	return fileHref(v.JobID, f.RawPath())
}

// runStep is a step on its way.
type runStep struct {
	why.CourseStep
	When stamp
}

// runFile is a file that it wrote.
type runFile struct {
	Name, Href string
	v2.OutputFile
}

func (u *UI) viewRun(c *call) (any, error) { return u.runOf(c) }

// runOf reads one execution.
func (u *UI) runOf(c *call) (*runView, error) {
	q := v2.DetailsQuery{NoLog: c.cells != nil, Files: shownFiles, After: c.query.Get("files")}
	if text := c.query.Get("before"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n <= 0 {
			return nil, events.Faultf(events.Invalid, "before", "is no place in a log: it is a number of bytes")
		}
		q.Before = n
	}
	d, err := u.api.GetDetails(c.Context(), c.who, c.id("trigger_id"), q)
	if err != nil {
		return nil, err
	}
	return runViewOf(c, d, q.Before), nil
}

// runViewOf puts an execution into the words of a page.
func runViewOf(c *call, d v2.Details, before int64) *runView {
	v := &runView{Details: d, Key: c.key(), CellsAlone: c.cells != nil}
	v.What, v.When = askedBy(d), d.Triggered
	if !d.Slot.IsZero() {
		v.When = d.Slot
	}
	v.JobName, v.Sentence = visible(d.JobName), visible(d.Sentence)
	for _, s := range d.Course {
		s.Text = visible(s.Text)
		v.Steps = append(v.Steps, runStep{s, stampOf(s.At, d.Zone, "", "15:04:05 MST")})
	}
	v.Log = logOf(c, d, before)
	v.filesOf(c, d)
	v.Sent, v.Left = pretty(d.Parameters), ""
	if d.Run != nil {
		v.Left = pretty(d.Run.Result)
	}
	if d.HTTP != nil {
		v.Answer = visible(d.HTTP.Response)
	}
	v.allow(c, d)
	return v
}

// allow says which controls are shown: those that would not be refused.
func (v *runView) allow(c *call, d v2.Details) {
	v.Note = field{Name: "note", Label: "Note", Type: "textarea", Hint: "What is known, or what was done: it is shown beside the failure."}
	if v.MayWrite = c.mayWrite(); !v.MayWrite {
		return
	}
	v.MayCancel = d.Reached && !d.Over && d.Outcome != events.OutcomeCalled && d.Outcome != events.OutcomeNotKept
	v.MayAck = d.Outcome.Acknowledgeable() && d.Ack == nil
	v.MayUnack = d.Ack != nil
	for _, n := range d.Notices {
		v.MayNotify = v.MayNotify || d.Reached && n.State == "undelivered" && n.Channel != events.ChannelHeartbeat
	}
}

// askedBy says what asked for an execution.
func askedBy(d v2.Details) string {
	for _, s := range d.Timeline {
		if s.Step == why.StepTriggered {
			return visible(s.Says)
		}
	}
	return ""
}

// filesOf lists what the run wrote.
func (v *runView) filesOf(c *call, d v2.Details) {
	switch code := events.CodeOf(d.OutputFault); {
	case d.OutputFault == nil:
	case code == events.NotFound, code == events.Conflict, code == events.Forbidden:
		v.NoFiles = sentence(visible(d.OutputFault.Error()))
		return
	default:
		v.FilesAway = partAway("What it wrote", d.OutputFault, "What is known of the run beside that stands here.")
		return
	}
	for _, f := range d.Output.Files {
		v.Files = append(v.Files, runFile{visible(f.Path), v.API() + "/output/" + escaped(f.Path), f})
	}
	if d.Output.Next != "" {
		v.MoreFiles = c.path + "?" + url.Values{"files": {d.Output.Next}}.Encode() + "#output"
	}
	if len(v.Files) == 0 {
		v.NoFiles = "It wrote no files."
		if !d.Over {
			v.NoFiles = "It has written no files yet."
		}
	}
}

// escaped is a path as a part of a URL.
func escaped(path string) string {
	parts := strings.Split(path, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

// pretty writes JSON for people.
func pretty(raw json.RawMessage) string {
	var out bytes.Buffer
	if len(raw) == 0 || json.Indent(&out, raw, "", "  ") != nil {
		return visible(string(raw))
	}
	return visible(out.String())
}

// logView is the end of a log, or the lines before a place.
type logView struct {
	Lines  []logLine
	None   string     // why there is no log
	Away   *emptyList // its runner does not answer
	From   int64      // where the lines begin, in bytes
	To     int64      // where they end
	Cut    bool       // the first begins before
	Size   int64
	Live   bool
	Older  string // where those before are
	Latest string // where the last are, when these are not
	Number int    // of the last line; 0 = not known
}

// Listed reports that there are lines, or will be.
func (v logView) Listed() bool { return v.Away == nil && (len(v.Lines) > 0 || v.Live) }

func logOf(c *call, d v2.Details, before int64) logView {
	v := logView{Live: !d.Over && d.Outcome != events.OutcomeCalled && d.Outcome != events.OutcomeNotKept}
	switch code := events.CodeOf(d.LogFault); {
	case d.LogFault == nil:
	case code == events.NotFound, code == events.Conflict, code == events.Forbidden:
		v.None = sentence(visible(d.LogFault.Error()))
		return v
	default:
		v.Away = partAway("The log", d.LogFault, "What is known of the run beside that stands here.")
		return v
	}
	l := d.Log
	v.Lines = linesOf(l.Text, l.Offset, l.Line)
	v.From, v.To, v.Cut, v.Size = max(l.Offset, 0), l.End(), l.Cut, l.Size
	if l.Offset < 0 {
		v.From, v.To = l.Size, l.Size
	}
	if before > 0 {
		v.Live, v.Latest = false, c.path+"#log"
	}
	if v.From > 0 {
		v.Older = c.path + "?" + url.Values{"before": {strconv.FormatInt(v.From, 10)}}.Encode() + "#log"
	}
	if n := len(v.Lines); n > 0 {
		v.Number = int(v.Lines[n-1].Number)
	}
	if d.Log.Size == 0 && d.Over {
		v.None = "It printed nothing."
	}
	return v
}
