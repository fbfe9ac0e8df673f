package schedule

import "testing"

func TestWarnings(t *testing.T) {
	for _, c := range []struct {
		name, zone, expr, from string
		want                   []string
	}{
		{"none", "UTC", "30 2 * * *", "2026-01-01 00:00", nil},
		{"daytime", "America/New_York", "30 12 * * *", "2026-01-01 00:00", nil},
		{"steady rhythm", "America/New_York", "*/10 * * * *", "2026-01-01 00:00", nil},
		{"a star for a zero", "UTC", "* 2 * * *", "2026-01-01 00:00", []string{
			"minute is *, so it runs 60 times in each hour: use 0 for once",
		}},
		{"uneven steps", "UTC", "*/45 */5 * * *", "2026-01-01 00:00", []string{
			"minute */45 starts again every hour: the last interval is shorter",
			"hour */5 starts again every day: the last interval is shorter",
		}},
		{"uneven days", "UTC", "0 0 */2 * *", "2026-01-01 00:00", []string{
			"day of month */2 starts again every month: the last interval is shorter",
		}},
		{"either day", "UTC", "0 0 13 * 5", "2026-01-01 00:00", []string{
			"day of month and day of week are both set: it runs on days that match either",
		}},
		{"both days", "UTC", "0 0 1-7 * */7", "2026-01-01 00:00", []string{
			"a day field begins with *: it runs on days that match both day of month and day of week",
		}},
		{"short months", "UTC", "0 0 31 * *", "2026-01-01 00:00", []string{
			"day of month 31 never occurs in months 2, 4, 6, 9 and 11",
		}},
		{"leap day", "UTC", "0 0 29,30 2,3 *", "2026-01-01 00:00", []string{
			"day of month 29 occurs in month 2 in leap years only",
		}},
		{"gap", "America/New_York", "30 2 * * *", "2026-01-01 00:00", []string{
			"clocks in America/New_York go forward from 2026-03-08 02:00 to 03:00: what is due in between runs once, at the end",
		}},
		{"fold", "America/New_York", "30 1 * * *", "2026-04-01 00:00", []string{
			"clocks in America/New_York go back from 2026-11-01 02:00 to 01:00: what is due in between runs the first time only",
		}},
		{"rhythm", "America/New_York", "*/30 1-2 * * *", "2026-01-01 00:00", []string{
			"clocks in America/New_York go forward from 2026-03-08 02:00 to 03:00: what is due in between does not run",
			"clocks in America/New_York go back from 2026-11-01 02:00 to 01:00: what is due in between runs twice",
		}},
		{"rhythm, half an hour", "Australia/Lord_Howe", "15 * * * *", "2026-01-01 00:00", []string{
			"clocks in Australia/Lord_Howe go forward from 2026-10-04 02:00 to 02:30: what is due in between does not run",
		}},
		{"midnight", "America/Sao_Paulo", "0 0 * * *", "2018-06-01 00:00", []string{
			"clocks in America/Sao_Paulo go forward from 2018-11-04 00:00 to 01:00: what is due in between runs once, at the end",
		}},
		{"back over midnight", "America/Sao_Paulo", "30 23 * * *", "2018-12-01 00:00", []string{
			"clocks in America/Sao_Paulo go back from 2019-02-17 00:00 to 2019-02-16 23:00: what is due in between runs the first time only",
		}},
		{"no such day", "Pacific/Apia", "0 12 30 * *", "2011-12-01 00:00", []string{
			"day of month 30 never occurs in month 2",
			"clocks in Pacific/Apia go forward from 2011-12-30 00:00 to 2011-12-31 00:00: what is due in between does not run",
		}},
		{"no such day, rhythm", "Pacific/Apia", "*/10 * * * *", "2011-12-01 00:00", []string{
			"clocks in Pacific/Apia go forward from 2011-12-30 00:00 to 2011-12-31 00:00: what is due in between does not run",
		}},
		{"never", "America/New_York", "*/5 2 8-14 3 */7", "2026-04-01 00:00", []string{
			"a day field begins with *: it runs on days that match both day of month and day of week",
			"clocks in America/New_York go forward from 2027-03-14 02:00 to 03:00: what is due in between does not run",
			"no run was found after 2026-04-01",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := mustParse(t, c.expr, mustZone(t, c.zone))
			diff(t, c.want, s.Warnings(utc(t, c.from)))
		})
	}
}
