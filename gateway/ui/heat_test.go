package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
	"spool.internal/gateway/v2"
	"spool.internal/gateway/v2/slots"
)

// bucket is what became of one slot of an hour.
func bucket(t *testing.T, zone *time.Location, local, as string) slots.Bucket {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", local, zone)
	if err != nil {
		t.Fatal(err)
	}
	from, to := slots.Hour.Around(at)
	return slots.Bucket{From: from, To: to, Slots: 1, At: at, As: as, Standing: map[string]int{as: 1}}
}

func paris(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func drawn(zone *time.Location, now, known time.Time, all ...slots.Bucket) *heat {
	head := jobHead{JobDetails: v2.JobDetails{Job: v2.Job{ID: "j"}}, Zone: zone}
	return newHeat(head, v2.SlotSummary{KnownFrom: known, Buckets: all}, now, time.Time{})
}

// cellOf finds a cell by its words.
func cellOf(t *testing.T, h *heat, begin string) heatCell {
	t.Helper()
	for _, row := range h.Rows {
		for _, c := range row.Cells {
			if strings.HasPrefix(c.Words, begin) {
				return c
			}
		}
	}
	t.Fatalf("no cell begins with %q", begin)
	return heatCell{}
}

func TestHeatOfNights(t *testing.T) {
	zone := paris(t)
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, zone) // a Tuesday
	h := drawn(zone, now, time.Date(2026, 11, 1, 0, 0, 0, 0, zone),
		bucket(t, zone, "2026-11-19 02:30", "failed"), bucket(t, zone, "2026-11-22 02:30", "missed"), bucket(t, zone, "2026-11-23 02:30", "ok"))
	if !h.Few || len(h.Rows) != 6 || h.Rows[0].Name != "23 Nov" || len(h.Rows[0].Cells) != 7 {
		t.Fatalf("few %v, %d rows, the first %q", h.Few, len(h.Rows), h.Rows[0].Name)
	}
	if c := cellOf(t, h, "Sun 22 Nov 02:30, missed, why"); c.Is != "missed" || c.Href != "/jobs/j?at=2026-11-22T01:30:00Z" {
		t.Errorf("%+v", c)
	}
	if c := cellOf(t, h, "Fri 30 Oct, not kept, why"); c.Is != "unkept" || c.Href == "" {
		t.Errorf("%+v", c)
	}
	if c := cellOf(t, h, "Tue 20 Oct, not shown"); c.Is != "outside" || c.Href != "" {
		t.Errorf("35 days before: %+v", c)
	}
	if c := cellOf(t, h, "Wed 25 Nov, not shown"); c.Href != "" {
		t.Errorf("a day to come: %+v", c)
	}
	got := fmt.Sprint(h.Legend)
	if want := "[{failed failed 1 /jobs/j/runs?kind=cron&outcome=failed} {missed missed 1 /jobs/j/slots?verdict=missed} {ok ok 1 /jobs/j/runs?kind=cron&outcome=ok}]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The map of a job without a past is the one that it will have.
func TestHeatOfANewJob(t *testing.T) {
	zone := paris(t)
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, zone)
	for expr, few := range map[string]bool{"30 2 * * *": true, "0 */6 * * *": true, "0 */4 * * *": false, "* * * * *": false} {
		s, err := schedule.Parse(expr, zone)
		if err != nil {
			t.Fatal(err)
		}
		head := jobHead{JobDetails: v2.JobDetails{Job: v2.Job{ID: "j"}, Plan: &events.Plan{Slots: s}}, Zone: zone}
		if h := newHeat(head, v2.SlotSummary{KnownFrom: now}, now, time.Time{}); h.Few != few {
			t.Errorf("%s: few is %v", expr, h.Few)
		}
	}
}

// An hour that clocks leave out is no hour without a slot, and one that comes twice is one cell.
func TestHeatOfClocks(t *testing.T) {
	zone := paris(t)
	var all []slots.Bucket
	for hour := range 6 {
		all = append(all, bucket(t, zone, fmt.Sprintf("2026-03-28 %02d:00", hour), "ok"))
	}
	h := drawn(zone, time.Date(2026, 3, 30, 12, 0, 0, 0, zone), time.Time{}, all...)
	if h.Few || len(h.Rows) != heatDays || len(h.Rows[0].Cells) != 24 {
		t.Fatalf("few %v, %d rows", h.Few, len(h.Rows))
	}
	if c := cellOf(t, h, "Sun 29 Mar 02:00"); c.Is != "dst_gap" || !c.Clocks || c.Href == "" || !strings.Contains(c.Words, "did not exist") {
		t.Errorf("the gap: %+v", c)
	}
	first := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC) // 02:30 CEST, and an hour later CET
	all = nil
	for n := range 2 {
		at := first.Add(time.Duration(n) * time.Hour).In(zone)
		from, to := slots.Hour.Around(at)
		as := []string{"ok", "failed"}[n]
		all = append(all, slots.Bucket{From: from, To: to, Slots: 1, At: at, As: as, Standing: map[string]int{as: 1}})
	}
	for hour := range 5 {
		all = append(all, bucket(t, zone, fmt.Sprintf("2026-10-26 %02d:00", hour), "ok"))
	}
	h = drawn(zone, time.Date(2026, 10, 27, 12, 0, 0, 0, zone), time.Time{}, all...)
	if c := cellOf(t, h, "Sun 25 Oct 02:00, 2 slots: 1 failed, 1 ok"); c.Is != "failed" || c.Count != 2 || c.Href != "/jobs/j?at=2026-10-25T01:30:00Z" {
		t.Errorf("the hour that comes twice: %+v", c)
	}
}

func TestBars(t *testing.T) {
	result := func(outcome events.Outcome, took time.Duration) v2.Result {
		ms := took.Milliseconds()
		return v2.Result{Outcome: outcome, Run: &v2.Run{DurationMS: &ms}}
	}
	all := []v2.Result{result(events.OutcomeFailed, 31*time.Minute)} // the newest
	for n := range 19 {
		all = append(all, result(events.OutcomeOK, time.Duration(n+1)*time.Minute))
	}
	all = append(all, v2.Result{Outcome: events.OutcomeCalled, FlowJobID: "theirs", Started: time.Unix(1, 0), Ended: time.Unix(2, 0)})
	b := newBars(all, time.UTC)
	if b.Known != 20 || b.Median != 10*time.Minute || b.Long != 19*time.Minute || b.Longest != 31*time.Minute {
		t.Errorf("known %d, p50 %v, p95 %v, longest %v", b.Known, b.Median, b.Long, b.Longest)
	}
	if last := b.Bars[len(b.Bars)-1]; !last.Bad() || last.Height != barHeight || last.Y != 0 {
		t.Errorf("the newest is at the right, and the longest is the highest: %+v", last)
	}
	if first := b.Bars[0]; first.Took != nil || first.Height != barLeast || first.Words() != "called" {
		t.Errorf("of a call of a foreign endpoint nobody knows how long its run took: %+v", first)
	}
	if empty := newBars(nil, time.UTC); empty.Words != "0 runs" || len(empty.Bars) != 0 {
		t.Errorf("%+v", empty)
	}
}
