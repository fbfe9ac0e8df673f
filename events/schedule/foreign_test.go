package schedule

import "testing"

// TestForeign: what other schedulers and crontabs write is answered with what to
// write here, and what is written there reads.
func TestForeign(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{"* * * * * /usr/bin/true", "a command follows the fifth field: write * * * * *; the job's flow is the command"},
		{"*/5 * * * * cd /srv && ./x", "a command follows the fifth field: write */5 * * * *; the job's flow is the command"},
		{"0 5 * * * root /usr/sbin/backup", "a command follows the fifth field: write 0 5 * * *; the job's flow is the command"},
		{"0 5 * * * backup.sh --all", "a command follows the fifth field: write 0 5 * * *; the job's flow is the command"},
		{"@daily /usr/bin/true", "something follows the macro @daily: write @daily alone; the job's flow is the command"},
		{"@daily 5", "something follows the macro @daily: write @daily alone; the job's flow is the command"},
		{"0 5 * * * # nightly", "a comment after the fifth field is not supported: write 0 5 * * *"},
		{"0 5 * * * #nightly", "a comment after the fifth field is not supported: write 0 5 * * *"},

		{"0 * * * * *", "six fields are not supported: write * * * * * if the first is seconds, 0 * * * * if the sixth is a year"},
		{"0 30 12 * * *", "a field for seconds is not supported: write 30 12 * * *"},
		{"0 0 1 1 * 2027", "the sixth field is a year, which is not supported: write 0 0 1 1 *"},
		{"0 0 1 1 * 2027-2030", "the sixth field is a year, which is not supported: write 0 0 1 1 *"},
		{"0 12 ? * WED *", "the sixth field is a year, which is not supported: write 0 12 ? * WED"},
		{"0 0 12 * * ? 2026", "fields for seconds and years are not supported: write the five in the middle, 0 12 * * ?"},

		{"cron(0 12 * * ? *)", "cron(…) of EventBridge has a year and counts days of the week from 1: write 0 12 * * ?"},
		{"cron(0 12 ? * 2-6,1 *)", "cron(…) of EventBridge has a year and counts days of the week from 1: write 0 12 ? * MON-FRI,SUN"},
		{"cron(0 12 L * ? *)", `cron(…) of EventBridge has a year and counts days of the week from 1, and of what is left day of month "L" counts from the last day of the month, which is not supported: L is not a day here: use 1, the day after it, or 28-31 with a flow that looks at the date`},
		{"cron(0 12 * * ?)", "cron(…) is not supported: write 0 12 * * ?"},
		{"cron(0 12)", "cron(…) is not supported: use five fields (minute, hour, day of month, month, day of week)"},
		{"0 0 ? * MON#2 *", `six fields are not supported, and of what is left day of week "MON#2" asks with # for one of the weeks of a month, which is not supported: use MON with a flow that looks at the date`},
		{"0 0 0 L * ?", `six fields are not supported, and of what is left day of month "L" counts from the last day of the month, which is not supported: L is not a day here: use 1, the day after it, or 28-31 with a flow that looks at the date`},
		{"0 0 0 15W * ? 2027", `fields for seconds and years are not supported, and of what is left day of month "15W" asks with W for the nearest working day, which is not supported: use a day, or a day of week such as mon-fri`},
		{"rate(5 minutes)", "rate(…) is not supported: write */5 * * * *"},
		{"rate(1 hour)", "rate(…) is not supported: write 0 * * * *"},
		{"rate(2 days)", "rate(…) is not supported, and days are counted from the first of each month: write 0 0 * * 1 for once a week, or 0 0 1,15 * * for days of your choice"},
		{"rate(7 minutes)", "rate(…) is not supported, and 7 minutes do not divide an hour: write */6 * * * *, or name the times with commas"},
		{"rate(10 hours)", "rate(…) is not supported, and 10 hours do not divide a day: write 0 */8 * * *, or name the times with commas"},
		{"rate(120 minutes)", "rate(…) is not supported: write 0 */2 * * *"},
		{"rate(1440 minutes)", "rate(…) is not supported: write 0 0 * * *"},
		{"rate(90 minutes)", "rate(…) is not supported: name the times with commas, as 0 0,10,20 * * *"},
		{"rate(0 minutes)", "rate(…) is not supported: name the times with commas, as 0 0,10,20 * * *"},
		{"“0 5 * * *”", "the expression is in quotes: write 0 5 * * * without them"},
		{"0 5 * * *\n0 6 * * *", "the expression has more than one line: make a job for each"},
		{"at(2026-11-20T13:00:00)", "at(…) is one moment, and a schedule repeats: use five fields (minute, hour, day of month, month, day of week)"},
		{`"0 5 * * *"`, "the expression is in quotes: write 0 5 * * * without them"},
		{`'0 5 * * *'`, "the expression is in quotes: write 0 5 * * * without them"},

		{"0 0 L * *", `day of month "L" counts from the last day of the month, which is not supported: L is not a day here: use 1, the day after it, or 28-31 with a flow that looks at the date`},
		{"0 0 L-3 * *", `day of month "L-3" counts from the last day of the month, which is not supported: L is not a day here: use 1, the day after it, or 28-31 with a flow that looks at the date`},
		{"0 0 15W * *", `day of month "15W" asks with W for the nearest working day, which is not supported: use a day, or a day of week such as mon-fri`},
		{"0 0 ? * MON#1", `day of week "MON#1" asks with # for the first of its kind in a month, which is not supported: use MON with */31,2-7 as day of month`},
		{"0 0 * * 5#3", `day of week "5#3" asks with # for one of the weeks of a month, which is not supported: use 5 with a flow that looks at the date`},
		{"0 0 * * 5L", `day of week "5L" asks with L for the last of its kind in a month, which is not supported: name the day, with a flow that looks at the date`},
		{"H/15 * * * *", `minute "H/15" asks with H for a value of the server's choice, which is not supported: choose one yourself, such as "*/15"`},
		{"H H(0-7) * * *", `minute "H" asks with H for a value of the server's choice, which is not supported: choose a value yourself, such as 19`},
		{"0~59 * * * *", `minute "0~59" asks with ~ for a random value, which is not supported: choose a value yourself`},
	} {
		t.Run(c.expr, func(t *testing.T) {
			_, err := Parse(c.expr, nil)
			if err == nil {
				t.Fatal("it is taken")
			}
			diff(t, c.want, err.Error())
		})
	}
	// What is advised for the first Monday means the first Monday.
	for slot := range mustParse(t, "0 0 */31,2-7 * MON", nil).Slots(Minute(0).Time(), Minute(60*24*3650).Time()) {
		if slot.Time.Day() > 7 || slot.Time.Weekday() != 1 {
			t.Fatalf("%s is no first Monday", slot.Time)
		}
	}
}
