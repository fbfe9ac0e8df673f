package crondlog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events/schedule"
)

var paris = func() *time.Location {
	zone, err := schedule.LoadLocation("Europe/Paris")
	if err != nil {
		panic(err)
	}
	return zone
}()

func TestParse(t *testing.T) {
	now := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct{ line, want string }{
		"syslog":              {"Jan  1 02:30:01 host CRON[811]: (ann) CMD (tar czf x (y))", "2026-01-01 01:30:01 ann tar czf x (y)"},
		"syslog of last year": {"Dec 31 23:00:01 host CRON[811]: (ann) CMD (a)", "2025-12-31 22:00:01 ann a"},
		"syslog with micros":  {"2026-01-01T02:30:01.123456+01:00 host CRON[811]: (root) CMD (a)", "2026-01-01 01:30:01 root a"},
		"short-iso":           {"2026-01-01T02:30:01+0100 host CRON[811]: (root) CMD (a)", "2026-01-01 01:30:01 root a"},
		"short-full":          {"Thu 2026-01-01 02:30:01 CET host CRON[811]: (root) CMD (a)", "2026-01-01 01:30:01 root a"},
		"short-full in UTC":   {"Thu 2026-01-01 01:30:01 UTC host CRON[811]: (root) CMD (a)", "2026-01-01 01:30:01 root a"},
		"cronie":              {"Jan  1 02:30:01 host CROND[811]: (root) CMD (a)", "2026-01-01 01:30:01 root a"},
		"crond by its path":   {"Jan  1 02:30:01 host /usr/sbin/cron[811]: (root) CMD (a)", "2026-01-01 01:30:01 root a"},
		"json":                {`{"__REALTIME_TIMESTAMP":"1767231001000000","SYSLOG_IDENTIFIER":"CRON","MESSAGE":"(ann) CMD (echo \"x\")"}`, `2026-01-01 01:30:01 ann echo "x"`},
		"json of bytes":       {`{"__REALTIME_TIMESTAMP":"1767231001000000","SYSLOG_IDENTIFIER":"CRON","MESSAGE":[40,97,41,32,67,77,68,32,40,255,41]}`, "2026-01-01 01:30:01 a \xff"},
		"json of another":     {`{"__REALTIME_TIMESTAMP":"1767231001000000","SYSLOG_IDENTIFIER":"su","MESSAGE":"(ann) CMD (x)"}`, ""},
		"a session":           {"Jan  1 02:30:01 host CRON[811]: pam_unix(cron:session): session opened for user root", ""},
		"the end of cronie":   {"Jan  1 02:30:01 host CROND[811]: (root) CMDEND (a)", ""},
		"somebody else":       {"Jan  1 02:30:01 host evil[811]: (root) CMD (a)", ""},
		"quoted by another":   {"Jan  1 02:30:01 host sudo: said CRON[1]: (root) CMD (a)", "2026-01-01 01:30:01 root a"},
		"no time":             {"CRON[811]: (root) CMD (a)", "skipped 1"},
		"nothing":             {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			starts, skipped := Parse(c.line+"\n", paris, now)
			got := ""
			for _, s := range starts {
				got = fmt.Sprintf("%s %s %s", s.At.UTC().Format(time.DateTime), s.User, s.Command)
			}
			for _, n := range skipped {
				got = fmt.Sprint("skipped ", n)
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// job makes a shadowed job with slots; "!" marks one of another verdict.
func job(t *testing.T, key, user, command, when string, slots ...string) *Job {
	t.Helper()
	s, err := schedule.ParseAny(when, paris)
	if err != nil {
		t.Fatal(err)
	}
	j := &Job{Key: key, User: user, Command: command, Schedule: s, Shadowed: true, Since: at(t, "00:00")}
	for _, text := range slots {
		slot := Slot{Verdict: Shadow}
		if clock, other := strings.CutPrefix(text, "!"); other {
			text, slot.Verdict, slot.Reason = clock, "missed", "not running"
		}
		slot.Time = at(t, text)
		j.Slots = append(j.Slots, slot)
	}
	return j
}

func at(t *testing.T, clock string) time.Time {
	t.Helper()
	form := "2006-01-02 15:04"
	if len(clock) > 5 {
		form += ":05"
	}
	when, err := time.Parse(form, "2026-11-28 "+clock)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func TestCompare(t *testing.T) {
	start := func(clock, user, command string) Start {
		return Start{At: at(t, clock), User: user, Command: command, Line: 1}
	}
	for _, c := range []struct {
		name   string
		starts []Start
		jobs   []*Job
		want   string
	}{
		{
			"the same",
			[]Start{start("10:00:01", "ann", "a"), start("10:05:03", "ann", "a")},
			[]*Job{job(t, "k", "ann", "a", "*/5 * * * *", "10:00", "10:05")},
			"10:00 both k\n10:05 both k\n",
		},
		{
			"crond was late over the minute",
			[]Start{start("10:01:20", "ann", "a")},
			[]*Job{job(t, "k", "ann", "a", "*/5 * * * *", "10:00")},
			"10:00 both k\n",
		},
		{
			"each start and each slot once",
			[]Start{start("10:00:01", "ann", "a"), start("10:00:02", "ann", "a"), start("10:00:03", "ann", "a")},
			[]*Job{job(t, "k", "ann", "a", "@hourly", "10:00"), job(t, "k-2", "ann", "a", "@hourly", "10:00")},
			"10:00 both k\n10:00 crond k: crond started it twice in this minute\n10:00 both k-2\n",
		},
		{
			"another's line",
			[]Start{start("10:00:01", "bob", "a")},
			[]*Job{job(t, "k", "ann", "a", "@hourly", "10:00")},
			"10:00 crond : no job has this command of this user\n10:00 spool k: crond logged no start: it was not running, the line has gone or is another, or - before its minute keeps it quiet\n",
		},
		{
			"Spool was away",
			[]Start{start("10:00:01", "ann", "a")},
			[]*Job{job(t, "k", "ann", "a", "@hourly", "!10:00")},
			"10:00 crond k: its slot is missed: not running\n",
		},
		{
			"another schedule",
			[]Start{start("10:07:01", "ann", "a")},
			[]*Job{job(t, "k", "ann", "a", "@hourly", "10:00")},
			"10:00 spool k: crond logged no start: it was not running, the line has gone or is another, or - before its minute keeps it quiet\n" +
				"10:07 crond k: the job has no slot then: its schedule or its zone differ from the line's\n",
		},
		{
			"the machine started",
			[]Start{start("10:07:01", "ann", "a")},
			[]*Job{job(t, "k", "ann", "a", "@reboot")},
			"10:07 crond k: crond was started, or the machine: @reboot has no slots\n",
		},
		{"out of the time", []Start{start("08:59:59", "ann", "a"), start("12:00:01", "ann", "a")}, []*Job{job(t, "k", "ann", "a", "@hourly", "08:00", "12:00")}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			for _, l := range Compare(c.starts, c.jobs, at(t, "09:00"), at(t, "12:00")) {
				fmt.Fprintf(&b, "%s %s %s", l.Time.Format("15:04"), l.On, l.Key)
				if l.Reason != "" {
					fmt.Fprint(&b, ": ", l.Reason)
				}
				b.WriteByte('\n')
			}
			if d := cmp.Diff(c.want, b.String()); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// A change of clocks is the reason where there is one.
func TestCompareAcrossAChangeOfClocks(t *testing.T) {
	night := time.Date(2027, 3, 28, 1, 0, 0, 0, time.UTC) // 02:00 → 03:00 in Paris
	s, err := schedule.Parse("30 2 * * *", paris)
	if err != nil {
		t.Fatal(err)
	}
	j := &Job{Key: "k", Command: "a", Schedule: s, Shadowed: true, Slots: []Slot{{Time: night, Verdict: Shadow}}}
	for _, l := range Compare([]Start{{At: night.Add(30 * time.Minute), User: "ann", Command: "a"}}, []*Job{j}, night.Add(-time.Hour), night.Add(3*time.Hour)) {
		if l.On == Both || !strings.Contains(l.Reason, "clocks in Europe/Paris go forward") {
			t.Errorf("%+v", l)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("Jan  1 02:30:01 host CRON[811]: (ann) CMD (a)\n{\"MESSAGE\":[1]}\n")
	f.Fuzz(func(_ *testing.T, text string) { Parse(text, paris, time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)) })
}
