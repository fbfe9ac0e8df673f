package schedule

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParseCanonical(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{"* * * * *", "* * * * *"},
		{"  0\t2 * * *\n", "0 2 * * *"},
		{"? ? ? ? ?", "* * * * *"},
		{"05 002 1 1 0", "5 2 1 1 0"},
		{"@hourly", "0 * * * *"},
		{"@daily", "0 0 * * *"},
		{"@Midnight", "0 0 * * *"},
		{"@weekly", "0 0 * * 0"},
		{"@monthly", "0 0 1 * *"},
		{"@yearly", "0 0 1 1 *"},
		{"@annually", "0 0 1 1 *"},
		{"0 0 * JAN,jul Mon", "0 0 * 1,7 1"},
		{"0 0 * jan-mar mon-fri", "0 0 * 1-3 1-5"},
		{"0 0 * * 7", "0 0 * * 0"},
		{"0 0 * * 5-7", "0 0 * * 0,5,6"},
		{"0 0 * * fri-sun", "0 0 * * 0,5,6"},
		{"0 0 * * sun-tue", "0 0 * * 0-2"},
		{"0 0 * * sun-sun", "0 0 * * 0"},
		{"0 0 * * 0-7", "0 0 * * 0-6"},
		{"0 0 * * 1-7/2", "0 0 * * 0,1,3,5"},
		{"0 0 * * 7/2", "0 0 * * 0,2,4,6"},
		{"0 0 * * 1/2", "0 0 * * 1,3,5"},
		{"*/10 * * * *", "*/10 * * * *"},
		{"?/10 * * * *", "*/10 * * * *"},
		{"*/1 * * * *", "* * * * *"},
		{"*/60 */24 */31 */12 */7", "*/60 */24 */31 */12 */7"},
		{"*/30,15,45 * * * *", "*/15 * * * *"},
		{"*/20,1,2,3 * * * *", "*/20,1-3 * * * *"},
		{"5,* * * * *", "0-59 * * * *"},
		{"0-59 0-23 1-31 1-12 0-6", "0-59 0-23 1-31 1-12 0-6"},
		{"5/15 * * * *", "5,20,35,50 * * * *"},
		{"5/10 * * * *", "5-55/10 * * * *"},
		{"3,1,2,9,1 * * * *", "1-3,9 * * * *"},
		{"1,2 4,5,6,8 * * *", "1,2 4-6,8 * * *"},
		{"0 0 29 2 *", "0 0 29 2 *"},
		{"0 0 31 2 1", "0 0 31 2 1"},
		{"0 0 25-31 2 *", "0 0 25-31 2 *"},
	} {
		t.Run(c.expr, func(t *testing.T) {
			s := mustParse(t, c.expr, nil)
			diff(t, c.want, s.String())
			if again := mustParse(t, s.String(), nil); !again.Equal(s) {
				t.Errorf("%q reads back as %q", s, again)
			}
		})
	}
}

func TestParseFaults(t *testing.T) {
	const five = "use five fields (minute, hour, day of month, month, day of week)"
	for _, c := range []struct{ expr, field, want string }{
		{"", "", "the expression is empty: " + five + " or a macro such as @daily"},
		{" \t", "", "the expression is empty: " + five + " or a macro such as @daily"},
		{"* * *", "", "the number of fields is 3: " + five},
		{"0 0 0 0 0 0 0 0", "", "the number of fields is 8: " + five},
		{"TZ=UTC 0 * * * *", "", "a TZ= prefix is not supported: set the time zone of the job"},
		{"CRON_TZ=Europe/Berlin", "", "a TZ= prefix is not supported: set the time zone of the job"},
		{"@every 5m", "", `@every is not supported: use a step such as "*/5 * * * *"`},
		{"@reboot", "", "@reboot is not supported: a schedule runs at times of day only"},
		{"@often", "", `macro "@often" is unknown: use @hourly, @daily, @midnight, @weekly, @monthly, @yearly or @annually alone`},
		{"0 0 * * mön", "", `character 'ö' is not allowed: use ASCII letters, digits, spaces and , - * / ?`},
		{"0 0 * *\n*", "", `the expression has more than one line: make a job for each`},
		{"\xff * * * *", "", `character '�' is not allowed: use ASCII letters, digits, spaces and , - * / ?`},
		{"\u00a00 0 * * *", "", `character '\u00a0' is not allowed: use ASCII letters, digits, spaces and , - * / ?`},
		{strings.Repeat("1,", 600), "", "the expression has 1200 bytes: use at most 1024"},

		{"75 * * * *", "minute", `minute "75" is outside 0-59`},
		{"0 24 * * *", "hour", `hour "24" is outside 0-23`},
		{"0 0 0 * *", "day of month", `day of month "0" is outside 1-31`},
		{"0 0 1 13 *", "month", `month "13" is outside 1-12`},
		{"0 0 * * 8", "day of week", `day of week "8" is outside 0-7`},
		{"99999999999999999999 * * * *", "minute", `minute "99999999999999999999" is not a value, a range or a step: use 0-59`},
		{"-5 * * * *", "minute", `minute "-5" is not a value, a range or a step: use 0-59`},
		{"+5 * * * *", "minute", `minute "+5" is not a value, a range or a step: use 0-59`},
		{"1-2-3 * * * *", "minute", `minute "1-2-3" is not a value, a range or a step: use 0-59`},
		{"*-5 * * * *", "minute", `minute "*-5" is not a value, a range or a step: use 0-59`},
		{"5- * * * *", "minute", `minute "5-" is not a value, a range or a step: use 0-59`},
		{"0 0 * january *", "month", `month "january" is not a value, a range or a step: use 1-12 or jan to dec`},
		{"0 0 * mon *", "month", `month "mon" is not a value, a range or a step: use 1-12 or jan to dec`},

		{"0 22-2 * * *", "hour", `hour "22-2" is a reversed range: use 0-2,22,23`},
		{"0 0 * * sat-mon", "day of week", `day of week "sat-mon" is a reversed range: use 0,1,6`},
		{"0 0 * * 7-2", "day of week", `day of week "7-2" is a reversed range: use 0-2`},
		{"*/0 * * * *", "minute", `minute "*/0" has step 0: use a step of 1-60`},
		{"*/61 * * * *", "minute", `minute "*/61" has a step larger than its 60 values, so that only 0 would match: use 0`},
		{"10-20/15 * * * *", "minute", `minute "10-20/15" has a step larger than its 11 values, so that only 10 would match: use 10`},
		{"0 0 * * 7/9", "day of week", `day of week "7/9" has a step larger than its 7 values, so that only 0 would match: use 0`},
		{"*/ * * * *", "minute", `minute "*/" has no number after the slash: use a step of 1-60`},
		{"*/1/2 * * * *", "minute", `minute "*/1/2" has no number after the slash: use a step of 1-60`},
		{"*/-1 * * * *", "minute", `minute "*/-1" has no number after the slash: use a step of 1-60`},
		{"/5 * * * *", "minute", `minute "/5" has nothing before the slash: use "*/5"`},
		{"1,,2 * * * *", "minute", "minute has an empty list item: remove the extra comma"},
		{", * * * *", "minute", "minute has an empty list item: remove the extra comma"},
		{"0 1, * * *", "hour", "hour has an empty list item: remove the extra comma"},

		{"0 0 31 2 *", "day of month", "day of month 31 never occurs in month 2"},
		{"0 0 30,31 2 *", "day of month", "day of month 30 never occurs in month 2"},
		{"0 0 31 2,4,6 *", "day of month", "day of month 31 never occurs in months 2, 4 and 6"},
		{"0 0 31 2 */2", "day of month", "day of month 31 never occurs in month 2"},
	} {
		t.Run(c.expr, func(t *testing.T) {
			s, err := Parse(c.expr, nil)
			e, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("got %v, %v", s, err)
			}
			diff(t, c.field, e.Field)
			diff(t, c.want, e.Error())
		})
	}
}

func TestParseLocation(t *testing.T) {
	if s := mustParse(t, "@daily", nil); s.Location() != time.UTC {
		t.Errorf("no location means %s", s.Location())
	}
	if _, err := Parse("@daily", time.Local); err == nil {
		t.Error("the zone of the host is accepted")
	}
}

func TestEqual(t *testing.T) {
	berlin := mustZone(t, "Europe/Berlin")
	one := mustParse(t, "*/30,15,45 0 * * 7", berlin)
	for name, c := range map[string]struct {
		other *Schedule
		want  bool
	}{
		"other words": {mustParse(t, "*/15 0 * * sun", mustZone(t, "Europe/Berlin")), true},
		"other zone":  {mustParse(t, "*/15 0 * * 0", nil), false},
		"other star":  {mustParse(t, "0,15,30,45 0 * * 0", berlin), false},
		"other day":   {mustParse(t, "*/15 0 * * 1", berlin), false},
		"none":        {nil, false},
	} {
		t.Run(name, func(t *testing.T) { diff(t, c.want, one.Equal(c.other)) })
	}
}
