package schedule_test

import (
	"fmt"
	"time"

	"spool.internal/events/schedule"
)

func Example() {
	loc, err := schedule.LoadLocation("America/New_York")
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := schedule.Parse("30 1,2 * * sun", loc)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Describe())
	for slot := range s.Slots(
		time.Date(2026, time.March, 8, 0, 0, 0, 0, time.UTC),
		time.Date(2026, time.March, 16, 0, 0, 0, 0, time.UTC),
	) {
		fmt.Printf("%s %q\n", slot.Time.In(loc).Format(time.DateTime), slot.Mark)
	}
	// Output:
	// At 01:30 and 02:30 on Sunday (America/New_York).
	// 2026-03-08 01:30:00 ""
	// 2026-03-08 03:00:00 "dst_gap"
	// 2026-03-15 01:30:00 ""
	// 2026-03-15 02:30:00 ""
}
