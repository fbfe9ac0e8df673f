package why

import (
	"fmt"
	"strings"
	"time"

	"spool.internal/events"
)

// States of a file beside those of package events: what became of it once it was taken.
const (
	FileQueued    events.FileState = "queued"     // it waits for its call, or is being called
	FileHeld      events.FileState = "held"       // runs led to it that its job began, or too many
	FileMarked    events.FileState = "marked"     // somebody has said that it has run
	FileBefore    events.FileState = "before_job" // it lay there before the job was made
	FileRewritten events.FileState = "rewritten"  // its content changed before its run began
	FileCalled    events.FileState = "called"     // it has an outcome
	FileNever     events.FileState = "never_seen" // absent, and no content of it is known
	FileHangs     events.FileState = "hangs"      // the folder does not answer
)

// codes of states that are not called like them.
var codes = map[events.FileState]Code{
	events.FileYoung: "young", FileCalled: "",
}

// File says where a file is, what it waits for, or what became of it.
func (a At) File(f Facts) Answer {
	code, ok := codes[f.State]
	if !ok {
		code = Code(f.State)
	}
	sentence := ""
	switch f.State {
	case FileQueued:
		sentence, code = a.queuedFile(f)
	case FileCalled:
		sentence, code = a.called(f)
	case events.FileAbsent, FileNever:
		sentence, code = a.absent(f)
	case events.FileNoFolder, events.FileUnseen:
		if f.Folder != nil && (f.State == events.FileNoFolder || f.Folder.State != events.FolderLive || f.Folder.Reason != "") {
			sentence, code = a.Folder(f)
			break
		}
		sentence = "Nothing is in its way: it is taken at the next look at the folder, within a minute, or waits behind many others."
	default:
		sentence = a.waits(f)
	}
	f.Timeline = a.Timeline(f)
	return Answer{sentence, code, f}
}

// waits says what a file that lies in the folder waits for, or by which rule it stays there.
func (a At) waits(f Facts) string {
	switch f.State {
	case events.FileYoung:
		return a.young(f)
	case events.FileOpen:
		return "A process has it open for writing" + a.since(f) + "."
	case events.FileUnmarked:
		if f.Rule != "" {
			return "Its " + f.Marker + " is older than the file, and speaks of what that was before: write it again."
		}
		return "It has no " + f.Marker + "."
	case events.FileUnreadable:
		return because("Spool cannot read it"+a.since(f), f.Reason)
	case events.FileUnstaged:
		return because("Its copy for the run cannot be made"+a.since(f), f.Reason)
	case events.FileIgnored:
		return because("Ignored", "it "+f.Rule)
	case events.FileNotIncluded:
		return because("Not included", "it "+f.Rule)
	case events.FileNotWatched:
		return because("Not watched", "it "+f.Rule)
	case events.FileNotAFile:
		return "It is " + f.Rule + ": only regular files are run."
	case FileHeld:
		return because("Held"+a.since(f), f.Reason) + a.remedy(f)
	case FileMarked:
		return "Marked as run by " + f.By + a.on(f.At) + ": it does not run."
	case FileBefore:
		return "It lay there before the job was made, and is not run (spool.watch.existing)."
	case FileRewritten:
		return "Rewritten before its run began; the newer content ran."
	case FileHangs:
		return "The folder does not answer: its mount hangs, or is slow."
	}
	return because("It waits", f.Reason)
}

func (a At) young(f Facts) string {
	s := "Taken "
	if !f.Modified.IsZero() {
		s = "Written " + span(max(0, a.Now.Sub(f.Modified))) + " ago; taken "
	}
	if f.Quiet > 0 {
		return s + "after " + span(milliseconds(f.Quiet)) + " without a change (each write starts anew)."
	}
	return s + "after a moment without a change (each write starts anew)."
}

// since says since when a file waits, and for how long that is.
func (a At) since(f Facts) string {
	if f.Since.IsZero() {
		return ""
	}
	return ", since " + a.near(f.Since, a.Now) + " (" + span(a.Now.Sub(f.Since)) + ")"
}

func (a At) on(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " on " + a.stamp(t)
}

func (a At) remedy(f Facts) string {
	if f.Ignore == "" {
		return ""
	}
	return " Cut the ring, or add " + f.Ignore + " to spool.watch.ignore."
}

func (a At) queuedFile(f Facts) (string, Code) {
	s := "Queued"
	if f.Position > 0 {
		s += " " + ordinal(f.Position)
	}
	switch {
	case f.Reason == events.WhyPaused:
		return s + ": the job is disabled, and it waits until that is enabled.", "paused"
	case f.LastError != "" && f.Attempts > 0:
		s += ", not delivered: " + strings.TrimRight(f.LastError, ".") + ", " + count(f.Attempts, "call")
		if !f.Next.IsZero() {
			s += ", next at " + a.second(f.Next)
		}
		if !f.GivesUp.IsZero() {
			s += ", given up " + a.near(f.GivesUp, a.Now)
		}
		return s + ".", "queued"
	case f.LastError != "":
		return s + ": " + strings.TrimRight(f.LastError, ".") + ".", "queued"
	case f.Calling > 0:
		are := "files of this job are"
		if f.Calling == 1 {
			are = "file of this job is"
		}
		return fmt.Sprintf("%s: %s %s being called (max_concurrency).", s, thousands(f.Calling), are), "queued"
	}
	return s + ": it waits for its call, or is being called.", "queued"
}

// called says what became of a file that was called for.
func (a At) called(f Facts) (string, Code) {
	s := "Taken"
	if !f.Queued.IsZero() {
		s += " at " + a.near(f.Queued, a.Now)
	}
	if f.Outcome == "" {
		return s + "; what became of it is not kept.", "not_kept"
	}
	came := a.came(f)
	if f.Outcome == events.OutcomeOK && f.Outputs != nil {
		came += ", " + count(*f.Outputs, "file")
	}
	return because(s+"; "+came, f.tail()), Code(f.Outcome)
}

// absent says of a name that no file has how far that is known.
func (a At) absent(f Facts) (string, Code) {
	if f.Folder != nil && f.Folder.State.Away() {
		return a.Folder(f)
	}
	other := ""
	if f.Rule != "" {
		other = " " + f.Rule + " lies there: capitals count."
	}
	if f.State == events.FileAbsent {
		return "No file of this name lies in the folder." + other, "absent"
	}
	s := "Spool has not seen this name."
	if d := f.Folder; d != nil && !d.Looked.IsZero() {
		s += " It looked at " + a.second(d.Looked)
		if d.Files > 0 || d.Ignored > 0 {
			s += ": " + count(d.Files, "file")
			if d.Ignored > 0 {
				s += ", " + thousands(d.Ignored) + " ignored by pattern"
			}
		}
		s += "."
	}
	return s + other, "never_seen"
}
