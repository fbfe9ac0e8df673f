package schedule

import "testing"

func TestDescribe(t *testing.T) {
	for expr, want := range map[string]string{
		"* * * * *":             "Every minute (Europe/Berlin).",
		"*/10 * * * *":          "Every 10 minutes (Europe/Berlin).",
		"*/7 0-5 * * *":         "At minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of hours 0 to 5 every day (Europe/Berlin).",
		"*/10 9-17 * * mon-fri": "Every 10 minutes of hours 9 to 17 on Monday to Friday (Europe/Berlin).",
		"* 2 * * *":             "Every minute of hour 2 every day (Europe/Berlin).",
		"5 * * * *":             "At minute 5 of every hour (Europe/Berlin).",
		"30 2 * * *":            "At 02:30 every day (Europe/Berlin).",
		"0,30 2,14 * * *":       "At 02:00, 02:30, 14:00 and 14:30 every day (Europe/Berlin).",
		"0 0 * * 1,2":           "At 00:00 on Monday and Tuesday (Europe/Berlin).",
		"0 0 1,15 * *":          "At 00:00 on days 1 and 15 of the month (Europe/Berlin).",
		"0 0 13 * 5":            "At 00:00 on day 13 of the month or on Friday (Europe/Berlin).",
		"0 0 1-7 * */7":         "At 00:00 on days 1 to 7 of the month if it is Sunday (Europe/Berlin).",
		"0 0 1-31 * 5":          "At 00:00 every day (Europe/Berlin).",
		"0 0 29 2 *":            "At 00:00 on day 29 of the month in February (Europe/Berlin).",
		"0 * * 1-3,12 *":        "At minute 0 of every hour in January to March and December (Europe/Berlin).",
	} {
		t.Run(expr, func(t *testing.T) {
			diff(t, want, mustParse(t, expr, mustZone(t, "Europe/Berlin")).Describe())
		})
	}
}
