package jet

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
)

func TestSubjects(t *testing.T) {
	h := events.Hash("p")
	for subject, want := range map[string]subjectParts{
		jobSubject("j"):                              {Family: "job", JobID: "j"},
		jobKeySubject("o", "k"):                      {Family: "jobkey", Rest: events.Hash("o\x00k")},
		triggerSubject(events.KindCron, "j"):         {Family: "trigger", Kind: "cron", JobID: "j"},
		verdictSubject("j"):                          {Family: "verdict", JobID: "j"},
		clockSubject:                                 {Family: "clock"},
		bootSubject("j", "h"):                        {Family: "boot", JobID: "j", Rest: events.Hash("h")},
		backlogSubject("j"):                          {Family: "backlog", JobID: "j"},
		askedSubject("j", "p"):                       {Family: "asked", JobID: "j", Rest: h},
		calledSubject("j", "p"):                      {Family: "called", JobID: "j", Rest: h},
		pausedSubject("j", "p"):                      {Family: "paused", JobID: "j", Rest: h},
		pausedRunSubject("j", "r"):                   {Family: "pausedrun", JobID: "j", Rest: "r"},
		doneSubject(streamFiles, "w", 7):             {Family: "done", Kind: "file", Rest: "w.7"},
		doneSubject(streamTriggers, "w", 7):          {Family: "done", Kind: "trigger", Rest: "w.7"},
		fileSubject("j", "f"):                        {Family: "file", JobID: "j", Rest: "f"},
		seenSubject("j", "p", "f"):                   {Family: "seen", JobID: "j", Rest: h + ".f"},
		againSubject("j", "p", "g"):                  {Family: "again", JobID: "j", Rest: h + ".g"},
		runQueueSubject("default", "r"):              {Family: "runqueue", Rest: "default.r"},
		runKeySubject("default", "r"):                {Family: "runkey", Rest: "default.r"},
		resultSubject("j"):                           {Family: "result", JobID: "j"},
		runSubject(events.Ended, "", "r"):            {Family: "run", Kind: "ended", JobID: events.NoJob, Rest: "r"},
		runSubject(events.Started, "j", "r"):         {Family: "run", Kind: "started", JobID: "j", Rest: "r"},
		undeliveredSubject("j", "r", "w"):            {Family: "run", Kind: "undelivered", JobID: "j", Rest: "r.w"},
		deadSubject("j"):                             {Family: "dead", JobID: "j"},
		notificationSubject("", "run"):               {Family: "notification", Kind: "state", JobID: events.NoJob, Rest: "run"},
		undeliverableSubject("j", "run", 7, "email"): {Family: "notification", Kind: "undelivered", JobID: "j", Rest: "run.7.email"},
		bulkSubject("b"):                             {Family: "bulk", Rest: "b"},
		bulkItemsSubject("l", 7):                     {Family: "bulkitems", Rest: "l.7"},
		slotSubject("j"):                             {Family: "slot", JobID: "j"},
		placeSubject("m1", "watcher"):                {Family: "place", Rest: "m1.watcher"},
		sharedSubject("p"):                           {Family: "shareddrive", Rest: h},
		subscriberSubject("mine"):                    {Family: "subscriber", Rest: "mine"},
		stateSubject("watch", "j"):                   {Family: "state", Kind: "watch", JobID: "j"},
		stateSubject("watch", "j") + ".m1":           {Family: "state", Kind: "watch", JobID: "j", Rest: "m1"},
		roleSubject("cron", "i"):                     {Family: "state", Kind: "role", Rest: "cron.i"},
	} {
		got, err := parseSubject(subject)
		if err != nil {
			t.Errorf("%s: %v", subject, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", subject, diff)
		}
	}
	for _, s := range []string{"", "spool", "spool.job", "spool.job.", "spool.job.a.b", "spool.trigger.cron", "other.job.a", "spool.new.a", "spool..a", "spool.run.ended.j", "spool.done.file.w"} {
		if got, err := parseSubject(s); err == nil {
			t.Errorf("%q parsed as %+v", s, got)
		}
	}
}

func FuzzSubject(f *testing.F) {
	f.Add("spool.seen.a.b.c")
	f.Fuzz(func(t *testing.T, s string) { _, _ = parseSubject(s) })
}
