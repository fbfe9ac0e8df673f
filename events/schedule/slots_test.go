package schedule

import "testing"

func TestSlots(t *testing.T) {
	for _, c := range []struct {
		name, zone, expr, from, to string
		want                       []string
	}{
		{"both ends", "UTC", "0 * * * *", "2026-01-01 00:00", "2026-01-01 02:00", []string{"01 01:00", "01 02:00"}},
		{"empty", "UTC", "0 * * * *", "2026-01-01 02:00", "2026-01-01 02:00", nil},
		{
			"many become one", "America/New_York", "0,30 1-3 * * *", "2026-03-08 05:00", "2026-03-08 09:00",
			[]string{"08 06:00", "08 06:30", "08 07:00 dst_gap", "08 07:30"},
		},
		{
			"the end of the gap is a slot of its own", "America/New_York", "0 2,3 * * *", "2026-03-08 05:00", "2026-03-08 09:00",
			[]string{"08 07:00 dst_gap"},
		},
		{
			"nothing was due in the gap", "America/New_York", "0 3 * * *", "2026-03-08 05:00", "2026-03-08 09:00",
			[]string{"08 07:00"},
		},
		{
			"once in a fold", "America/New_York", "0,30 0-2 * * *", "2026-11-01 03:59", "2026-11-01 08:00",
			[]string{"01 04:00", "01 04:30", "01 05:00 dst_fold", "01 05:30 dst_fold", "01 07:00", "01 07:30"},
		},
		{
			"rhythm in a gap", "America/New_York", "*/30 1-3 * * *", "2026-03-08 05:00", "2026-03-08 08:00",
			[]string{"08 06:00", "08 06:30", "08 07:00", "08 07:30"},
		},
		{
			"rhythm in a fold", "America/New_York", "*/30 1 * * *", "2026-11-01 03:59", "2026-11-01 08:00",
			[]string{"01 05:00", "01 05:30", "01 06:00", "01 06:30"},
		},
		{
			"half an hour back", "Australia/Lord_Howe", "15,45 1 * * *", "2026-04-04 12:00", "2026-04-04 18:00",
			[]string{"04 14:15", "04 14:45 dst_fold"},
		},
		{
			"two hours back", "Antarctica/Troll", "0 0-4 * * *", "2026-10-24 21:00", "2026-10-25 05:00",
			[]string{"24 22:00", "24 23:00 dst_fold", "25 00:00 dst_fold", "25 03:00", "25 04:00"},
		},
		{
			"three hours forward", "Antarctica/Casey", "0 2-5 * * *", "2009-10-17 16:00", "2009-10-17 21:00",
			[]string{"17 18:00 dst_gap"},
		},
		{
			"no such day", "Pacific/Apia", "0 0,12 * * *", "2011-12-29 09:00", "2011-12-31 10:00",
			[]string{"29 10:00", "29 22:00", "30 10:00", "30 22:00", "31 10:00"},
		},
		{
			"seven hours back twice", "Antarctica/Vostok", "0 20 * * *", "1994-01-31 00:00", "1994-02-01 00:00",
			[]string{"31 13:00", "31 20:00"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := mustParse(t, c.expr, mustZone(t, c.zone))
			var got []string
			for slot := range s.Slots(utc(t, c.from), utc(t, c.to)) {
				text := slot.Time.Format("02 15:04")
				if slot.Mark != "" {
					text += " " + string(slot.Mark)
				}
				got = append(got, text)
			}
			diff(t, c.want, got)
		})
	}
}

func TestSlotsStop(t *testing.T) {
	n := 0
	for range mustParse(t, "* * * * *", nil).Slots(utc(t, "2026-01-01 00:00"), utc(t, "2027-01-01 00:00")) {
		if n++; n == 3 {
			break
		}
	}
	diff(t, 3, n)
}
