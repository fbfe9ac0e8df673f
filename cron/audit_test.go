package cron

import (
	"testing"
	"time"

	"spool.internal/events"
)

// audit holds the promise: every slot of every enabled job, as the job was then,
// has exactly one trigger or lies in exactly one verdict, or is still owed by
// catch-up; nothing else has any of these. It walks slot by slot, which the engine
// never does.
func audit(t testing.TB, history map[string][]events.JobChange, fired []events.Trigger, passed []events.Verdict, later backlogs, until time.Time) {
	t.Helper()
	type slot struct {
		job    string
		minute events.Minute
	}
	answers := map[slot]int{}
	for _, f := range fired {
		if f.ID != events.CronTriggerID(f.JobID, f.Minute) || f.Kind != events.KindCron {
			t.Errorf("trigger %+v is not named by its slot", f)
		}
		answers[slot{f.JobID, f.Minute}]++
	}
	ranges := map[string][]events.Verdict{}
	for _, p := range passed {
		ranges[p.JobID] = append(ranges[p.JobID], p)
	}
	owed := 0
	for id, all := range backlogsOf(t, later) {
		for i := 0; i < len(all); i += 2 {
			ranges[id] = append(ranges[id], events.Verdict{JobID: id, From: all[i], To: all[i+1]})
			owed++
		}
	}
	slots, verdicts := 0, 0
	for id, all := range history {
		for i, c := range all {
			if c.Gone() {
				break
			}
			r := reread(t, c)
			end, ended := events.MinuteOf(until), false
			for _, later := range all[i+1:] {
				if later.Gone() {
					end = min(end, events.MinuteOf(later.Stored))
					ended = true
					break
				}
				if next := reread(t, later); !r.Same(&next) {
					end, ended = min(end, next.Start), true
					break
				}
			}
			if i > 0 {
				if before := reread(t, all[i-1]); r.Same(&before) {
					continue // the first of those that are the same has been walked
				}
			}
			if r.Times == nil {
				continue
			}
			deleted := all[len(all)-1].Gone()
			for s := range r.Times.Slots(r.Start.Time(), end.Time()) {
				m := events.MinuteOf(s.Time)
				n := answers[slot{id, m}]
				delete(answers, slot{id, m})
				for _, p := range ranges[id] {
					if p.From <= m && m <= p.To {
						n, verdicts = n+1, verdicts+1
					}
				}
				slots++
				want := 1
				if !r.Enabled && !r.Shadow && !ended {
					want = 0
				}
				if n != want && !(deleted && n == 0) {
					t.Errorf("job %s, slot %s: %d triggers and verdicts, want %d", id, s.Time, n, want)
				}
			}
		}
		for _, p := range ranges[id] {
			if p.From > p.To {
				t.Errorf("verdict %+v ends before it begins", p)
			}
		}
	}
	for s := range answers {
		t.Errorf("job %s, %s: a trigger without a slot", s.job, s.minute.Time())
	}
	t.Logf("%d slots, %d triggers, %d slots in %d verdicts and %d stretches of backlogs",
		slots, len(fired), verdicts, len(passed), owed)
}

func reread(t testing.TB, c events.JobChange) events.Period {
	t.Helper()
	p, err := c.Period()
	if err == nil {
		err = p.Parse(time.UTC)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}
