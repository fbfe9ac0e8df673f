package why_test

import (
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/why"
)

var paris = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic(err)
	}
	return zone
}()

// t is a time in Paris: the day of a month and a clock, in 2026 unless a year stands before it.
func at(t *testing.T, s string) time.Time {
	t.Helper()
	if s == "" {
		return time.Time{}
	}
	if strings.Count(s, "-") == 1 {
		s = "2026-" + s
	}
	layout := "2006-01-02 15:04:05.999"
	if strings.Count(s, ":") == 1 {
		layout = "2006-01-02 15:04"
	}
	parsed, err := time.ParseInLocation(layout, s, paris)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.UTC()
}

func ms(d time.Duration) *int64 { return new(d.Milliseconds()) }

// Each sentence on a slot, word by word.
func TestSlots(t *testing.T) {
	now := at(t, "11-24 12:00")
	for _, c := range []struct {
		name  string
		facts why.Facts
		code  why.Code
		want  string
	}{
		{
			"fired",
			why.Facts{Verdict: why.Fired, Lateness: ms(400 * time.Millisecond), Outcome: "ok", Duration: ms(4 * time.Minute)},
			"fired",
			"Started on time, 0.4 s after its minute; ok after 4 min.",
		},
		{
			"fired and failed",
			why.Facts{Verdict: why.Fired, Lateness: ms(400 * time.Millisecond), Outcome: "failed", Duration: ms(31 * time.Minute), How: "exit status 3"},
			"fired",
			"Started on time, 0.4 s after its minute; failed after 31 min: exit status 3.",
		},
		{
			"fired and running",
			why.Facts{Verdict: why.Fired, Lateness: ms(time.Second), Outcome: "running", Started: at(t, "11-24 11:52")},
			"fired",
			"Started on time, 1 s after its minute; running for 8 min.",
		},
		{
			"fired and waiting",
			why.Facts{Verdict: why.Fired, Lateness: ms(time.Second), Outcome: "waiting"},
			"fired",
			"Started on time, 1 s after its minute; its run waits for its turn.",
		},
		{
			"fired and retrying",
			why.Facts{Verdict: why.Fired, Lateness: ms(time.Second), Outcome: "retrying", Next: at(t, "11-24 12:03:10"), How: "exit status 1"},
			"fired",
			"Started on time, 1 s after its minute; failed, and tried again at 12:03:10: exit status 1.",
		},
		{
			"fired and called",
			why.Facts{Verdict: why.Fired, Lateness: ms(time.Second), Outcome: "called"},
			"fired",
			"Started on time, 1 s after its minute; the endpoint took it, and nobody tells how it ends.",
		},
		{
			"fired and given up",
			why.Facts{Verdict: why.Fired, Lateness: ms(time.Second), Outcome: "gave_up", Attempts: 12, How: "connection refused"},
			"fired",
			"Started on time, 1 s after its minute; given up after 12 calls: connection refused.",
		},
		{
			"fired and cancelled",
			why.Facts{Verdict: why.Fired, Lateness: ms(time.Second), Outcome: "cancelled", Duration: ms(90 * time.Second)},
			"fired",
			"Started on time, 1 s after its minute; cancelled after 2 min.",
		},
		{
			"fired, and not told",
			why.Facts{Verdict: why.Fired, Lateness: ms(time.Second), Outcome: "not_kept"},
			"fired",
			"Started on time, 1 s after its minute; how it ended is not kept.",
		},
		{"fired, long ago", why.Facts{Verdict: why.Fired}, "fired", "Started; what became of it is not kept."},
		{
			"caught up",
			why.Facts{
				Verdict: why.CaughtUp, Lateness: ms(12 * time.Minute), Triggered: at(t, "11-24 02:42"), Outcome: "ok",
				Down: &why.Span{From: at(t, "11-24 02:28"), To: at(t, "11-24 02:42")},
			},
			"caught_up",
			"Started 12 min late, at 02:42: Spool was not running from 02:28 to 02:42.",
		},
		{
			"caught up, of an older version",
			why.Facts{Verdict: why.CaughtUp, Lateness: ms(12 * time.Minute), Triggered: at(t, "11-24 02:42")},
			"caught_up",
			"Started 12 min late, at 02:42.",
		},
		{
			"caught up and failed",
			why.Facts{Verdict: why.CaughtUp, Lateness: ms(12 * time.Minute), Triggered: at(t, "11-24 02:42"), Outcome: "failed", Duration: ms(time.Minute), How: "exit status 3"},
			"caught_up",
			"Started 12 min late, at 02:42. Failed after 1 min: exit status 3.",
		},
		{
			"superseded",
			why.Facts{Verdict: events.VerdictSuperseded, Reason: events.WhyNewerRan, Slots: 3, RunInstead: at(t, "11-23 02:30"), Slot: at(t, "11-21 02:30")},
			"superseded",
			"Not run on its own: 3 slots were missed together, only the newest, Mon 02:30, ran (catch_up: latest).",
		},
		{
			"superseded, of an older version",
			why.Facts{Verdict: events.VerdictSuperseded, Reason: events.WhyNewerRan},
			"superseded",
			"Not run on its own: slots were missed together, only the newest ran (catch_up: latest).",
		},
		{
			"overtaken",
			why.Facts{Verdict: events.VerdictSuperseded, Reason: events.WhyOvertaken, RunInstead: at(t, "11-24 02:31")},
			"superseded",
			"Not run on its own: a newer slot, Tue 02:31, was due before this one was called.",
		},
		{
			"skipped",
			why.Facts{Verdict: events.VerdictSkipped, Slot: at(t, "11-22 02:30"), Blocker: &why.Run{TriggerID: "x", Slot: at(t, "11-21 02:30"), Duration: ms(25 * time.Hour)}},
			"skipped",
			"Skipped: the run of Sat 02:30 had not ended (it took 25 h) and overlap is skip.",
		},
		{
			"skipped by one that runs",
			why.Facts{Verdict: events.VerdictSkipped, Slot: at(t, "11-24 02:30"), Blocker: &why.Run{TriggerID: "x", Slot: at(t, "11-23 02:30"), Started: at(t, "11-23 02:30")}},
			"skipped",
			"Skipped: the run of Mon 02:30 had not ended (it has been running for 34 h) and overlap is skip.",
		},
		{"skipped, of an older version", why.Facts{Verdict: events.VerdictSkipped}, "skipped", "Skipped: the run before it had not ended and overlap is skip."},
		{"missed", why.Facts{Verdict: events.VerdictMissed, Reason: events.WhyNotRunning}, "missed_not_running", "Missed: Spool was not running then, and catch_up is none."},
		{
			"missed, and known how long",
			why.Facts{Verdict: events.VerdictMissed, Reason: events.WhyNotRunning, Down: &why.Span{From: at(t, "11-24 02:28"), To: at(t, "11-24 02:42")}},
			"missed_not_running",
			"Missed: Spool was not running then (02:28 to 02:42), and catch_up is none.",
		},
		{
			"missed by an edit",
			why.Facts{Verdict: events.VerdictMissed, Reason: events.WhyEdited, By: "ann", At: at(t, "11-24 02:30")},
			"missed_edited",
			"Missed: the job had another schedule until ann changed it at 02:30.",
		},
		{
			"missed by a disable",
			why.Facts{Verdict: events.VerdictMissed, Reason: events.WhyDisabledFirst, By: "ann", At: at(t, "11-24 02:30")},
			"missed_disabled",
			"Missed: ann disabled the job at 02:30, before it could run.",
		},
		{"too old", why.Facts{Verdict: events.VerdictMissed, Reason: events.WhyTooOld}, "missed_too_old", "Missed: Spool was not running then, and slots older than 24 h are not caught up."},
		{"missed, of another version", why.Facts{Verdict: events.VerdictMissed, Reason: "a reason"}, "missed", "Missed: a reason."},
		{
			"disabled",
			why.Facts{Verdict: events.VerdictDisabled, By: "ann", At: at(t, "11-12 14:03"), Until: at(t, "12-01 00:00"), Reason: "move of the NAS"},
			"disabled",
			"Disabled by ann on 12 Nov 14:03, until 1 Dec: move of the NAS.",
		},
		{"disabled, of an older version", why.Facts{Verdict: events.VerdictDisabled}, "disabled", "Disabled."},
		{
			"queued",
			why.Facts{Verdict: why.Queued, LastError: "connection refused", Attempts: 4, Next: at(t, "11-24 02:44:10"), GivesUp: at(t, "11-25 02:30")},
			"queued",
			"Due at 02:30, not delivered: connection refused, 4 calls, next at 02:44:10, given up Wed 02:30.",
		},
		{"queued, not called yet", why.Facts{Verdict: why.Queued}, "queued", "Due at 02:30, not delivered: it waits for its call."},
		{"queued, disabled", why.Facts{Verdict: why.Queued, Reason: events.WhyPaused}, "paused", "Due at 02:30, not called: the job is disabled, and it waits until that is enabled."},
		{"pending", why.Facts{Verdict: why.Pending, Answered: at(t, "11-24 02:28")}, "pending", "Due, not started yet: the clock has answered up to 02:28."},
		{
			"pending in a backlog",
			why.Facts{Verdict: why.Pending, Reason: events.WhyBacklog},
			"pending",
			"Due, not started yet: older slots are caught up one after the other, and it has not come to this one.",
		},
		{"pending on a change", why.Facts{Verdict: why.Pending, Reason: events.WhyUnread}, "pending", "Due, not started yet: the clock has not taken in yet how the job was changed."},
		{"gap", why.Facts{Verdict: why.Gap, Slot: at(t, "03-28 03:00"), Wall: "02:30", Ran: at(t, "03-28 03:00")}, "dst_gap", "02:30 did not exist on 28 Mar; it ran once at 03:00."},
		{"gap in a rhythm", why.Facts{Verdict: why.Gap, Slot: at(t, "03-28 03:00"), Wall: "02:30"}, "dst_gap", "02:30 did not exist on 28 Mar; it did not run."},
		{"fold", why.Facts{Verdict: why.Fold, Slot: at(t, "10-25 02:30"), Wall: "02:30"}, "dst_fold", "02:30 came twice on 25 Oct; it ran the first time."},
		{
			"a slot in a fold",
			why.Facts{Verdict: why.Fired, Mark: "dst_fold", Slot: at(t, "10-25 02:30"), Wall: "02:30", Lateness: ms(time.Second), Outcome: "ok", Duration: ms(time.Second)},
			"fired",
			"Started on time, 1 s after its minute; ok after 1 s. 02:30 came twice on 25 Oct; it ran the first time.",
		},
		{"none", why.Facts{Slot: at(t, "11-20 12:00"), Nearest: []time.Time{at(t, "11-20 02:30"), at(t, "11-21 02:30")}}, "none", "No slot then. The nearest are Fri 02:30 and Sat 02:30."},
		{"none, and one near", why.Facts{Slot: at(t, "11-20 12:00"), Nearest: []time.Time{at(t, "11-21 02:30")}}, "none", "No slot then. The nearest is Sat 02:30."},
		{"of a folder", why.Facts{Kind: events.KindFile}, "none", "No slot then: the job watches a folder."},
		{"raced", why.Facts{Kind: events.KindCron}, "not_kept", "Due then; what became of it is not kept."},
		{"not known", why.Facts{Slot: at(t, "10-20 02:30"), KnownFrom: at(t, "10-24 10:00")}, "not_kept", "Not kept: Spool knows this job since 24 Oct."},
		{"to come", why.Facts{Slot: at(t, "11-27 02:30"), Next: at(t, "11-27 02:30")}, "future", "Due Fri 02:30, in 62 h."},
		{"shadow", why.Facts{Verdict: events.VerdictShadow}, "shadow", "Due at 02:30; shadowed: until it is enabled the job shows when it would run, and runs nothing."},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.facts.Slot.IsZero() {
				c.facts.Slot = at(t, "11-24 02:30")
			}
			got := why.At{Now: now, Zone: paris}.Slot(c.facts)
			if got.Sentence != c.want || got.Code != c.code {
				t.Errorf("%s\n got %s\nwant %s", got.Code, got.Sentence, c.want)
			}
		})
	}
}

// Each sentence on a file, word by word.
func TestFiles(t *testing.T) {
	now := at(t, "11-19 14:03")
	folder := &why.Folder{State: events.FolderLive, Since: at(t, "11-19 09:00"), Path: "/srv/in", Looked: at(t, "11-19 14:02:58"), Files: 1204, Ignored: 3}
	away := func(s events.FolderState, reason string) *why.Folder {
		return &why.Folder{State: s, Path: "/srv/in", Since: at(t, "11-19 09:00"), Reason: reason}
	}
	for _, c := range []struct {
		name  string
		facts why.Facts
		code  why.Code
		want  string
	}{
		{"young", why.Facts{State: events.FileYoung, Modified: now.Add(-time.Second), Quiet: 2000}, "young", "Written 1 s ago; taken after 2 s without a change (each write starts anew)."},
		{"open", why.Facts{State: events.FileOpen, Since: at(t, "11-19 13:41")}, "open", "A process has it open for writing, since 13:41 (22 min)."},
		{"unmarked", why.Facts{State: events.FileUnmarked, Marker: "c.pdf.done"}, "unmarked", "It has no c.pdf.done."},
		{
			"marked before",
			why.Facts{State: events.FileUnmarked, Marker: "c.pdf.done", Rule: "older"},
			"unmarked",
			"Its c.pdf.done is older than the file, and speaks of what that was before: write it again.",
		},
		{"queued", why.Facts{State: why.FileQueued, Position: 3, Calling: 16, MaxConcurrency: 16}, "queued", "Queued 3rd: 16 files of this job are being called (max_concurrency)."},
		{"queued first", why.Facts{State: why.FileQueued, Position: 1}, "queued", "Queued 1st: it waits for its call, or is being called."},
		{"queued 112th", why.Facts{State: why.FileQueued, Position: 112, Calling: 1}, "queued", "Queued 112th: 1 file of this job is being called (max_concurrency)."},
		{
			"not delivered",
			why.Facts{State: why.FileQueued, Position: 1, LastError: "connection refused", Attempts: 4, Next: at(t, "11-19 14:04:10")},
			"queued",
			"Queued 1st, not delivered: connection refused, 4 calls, next at 14:04:10.",
		},
		{"queued, disabled", why.Facts{State: why.FileQueued, Position: 1, Reason: events.WhyPaused}, "paused", "Queued 1st: the job is disabled, and it waits until that is enabled."},
		{
			"held",
			why.Facts{State: why.FileHeld, Reason: "the file comes out of runs that this job began: a → b → a", Ignore: "*.pdf"},
			"held",
			"Held: the file comes out of runs that this job began: a → b → a. Cut the ring, or add *.pdf to spool.watch.ignore.",
		},
		{"ignored", why.Facts{State: events.FileIgnored, Rule: "is hidden: its name begins with a dot"}, "ignored", "Ignored: it is hidden: its name begins with a dot."},
		{
			"not included",
			why.Facts{State: events.FileNotIncluded, Rule: "is matched by no pattern of spool.watch.include (*.pdf)"},
			"not_included",
			"Not included: it is matched by no pattern of spool.watch.include (*.pdf).",
		},
		{"not watched", why.Facts{State: events.FileNotWatched, Rule: "lies in a folder"}, "not_watched", "Not watched: it lies in a folder."},
		{"unreadable", why.Facts{State: events.FileUnreadable, Since: at(t, "11-19 13:41"), Reason: "permission denied"}, "unreadable", "Spool cannot read it, since 13:41 (22 min): permission denied."},
		{"unstaged", why.Facts{State: events.FileUnstaged, Reason: "no space left on device"}, "unstaged", "Its copy for the run cannot be made: no space left on device."},
		{"no regular file", why.Facts{State: events.FileNotAFile, Rule: "a pipe"}, "not_a_file", "It is a pipe: only regular files are run."},
		{"gone", why.Facts{State: events.FileAbsent}, "absent", "No file of this name lies in the folder."},
		{"capitals", why.Facts{State: why.FileNever, Rule: "Big.PDF"}, "never_seen", "Spool has not seen this name. Big.PDF lies there: capitals count."},
		{"never seen", why.Facts{State: why.FileNever, Folder: folder}, "never_seen", "Spool has not seen this name. It looked at 14:02:58: 1,204 files, 3 ignored by pattern."},
		{"never seen, folder gone", why.Facts{State: why.FileNever, Folder: away(events.FolderAbsent, "does not exist")}, "folder_absent", "/srv/in does not exist; looked every 5 s."},
		{"no folder", why.Facts{State: events.FileNoFolder, Folder: away(events.FolderAbsent, "does not exist")}, "folder_absent", "/srv/in does not exist; looked every 5 s."},
		{
			"blocked",
			why.Facts{State: events.FileUnseen, Folder: away(events.FolderBlocked, "may not be read by this process (looked at /srv/in)")},
			"folder_blocked",
			"/srv/in cannot be read, since 09:00: may not be read by this process. It is tried again every 5 s.",
		},
		{"poll", why.Facts{State: events.FileUnseen, Folder: away(events.FolderPoll, events.WhyRemote+" (nfs) the system does not report what others do")}, "folder_poll", "Network mount: looked at every 30 s."},
		{"poll, for another reason", why.Facts{State: events.FileUnseen, Folder: away(events.FolderPoll, "no space left for watches")}, "folder_poll", "Looked at every 30 s: no space left for watches."},
		{"rescan", why.Facts{State: events.FileUnseen, Folder: away(events.FolderRescan, "")}, "folder_rescan", "More happened in the folder at once than the system reports: all of it is looked at again."},
		{"arming", why.Facts{State: events.FileUnseen, Folder: away(events.FolderArming, "")}, "folder_arming", "The folder is looked at for the first time."},
		{
			"unseen",
			why.Facts{State: events.FileUnseen, Folder: folder},
			"unseen",
			"Nothing is in its way: it is taken at the next look at the folder, within a minute, or waits behind many others.",
		},
		{"hangs", why.Facts{State: why.FileHangs}, "hangs", "The folder does not answer: its mount hangs, or is slow."},
		{"rewritten", why.Facts{State: why.FileRewritten}, "rewritten", "Rewritten before its run began; the newer content ran."},
		{"marked", why.Facts{State: why.FileMarked, By: "ann", At: at(t, "11-12 14:03")}, "marked", "Marked as run by ann on 12 Nov 14:03: it does not run."},
		{"before the job", why.Facts{State: why.FileBefore}, "before_job", "It lay there before the job was made, and is not run (spool.watch.existing)."},
		{"ran", why.Facts{State: why.FileCalled, Queued: at(t, "11-19 14:00:03"), Outcome: "ok", Duration: ms(66 * time.Second), Outputs: new(3)}, "ok", "Taken at 14:00; ok after 1 min, 3 files."},
		{
			"failed",
			why.Facts{State: why.FileCalled, Queued: at(t, "11-18 14:00:03"), Outcome: "failed", Duration: ms(66 * time.Second), How: "exit status 1"},
			"failed",
			"Taken at Wed 14:00; failed after 1 min: exit status 1.",
		},
		{"not kept", why.Facts{State: why.FileCalled, Queued: at(t, "11-19 14:00:03")}, "not_kept", "Taken at 14:00; what became of it is not kept."},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := why.At{Now: now, Zone: paris}.File(c.facts)
			if got.Sentence != c.want || got.Code != c.code {
				t.Errorf("%s\n got %s\nwant %s", got.Code, got.Sentence, c.want)
			}
		})
	}
}

func TestTimelines(t *testing.T) {
	a := why.At{Now: at(t, "11-19 14:03"), Zone: paris}
	on := why.Facts{
		State: why.FileCalled, Seen: at(t, "11-19 14:00:01"), Complete: at(t, "11-19 14:00:03"), Came: events.CameLease, Quiet: 2000,
		Queued: at(t, "11-19 14:00:03"), Called: at(t, "11-19 14:00:04"), Attempts: 2, Started: at(t, "11-19 14:00:04"), Ended: at(t, "11-19 14:01:10"),
		Outcome: events.OutcomeOK, Outputs: new(3),
	}
	old := why.Facts{State: why.FileCalled, Queued: on.Queued, Called: on.Called, Attempts: 1, Outcome: events.OutcomeFailed, How: "HTTP 404", Ended: on.Called}
	queued := on
	queued.State, queued.Outcome, queued.Called, queued.Position, queued.Calling = why.FileQueued, "", time.Time{}, 3, 16
	running := on
	running.Outcome, running.Ended, running.Outputs, running.Attempts, running.Came = events.OutcomeRunning, time.Time{}, nil, 1, events.CameRenamed
	waiting := running
	waiting.Outcome, waiting.Started, waiting.Came = events.OutcomeWaiting, time.Time{}, events.CameMarker
	for _, c := range []struct {
		name  string
		facts why.Facts
		want  string
	}{
		{"whole", on, "seen 14:00:01 ─ complete 14:00:03 (quiet 2 s, lease granted) ─ queued 14:00:03 ─ called 14:00:04 (2nd try) ─ run 14:00:04–14:01:10 ─ ok, 3 files"},
		{"of an older version", old, "seen: not kept ─ complete: not kept ─ queued 14:00:03 ─ called 14:00:04 ─ failed: HTTP 404"},
		{"queued", queued, "seen 14:00:01 ─ complete 14:00:03 (quiet 2 s, lease granted) ─ queued 14:00:03 ─ called: queued 3rd: 16 files of this job are being called (max_concurrency)"},
		{"running", running, "seen 14:00:01 ─ complete 14:00:03 (renamed in, lease granted) ─ queued 14:00:03 ─ called 14:00:04 ─ run since 14:00:04"},
		{"waiting", waiting, "seen 14:00:01 ─ complete 14:00:03 (its marker is there) ─ queued 14:00:03 ─ called 14:00:04 ─ run: its run waits for its turn"},
		{
			"open",
			why.Facts{State: events.FileOpen, Seen: at(t, "11-19 13:40"), Since: at(t, "11-19 13:41")},
			"seen 13:40:00 ─ complete: a process has it open for writing, since 13:41 (22 min)",
		},
		{"ignored", why.Facts{State: events.FileIgnored}, ""},
	} {
		if got := why.Line(a.Timeline(c.facts)); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestJobs(t *testing.T) {
	a := why.At{Now: at(t, "11-24 12:00"), Zone: paris}
	live := &why.Folder{State: events.FolderLive, Since: at(t, "11-24 09:00"), Path: "/srv/in", Looked: at(t, "11-24 11:59:58")}
	for _, c := range []struct {
		facts why.Facts
		code  why.Code
		want  string
	}{
		{
			why.Facts{Verdict: events.VerdictDisabled, By: "ann", At: at(t, "11-12 14:03"), Until: at(t, "12-01 00:00"), Reason: "move of the NAS", Waiting: 3},
			"disabled",
			"Disabled by ann on 12 Nov 14:03, until 1 Dec: move of the NAS. 3 triggers of the job wait.",
		},
		{why.Facts{Verdict: events.VerdictShadow}, "shadow", "Shadowed: until it is enabled the job shows when it would run, and runs nothing."},
		{why.Facts{Folder: &why.Folder{State: events.FolderAbsent, Path: "/srv/in"}}, "folder_absent", "/srv/in does not exist; looked every 5 s."},
		{
			why.Facts{Gate: "connection refused", Since: at(t, "11-24 11:30"), Waiting: 1},
			"gate_closed",
			"The endpoint is not called, since 11:30 (30 min): connection refused. 1 trigger of the job waits.",
		},
		{
			why.Facts{LastError: "HTTP 503", Attempts: 4, Next: at(t, "11-24 12:04:10"), Waiting: 2},
			"retrying",
			"Not delivered: HTTP 503, 4 calls, next at 12:04:10. 2 triggers of the job wait.",
		},
		{why.Facts{Outcome: "running", Started: at(t, "11-24 11:56")}, "running", "It has been running since 11:56 (4 min)."},
		{why.Facts{Outcome: "waiting", Reason: "a place in the pool"}, "waiting", "Its run waits for its turn: a place in the pool."},
		{
			why.Facts{Outcome: "failed", Triggered: at(t, "11-24 02:30"), Duration: ms(31 * time.Minute), How: "exit status 3", Next: at(t, "11-25 02:30")},
			"failed",
			"Ran last 02:30: failed after 31 min: exit status 3. Next: Wed 02:30.",
		},
		{why.Facts{Outcome: "ok", Triggered: at(t, "11-23 02:30"), Duration: ms(4 * time.Minute)}, "ok", "Ran last Mon 02:30: ok after 4 min."},
		{why.Facts{Next: at(t, "11-25 02:30")}, "next", "Never ran: its first slot is Wed 02:30, in 14 h 30 min."},
		{why.Facts{}, "no_slot", "Never ran: no slot of its schedule comes."},
		{why.Facts{Reboot: true}, "next", "Never ran: it runs at the start of the machine."},
		{why.Facts{Reboot: true, Outcome: "ok", Triggered: at(t, "11-23 02:30")}, "ok", "Ran last Mon 02:30: ok. Next: at the start of the machine."},
		{why.Facts{Folder: live}, "watching", "Never ran. Watches /srv/in since 09:00; looked 11:59:58."},
		{why.Facts{State: events.FileNoFolder}, "folder_absent", "Never ran: no watcher says anything of its folder."},
	} {
		if got := a.Job(c.facts); got.Sentence != c.want || got.Code != c.code {
			t.Errorf("%s\n got %s\nwant %s", got.Code, got.Sentence, c.want)
		}
	}
}

func TestExecutions(t *testing.T) {
	a := why.At{Now: at(t, "11-24 12:00"), Zone: paris}
	for _, c := range []struct {
		facts why.Facts
		code  why.Code
		want  string
	}{
		{why.Facts{Kind: events.KindManual, By: "ann", Triggered: at(t, "11-24 09:12"), Outcome: "ok", Duration: ms(4 * time.Minute)}, "ok", "Started by ann at 09:12; ok after 4 min."},
		{why.Facts{Kind: events.KindManual, Triggered: at(t, "11-24 09:12"), Outcome: "failed", How: "HTTP 404"}, "failed", "Started at 09:12; failed: HTTP 404."},
		{
			why.Facts{Kind: events.KindManual, By: "ann", Triggered: at(t, "11-24 09:12"), Verdict: why.Queued, LastError: "HTTP 503", Attempts: 1},
			"queued",
			"Started by ann at 09:12, not delivered: HTTP 503, 1 call.",
		},
		{
			why.Facts{Kind: events.KindCron, Slot: at(t, "11-24 02:30"), Verdict: why.Fired, Lateness: ms(400 * time.Millisecond), Outcome: "ok", Duration: ms(4 * time.Minute)},
			"ok",
			"Started on time, 0.4 s after its minute; ok after 4 min.",
		},
		{why.Facts{Kind: events.KindManual, Verdict: events.VerdictSkipped}, "skipped", "Skipped: the run before it had not ended and overlap is skip."},
		{why.Facts{Kind: events.KindFile, Path: "a.pdf", State: why.FileRewritten}, "rewritten", "Rewritten before its run began; the newer content ran."},
	} {
		if got := a.Execution(c.facts); got.Sentence != c.want || got.Code != c.code {
			t.Errorf("%s\n got %s\nwant %s", got.Code, got.Sentence, c.want)
		}
	}
}

// A sentence is one whatever is not known: it begins with a capital or a digit, and ends.
func FuzzFacts(f *testing.F) {
	f.Add("fired", "ok", "open", "a reason", int64(5), 3)
	f.Fuzz(func(t *testing.T, verdict, outcome, state, reason string, duration int64, n int) {
		facts := why.Facts{
			Verdict: events.Ruling(verdict), Outcome: events.Outcome(outcome), State: events.FileState(state), Reason: reason,
			Duration: &duration, Attempts: n, Position: n, Slots: n, Waiting: n, Rule: "is it", Path: "a",
		}
		for _, a := range []why.Answer{(why.At{}).Slot(facts), (why.At{}).File(facts), (why.At{}).Job(facts), (why.At{}).Execution(facts)} {
			if a.Sentence == "" || !strings.HasSuffix(a.Sentence, ".") || a.Sentence[0] >= 'a' && a.Sentence[0] <= 'z' {
				t.Errorf("%q", a.Sentence)
			}
		}
	})
}
