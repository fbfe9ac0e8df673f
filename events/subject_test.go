package events

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSubjects(t *testing.T) {
	h := Hash("p")
	for subject, want := range map[string]Subject{
		JobSubject("j"):                              {Family: "job", JobID: "j"},
		TriggerSubject(KindCron, "j"):                {Family: "trigger", Kind: "cron", JobID: "j"},
		VerdictSubject("j"):                          {Family: "verdict", JobID: "j"},
		ClockSubject:                                 {Family: "clock"},
		BacklogSubject("j"):                          {Family: "backlog", JobID: "j"},
		CalledSubject("j", "p"):                      {Family: "called", JobID: "j", Rest: h},
		PausedSubject("j", "p"):                      {Family: "paused", JobID: "j", Rest: h},
		PausedRunSubject("j", "r"):                   {Family: "pausedrun", JobID: "j", Rest: "r"},
		DoneSubject(StreamFiles, "w", 7):             {Family: "done", Kind: "file", Rest: "w.7"},
		DoneSubject(StreamTriggers, "w", 7):          {Family: "done", Kind: "trigger", Rest: "w.7"},
		FileSubject("j", "f"):                        {Family: "file", JobID: "j", Rest: "f"},
		SeenSubject("j", "p", "f"):                   {Family: "seen", JobID: "j", Rest: h + ".f"},
		AgainSubject("j", "p", "g"):                  {Family: "again", JobID: "j", Rest: h + ".g"},
		RunQueueSubject("default", "r"):              {Family: "runqueue", Rest: "default.r"},
		RunKeySubject("default", "r"):                {Family: "runkey", Rest: "default.r"},
		ResultSubject("j"):                           {Family: "result", JobID: "j"},
		RunSubject(Ended, "", "r"):                   {Family: "run", Kind: "ended", JobID: NoJob, Rest: "r"},
		RunSubject(Started, "j", "r"):                {Family: "run", Kind: "started", JobID: "j", Rest: "r"},
		UndeliveredSubject("j", "r", "w"):            {Family: "run", Kind: "undelivered", JobID: "j", Rest: "r.w"},
		DeadSubject("j"):                             {Family: "dead", JobID: "j"},
		NotificationSubject("", "run"):               {Family: "notification", Kind: "state", JobID: NoJob, Rest: "run"},
		UndeliverableSubject("j", "run", 7, "email"): {Family: "notification", Kind: "undelivered", JobID: "j", Rest: "run.7.email"},
		SlotSubject("j"):                             {Family: "slot", JobID: "j"},
		SubscriberSubject("mine"):                    {Family: "subscriber", Rest: "mine"},
		StateSubject("watch", "j"):                   {Family: "state", Kind: "watch", JobID: "j"},
	} {
		got, err := ParseSubject(subject)
		if err != nil {
			t.Errorf("%s: %v", subject, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", subject, diff)
		}
	}
	for _, s := range []string{"", "spool", "spool.job", "spool.job.", "spool.job.a.b", "spool.trigger.cron", "other.job.a", "spool.new.a", "spool..a", "spool.run.ended.j", "spool.done.file.w"} {
		if got, err := ParseSubject(s); err == nil {
			t.Errorf("%q parsed as %+v", s, got)
		}
	}
}

func FuzzSubject(f *testing.F) {
	f.Add("spool.seen.a.b.c")
	f.Fuzz(func(t *testing.T, s string) { _, _ = ParseSubject(s) })
}

func TestPathForms(t *testing.T) {
	for in, want := range map[string]Path{
		"a/b/fs/D/x":            {"a/b/fs/D", "x"},
		"/a/b/fs/My Drive/x/y/": {"a/b/fs/My Drive", "x/y"},
		"a//b/fs/D/./x":         {"a/b/fs/D", "x"},
		"a/b/fs/D":              {"a/b/fs/D", ""},
	} {
		if got, err := ParsePath("p", in); err != nil || got != want {
			t.Errorf("ParsePath(%q) = %+v, %v", in, got, err)
		}
	}
	in := Path{"a/b/fs/D", "x/in"}
	for _, c := range []struct{ got, want string }{
		{in.Sibling("out").String(), "a/b/fs/D/x/out"},
		{Path{"a/b/fs/D", "in"}.Sibling("out").String(), "a/b/fs/D/out"},
		{in.Join("y", "z").String(), "a/b/fs/D/x/in/y/z"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	for _, c := range []struct {
		p, dir string
		want   bool
	}{
		{"a/b/fs/D/x/in", "a/b/fs/D/x", true},
		{"a/b/fs/D/x", "a/b/fs/D/x", true},
		{"a/b/fs/D/xy", "a/b/fs/D/x", false},
		{"a/b/fs/E/x", "a/b/fs/D/x", false},
		{"a/b/fs/D/x", "a/b/fs/D", true},
	} {
		p, _ := ParsePath("p", c.p)
		dir, _ := ParsePath("p", c.dir)
		if p.Within(dir) != c.want {
			t.Errorf("%q within %q: %v", c.p, c.dir, !c.want)
		}
	}
}

func TestFileNamesThatAreNotText(t *testing.T) {
	for _, name := range []string{"plain", "bad\xffname", "\xf0\x28"} {
		if got := NewFile(name).RawPath(); got != name {
			t.Errorf("%q came back as %q", name, got)
		}
	}
	if f := NewFile("bad\xffname"); f.Path != "bad\ufffdname" || f.PathB64 == "" {
		t.Errorf("bad name is shown as %+v", f)
	}
}
