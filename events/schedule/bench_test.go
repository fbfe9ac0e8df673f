package schedule

import (
	"testing"
	"time"

	"github.com/robfig/cron/v3"
)

// BenchmarkNext walks from slot to slot, beside the parser that most Go schedulers
// use.
func BenchmarkNext(b *testing.B) {
	start := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	for _, zone := range []string{"UTC", "America/New_York"} {
		loc := mustZone(b, zone)
		for _, c := range []struct{ name, expr string }{
			{"minutely", "* * * * *"},
			{"tenth", "*/10 * * * *"},
			{"office", "0 9-17 * * 1-5"},
			{"daily", "30 2 * * *"},
			{"monthly", "0 0 1 * *"},
			{"13th_fri", "0 0 13 * 5"},
			{"leap", "0 0 29 2 *"},
		} {
			ours := mustParse(b, c.expr, loc)
			theirs, err := cron.ParseStandard("CRON_TZ=" + zone + " " + c.expr)
			if err != nil {
				b.Fatal(err)
			}
			b.Run(c.name+"/"+zone+"/ours", func(b *testing.B) { walk(b, start, ours.Next) })
			b.Run(c.name+"/"+zone+"/robfig", func(b *testing.B) { walk(b, start, theirs.Next) })
		}
	}
}

// walk goes back to the start after ten years, so that both sides see the same
// years however fast they are.
func walk(b *testing.B, start time.Time, next func(time.Time) time.Time) {
	b.ReportAllocs()
	end := start.AddDate(10, 0, 0)
	at := start
	for b.Loop() {
		if at = next(at); at.After(end) {
			at = start
		}
	}
}

// BenchmarkPrev looks for the newest slot of a day, as catch-up does.
func BenchmarkPrev(b *testing.B) {
	until := time.Date(2026, time.January, 1, 23, 59, 0, 0, time.UTC)
	for _, c := range []struct{ name, expr string }{
		{"minutely", "* * * * *"},
		{"morning", "* 0-11 * * *"},
		{"none", "0 0 1 7 *"},
	} {
		s := mustParse(b, c.expr, mustZone(b, "America/New_York"))
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Prev(until, until.AddDate(0, 0, -1))
			}
		})
	}
}
