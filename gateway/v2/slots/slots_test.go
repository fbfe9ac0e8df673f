package slots

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
)

const job = "j5"

// at reads "03-29 01:00", "12:00" or "03-29", of 2026; without a date it is 1 January.
func at(t testing.TB, text string) time.Time {
	t.Helper()
	switch {
	case len(text) > 5:
	case text[2] == ':':
		text = "01-01 " + text
	default:
		text += " 00:00"
	}
	m, err := time.Parse("2006-01-02 15:04", "2026-"+text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// history builds the events of a job from lines such as
//
//	created 12:00 0 * * * *
//	disabled 12:30
//	created 03-01 30 2 * * * Europe/Paris
//
// Each is stored half a minute after its time; one with a later time behind "/"
// reached the store only then.
func history(t testing.TB, lines string) (all []events.JobChange) {
	t.Helper()
	j := events.Job{ID: job, Status: events.Enabled}
	for line := range strings.Lines(lines) {
		f := strings.Fields(line)
		when, stored, slow := strings.Cut(f[1], "/")
		now := at(t, when).Add(30 * time.Second)
		ev := events.JobChange{Stored: now.Add(time.Second)}
		if slow {
			ev.Stored = at(t, stored).Add(time.Second)
		}
		switch events.Change(f[0]) {
		case events.JobDisabled:
			j.Status = events.Disabled
		case "shadowed":
			o, err := events.ParseObject(j.Parameters)
			if err != nil {
				t.Fatal(err)
			}
			j.EffectiveFrom, j.Parameters = now, events.Encode(o.Set("spool", map[string]any{"shadow": true}))
		case "renamed": // nothing that its slots depend on
		case events.JobEnabled:
			j.Status, j.EffectiveFrom = events.Enabled, now
		default:
			p := map[string]any{
				"name": "x", "schedule": strings.Join(f[2:7], " "), "flow_parameters": map[string]any{
					"auth_token": events.Mask, "binary_path": "a/r/fs/D/f", "input_dir": "a/r/fs/D/in",
				},
			}
			if len(f) > 7 {
				p["spool"] = map[string]any{"timezone": f[7]}
			}
			j.EffectiveFrom, j.Parameters = now, events.Encode(p)
		}
		ev.JobRevision = events.JobRevision{Seq: uint64(len(all) + 1), Event: events.JobEvent{Event: events.Change(f[0]), At: now, Job: j}}
		all = append(all, ev)
	}
	return all
}

// lines shows entries, one a line.
func lines(entries []Entry) string {
	var b strings.Builder
	for _, e := range entries {
		layout := "15:04"
		if e.From.YearDay() != 1 {
			layout = "01-02 15:04"
		}
		fmt.Fprint(&b, e.From.Format(layout))
		if !e.To.Equal(e.From) {
			fmt.Fprint(&b, "-", e.To.Format("15:04"))
		}
		if e.Slots != 1 {
			fmt.Fprint(&b, " ×", e.Slots)
		}
		fmt.Fprint(&b, " ", e.Verdict)
		if e.TriggerID != "" {
			fmt.Fprint(&b, " ", strings.TrimSuffix(e.TriggerID, fmt.Sprint(":", events.MinuteOf(e.From))))
		}
		if e.LatenessMS != nil {
			fmt.Fprint(&b, " +", time.Duration(*e.LatenessMS)*time.Millisecond)
		}
		if e.Reason != "" {
			fmt.Fprint(&b, " (", e.Reason, ")")
		}
		fmt.Fprintln(&b)
	}
	return b.String()
}

// clean takes the indentation off a wanted text.
func clean(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			fmt.Fprintln(&b, line)
		}
	}
	return b.String()
}

func TestTell(t *testing.T) {
	clock := func(minute string, seq uint64) events.Clock {
		return events.Clock{From: events.MinuteOf(at(t, minute)) - 1, Minute: events.MinuteOf(at(t, minute)), JobsSeq: seq}
	}
	fired := func(slot string, late time.Duration, done bool) Trigger {
		m := events.MinuteOf(at(t, slot))
		return Trigger{ID: events.CronTriggerID(job, m), Minute: m, Stored: at(t, slot).Add(late), Done: done}
	}
	verdict := func(from, to string, verdict events.Ruling, reason string) events.Verdict {
		return events.Verdict{JobID: job, From: events.MinuteOf(at(t, from)), To: events.MinuteOf(at(t, to)), Verdict: verdict, Reason: reason}
	}
	about := func(v events.Verdict, id string) events.Verdict { v.TriggerID = id; return v }
	const kept = "fired (no result of it is kept)"
	for _, c := range []struct {
		name, history, from, to string
		facts                   Facts
		want                    string
	}{
		{
			"a quiet job", "created 11:50 */10 * * * *", "12:00", "12:59",
			Facts{Clock: clock("12:59", 1)},
			"12:00-12:50 ×6 " + kept,
		},
		{
			"no slot of its own before it was there", "created 12:15 */10 * * * *", "11:00", "12:59",
			Facts{Clock: clock("12:59", 1)},
			"12:20-12:50 ×4 " + kept,
		},
		{
			"results, late or not", "created 11:50 */10 * * * *", "12:00", "12:59",
			Facts{Clock: clock("12:59", 1), Triggers: []Trigger{
				fired("12:10", 12*time.Millisecond, false), fired("12:10", 12*time.Millisecond, true),
				fired("12:20", 61*time.Second, true), fired("12:30", time.Second, true), fired("12:30", time.Hour, true),
				fired("12:50", 3*time.Millisecond, false),
			}},
			`12:00 ` + kept + `
			12:10 fired cron:j5 +12ms
			12:20 caught_up cron:j5 +1m1s
			12:30 fired cron:j5 +1s
			12:40 ` + kept + `
			12:50 queued cron:j5 +3ms (its run-binary call has no result yet)`,
		},
		{
			"verdicts", "created 11:50 */10 * * * *", "12:00", "13:30",
			Facts{Clock: clock("13:30", 1), Verdicts: []events.Verdict{
				verdict("12:00", "12:20", events.VerdictMissed, "not running"),
				verdict("12:00", "12:20", events.VerdictMissed, "not running"),
				about(verdict("12:40", "12:40", events.VerdictSkipped, "the run of 12:30 goes on"), events.CronTriggerID(job, events.MinuteOf(at(t, "12:40")))),
				about(verdict("12:50", "12:50", events.VerdictSkipped, "by hand"), "manual:j5:x"),
				verdict("13:10", "14:00", events.VerdictSuperseded, ""),
			}},
			`12:00-12:20 ×3 missed (not running)
			12:30 ` + kept + `
			12:40 skipped cron:j5 (the run of 12:30 goes on)
			12:50 ×0 skipped manual:j5:x (by hand)
			12:50-13:00 ×2 ` + kept + `
			13:10-13:30 ×3 superseded`,
		},
		{
			"shadowed", "created 11:50 */10 * * * *\ndisabled 12:05\nshadowed 12:15", "12:00", "12:59",
			Facts{Clock: clock("12:45", 3), Verdicts: []events.Verdict{verdict("12:20", "12:20", events.VerdictShadow, "")}},
			`12:00 ` + kept + `
			12:10 disabled
			12:20-12:40 ×3 shadow
			12:50 pending (cron has not committed this minute yet)`,
		},
		{
			"cron is not there", "created 11:50 */10 * * * *", "12:00", "12:59",
			Facts{Clock: clock("12:25", 1)},
			`12:00-12:20 ×3 ` + kept + `
			12:30-12:50 ×3 pending (cron has not committed this minute yet)`,
		},
		{
			"cron was never there", "created 11:50 */10 * * * *", "12:00", "12:59",
			Facts{},
			"12:00-12:50 ×6 pending (cron has not committed this minute yet)",
		},
		{
			"a pass that has not come to this job", "created 11:50 */10 * * * *", "12:00", "12:39",
			Facts{Clock: events.Clock{From: events.MinuteOf(at(t, "12:15")), Minute: events.MinuteOf(at(t, "12:35")), Cursor: "j4", JobsSeq: 1}},
			`12:00-12:10 ×2 ` + kept + `
			12:20-12:30 ×2 pending (cron has not committed this minute yet)`,
		},
		{
			"a pass that has", "created 11:50 */10 * * * *", "12:00", "12:39",
			Facts{Clock: events.Clock{From: events.MinuteOf(at(t, "12:15")), Minute: events.MinuteOf(at(t, "12:35")), Cursor: job, JobsSeq: 1}},
			"12:00-12:30 ×4 " + kept,
		},
		{
			"a backlog", "created 11:50 */10 * * * *", "12:00", "12:59",
			Facts{
				Clock: clock("12:59", 1), Owed: []events.Stretch{{From: events.MinuteOf(at(t, "12:20")), To: events.MinuteOf(at(t, "12:40"))}},
				Triggers: []Trigger{fired("12:10", time.Hour, false), fired("12:50", 10*time.Minute, true)},
			},
			`12:00 ` + kept + `
			12:10 queued cron:j5 +1h0m0s (its run-binary call has no result yet)
			12:20-12:40 ×3 pending (catch-up has not come to it yet)
			12:50 caught_up cron:j5 +10m0s`,
		},
		{
			"disabled for a while, and since",
			"created 11:50 */10 * * * *\n disabled 12:15\n enabled 12:35\n disabled 13:05", "12:00", "13:30",
			Facts{Clock: clock("13:30", 4), Verdicts: []events.Verdict{verdict("12:20", "12:30", events.VerdictDisabled, "")}},
			`12:00-12:10 ×2 ` + kept + `
			12:20-12:30 ×2 disabled
			12:40-13:00 ×3 ` + kept + `
			13:10-13:30 ×3 disabled`,
		},
		{
			"edited", "created 11:50 */10 * * * *\n updated 12:15 5 * * * *\n updated 13:30 0 * * * *", "12:00", "14:30",
			Facts{Clock: clock("14:30", 3), Verdicts: []events.Verdict{verdict("13:05", "13:05", events.VerdictMissed, "edited")}},
			`12:00-12:10 ×2 ` + kept + `
			13:05 missed (edited)
			14:00 ` + kept,
		},
		{
			"edited, and a pass went by before it knew", "created 11:50 * * * * *\n updated 12:01/12:02 */2 * * * *", "12:00", "12:05",
			Facts{Clock: clock("12:05", 2), Triggers: []Trigger{fired("12:03", time.Second, true)}},
			`12:00-12:01 ×2 ` + kept + `
			12:03 ×0 fired cron:j5 +1s
			12:04 ` + kept,
		},
		{
			"a change that cron has not seen", "created 11:50 */10 * * * *\n disabled 11:55\n enabled 11:58/12:11", "12:00", "12:29",
			Facts{Clock: clock("12:20", 2)},
			"12:00-12:20 ×3 pending (cron has not taken in yet how the job was changed)",
		},
		{
			"a change of something else", "created 11:50 */10 * * * *\n renamed 12:05/12:20", "12:00", "12:29",
			Facts{Clock: clock("12:29", 1)},
			"12:00-12:20 ×3 " + kept,
		},
		{
			"more verdicts than are kept", "created 11:50 */10 * * * *", "12:00", "12:59",
			Facts{Clock: clock("12:59", 1), Since: events.MinuteOf(at(t, "12:25")), Verdicts: []events.Verdict{verdict("12:10", "12:10", events.VerdictMissed, "x")}},
			`12:10 missed (x)
			12:30-12:50 ×3 ` + kept,
		},
		{
			"before what is known of the job", "updated 12:15 */10 * * * *", "12:00", "12:29",
			Facts{Clock: clock("12:29", 1), Verdicts: []events.Verdict{verdict("11:00", "12:03", events.VerdictMissed, "edited")}, Triggers: []Trigger{fired("12:05", 0, true)}},
			`11:00-12:03 ×0 missed (edited)
			12:05 ×0 fired cron:j5 +0s
			12:20 ` + kept,
		},
		{
			"no slot in a verdict's range", "created 11:50 0 0 * * *", "12:00", "12:59",
			Facts{Clock: clock("12:59", 1), Verdicts: []events.Verdict{verdict("01-01 00:00", "01-03 00:00", events.VerdictSuperseded, "")}},
			"",
		},
		{
			"clocks go forward", "created 03-01 30 2 * * * Europe/Paris", "03-28 12:00", "03-29 12:00",
			Facts{Clock: clock("03-29 12:00", 1)},
			`03-29 01:00 ×0 dst_gap (clocks in Europe/Paris go forward from 2026-03-29 02:00 to 03:00: what is due in between runs once, at the end)
			03-29 01:00 ` + kept,
		},
		{
			"clocks go forward over a rhythm", "created 03-01 */30 2 * * * Europe/Paris", "03-28 12:00", "03-29 12:00",
			Facts{Clock: clock("03-29 12:00", 1)},
			`03-29 01:00 ×0 dst_gap (clocks in Europe/Paris go forward from 2026-03-29 02:00 to 03:00: what is due in between does not run)`,
		},
		{
			"clocks go back", "created 10-01 30 2 * * * Europe/Paris", "10-24 12:00", "10-25 12:00",
			Facts{Clock: clock("10-25 12:00", 1)},
			`10-25 00:30 ` + kept + `
			10-25 01:00-01:59 ×0 dst_fold (clocks in Europe/Paris go back from 2026-10-25 03:00 to 02:00: what is due in between runs the first time only)`,
		},
		{
			"clocks go back over a rhythm", "created 10-01 */30 2 * * * Europe/Paris", "10-24 12:00", "10-25 12:00",
			Facts{Clock: clock("10-25 12:00", 1)},
			"10-25 00:00-01:30 ×4 " + kept,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.facts.JobID = job
			timeline := events.TimelineOf(history(t, strings.ReplaceAll(c.history, "\n ", "\n")), time.UTC)
			from, to := events.MinuteOf(at(t, c.from))-1, events.MinuteOf(at(t, c.to))
			all, next := PageOf(timeline, from, to, true).Tell(c.facts, 1000)
			if diff := cmp.Diff(clean(c.want), lines(all)); diff != "" || next != 0 {
				t.Errorf("goes on after %d (-want +got):\n%s", next, diff)
			}
			// In pages of one entry it is the same, but for ranges, which end with a page.
			var paged []Entry
			for after, first, pages := from, true, 0; ; first = false {
				page, next := PageOf(timeline, after, to, first).Tell(c.facts, 1)
				paged = append(paged, page...)
				if next == 0 {
					break
				}
				if after = next; pages > 1000 {
					t.Fatal("endless")
				}
				pages++
			}
			if diff := cmp.Diff(lines(all), lines(paged)); diff != "" {
				t.Errorf("in pages (-whole +paged):\n%s", diff)
			}
		})
	}
}

// A month of every minute is told in few pages, each of bounded size.
func TestPagesOfAMonth(t *testing.T) {
	timeline := events.TimelineOf(history(t, "created 00:00 * * * * *"), time.UTC)
	end := at(t, "01-31 00:00")
	f := Facts{JobID: job, Clock: events.Clock{Minute: events.MinuteOf(end), JobsSeq: 1}}
	slots, pages := 0, 0
	for after, next := events.MinuteOf(at(t, "00:00")), events.Minute(1); next != 0; after = next {
		p := PageOf(timeline, after, events.MinuteOf(end), pages == 0)
		var entries []Entry
		if entries, next = p.Tell(f, 1000); len(p.points) > maxSlots || len(entries) != 1 {
			t.Fatalf("%d slots in %d entries", len(p.points), len(entries))
		}
		slots, pages = slots+entries[0].Slots, pages+1
	}
	if slots != 43_200 || pages != 5 {
		t.Errorf("%d slots on %d pages", slots, pages)
	}
}
