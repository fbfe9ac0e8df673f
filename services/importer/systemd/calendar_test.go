package systemd

import "testing"

func TestCalendar(t *testing.T) {
	for text, want := range map[string]string{
		"minutely": "* * * * *", "hourly": "0 * * * *", "daily": "0 0 * * *", "weekly": "0 0 * * 1", "monthly": "0 0 1 * *",
		"yearly": "0 0 1 1 *", "quarterly": "0 0 1 1,4,7,10 *", "semiannually": "0 0 1 1,7 *",
		"Mon..Fri 08:00": "0 8 * * 1-5", "Fri..Mon 08:00": "0 8 * * 0,1,5,6", "Sat,Sun 10:30": "30 10 * * 0,6", "Mon-Fri *-*-* 08:00:00": "0 8 * * 1-5",
		"*-*-* 6,18:00": "0 6,18 * * *", "*:0/15": "*/15 * * * *", "*-*-* *:*:00": "* * * * *", "*-*-* 0/6:30": "30 */6 * * *", "8..17:00": "0 8-17 * * *",
		"*-*-01 04:00": "0 4 1 * *", "*-01..03-15": "0 0 15 1-3 *", "Sun *-*-1..7 04:00": "0 4 */31,2-7 * 0", "Sun *-*-8..14 04:00": "0 4 8-14 * */7",
		"Mon..Sun 05:00": "0 5 * * *", "10-31 23:59": "59 23 31 10 *", "2,14:5/20": "5,25,45 2,14 * * *",
	} {
		if got, zone, err := Calendar(text); got != want || zone != "" || err != nil {
			t.Errorf("%q gives %q in %q, %v; want %q", text, got, zone, err, want)
		}
	}
	if got, zone, err := Calendar("*-*-* 02:30 Europe/Paris"); got != "30 2 * * *" || zone != "Europe/Paris" || err != nil {
		t.Errorf("with a zone: %q in %q, %v", got, zone, err)
	}
	for _, text := range []string{
		"", "now", "Tues 09:00", "2027-01-01 00:00", "*-*~1 04:00", "*-*-* 00:00:30", "Wed *-*-8..14 04:00", "*:60", "25:00", "*-13-01", "*-02-30", "Mon..Funday 1:00",
		"*-*-* 1:00 2:00", "0/0:00", "*..5:00", "-5:00", "@123",
	} {
		if got, _, err := Calendar(text); err == nil {
			t.Errorf("%q gives %q", text, got)
		}
	}
}
