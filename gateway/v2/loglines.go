package v2

import (
	"bytes"
	"context"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/change"
)

// How much of a log a page shows at a time.
const (
	logLines = 200
	logBytes = 64 << 10
)

// LogLines is some lines of a log: the last, or those before a place.
type LogLines struct {
	Text     []byte
	Offset   int64 // where they begin, in bytes; -1: they have no place in the log yet
	Line     int64 // the number of the first, from 1; 0 = not known
	Cut      bool  // the first line begins before
	Size     int64 // of the log
	Modified time.Time
	Live     bool // the run goes on
}

// End is where the lines end, in bytes.
func (l LogLines) End() int64 { return max(l.Offset, 0) + int64(len(l.Text)) }

// ReadLog gives the last lines of the log of an execution, or where before is not 0 those
// before that place, for a caller who reaches its job.
func (a *API) ReadLog(ctx context.Context, who change.Caller, triggerID string, before int64) (LogLines, error) {
	s, err := a.story(ctx, who, triggerID)
	if err != nil {
		return LogLines{}, err
	}
	return a.logOf(ctx, who, s, before)
}

func (a *API) logOf(ctx context.Context, who change.Caller, s *story, before int64) (LogLines, error) {
	if err := who.Reaches(s.job); err != nil {
		return LogLines{}, err
	}
	runner, host, err := s.runnerOf("log")
	if err != nil {
		return LogLines{}, err
	}
	ask := func(q events.LogAsk) (events.LogPart, []byte, error) {
		q.FlowJobID, q.Number = s.flow, true
		part, text, err := a.asks().AskLog(ctx, runner, q)
		return part, text, runnerAway(err, host)
	}
	var part events.LogPart
	var text []byte
	if before > 0 {
		from := max(0, before-logBytes)
		part, text, err = ask(events.LogAsk{Offset: from, Most: int(before - from)})
	} else {
		part, text, err = ask(events.LogAsk{Lines: logLines, Most: logBytes})
		if err == nil && part.Offset >= 0 && part.Size-part.Offset > logBytes {
			part, text, err = ask(events.LogAsk{Bytes: logBytes, Most: logBytes})
		}
	}
	if err != nil {
		return LogLines{}, err
	}
	l := LogLines{Text: text, Offset: part.Offset, Line: part.Line, Size: part.Size, Modified: part.Modified, Live: part.Live}
	l.whole()
	return l, nil
}

// whole has the lines be whole, as far as they fit, and at most so many as a page shows.
func (l *LogLines) whole() {
	if l.Live && l.Offset >= 0 { // a line that is being written is shown when it is whole
		if end := bytes.LastIndexByte(l.Text, '\n') + 1; end > 0 {
			l.Text = l.Text[:end]
		}
	}
	if l.Offset > 0 && int64(len(l.Text)) >= logBytes-1 { // it may begin within a line
		if end := bytes.IndexByte(l.Text, '\n') + 1; end > 0 && end < len(l.Text) {
			l.drop(end)
		} else {
			l.Cut = true
		}
	}
	body := bytes.TrimSuffix(l.Text, []byte("\n"))
	if extra := bytes.Count(body, []byte("\n")) + 1 - logLines; extra > 0 {
		end := 0
		for range extra {
			end += bytes.IndexByte(l.Text[end:], '\n') + 1
		}
		l.drop(end)
	}
}

// drop takes the first n bytes away, which end a line.
func (l *LogLines) drop(n int) {
	if l.Line > 0 {
		l.Line += int64(bytes.Count(l.Text[:n], []byte("\n")))
	}
	if l.Offset >= 0 {
		l.Offset += int64(n)
	}
	l.Text = l.Text[n:]
}
