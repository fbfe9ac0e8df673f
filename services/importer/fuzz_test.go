package importer_test

import (
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
	"spool.internal/services/importer"
	"spool.internal/services/importer/crontab"
	"spool.internal/services/importer/instabase"
	"spool.internal/services/importer/kubernetes"
	"spool.internal/services/importer/manifest"
	"spool.internal/services/importer/systemd"
)

// FuzzSources: no text makes a parser panic, no line goes without a verdict, and what is
// made of it is a job that Spool takes, in a manifest that is read again.
func FuzzSources(f *testing.F) {
	for _, text := range []string{
		"MAILTO=a@b.c\n*/5 * * * * root a%b\\%c%%d\n@reboot x\n", "[Timer]\nOnCalendar=Mon *-*-1..7 04:00\n", "[Service]\nExecStart=/a \"b c\" $X ${Y}\\\n d\n",
		"apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {schedule: '@daily', jobTemplate: {spec: {template: {spec: {containers: [{name: a, command: [b]}]}}}}}",
		`{"jobs":[{"job_id":"1","name":"n","job_parameters":{"schedule":"@daily","flow_parameters":{"auth_token":"********","binary_path":"a/r/fs/D/f","input_dir":"a/r/fs/D/i"}}}]}`,
		"CRON_TZ=Europe/Paris\n30 2 * * * x\n", "a: &x [*x]\n",
	} {
		f.Add(text)
	}
	o := importer.Options{Zone: "Europe/Paris", Now: time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)}
	f.Fuzz(func(t *testing.T, text string) {
		s := importer.Source{Name: "etc/crontab", Text: []byte(text)}
		service := importer.Source{Name: "a.service", Text: []byte(text)}
		for _, got := range []*importer.Import{
			crontab.Parse(s, crontab.Table{Options: o, Kind: crontab.System}),
			crontab.Parse(s, crontab.Table{Options: o, User: "ann"}),
			kubernetes.Parse(s, o), instabase.Parse(s, o),
			systemd.Parse([]importer.Source{{Name: "a.timer", Text: []byte(text)}, {Name: "a.service", Text: []byte("[Service]\nExecStart=a")}}, o),
			systemd.Parse([]importer.Source{{Name: "a.timer", Text: []byte("[Timer]\nOnCalendar=daily")}, service}, o),
		} {
			wholeImport(t, got)
		}
	})
}

func wholeImport(t *testing.T, got *importer.Import) {
	t.Helper()
	var jobs []events.Object
	for _, j := range got.Jobs {
		jobs = append(jobs, j.Member())
	}
	text, err := manifest.Write("", "", jobs)
	if err != nil {
		t.Fatal(err)
	}
	file, err := manifest.Parse("x", text, func(string) ([]byte, error) { return []byte("secret"), nil })
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	keys := map[string]bool{}
	for i, j := range file.Jobs {
		if keys[j.Key] || j.Key != got.Jobs[i].Key || !j.Disabled {
			t.Errorf("job %s came back as %s, disabled %v, or its key is not its own", got.Jobs[i].Key, j.Key, j.Disabled)
		}
		keys[j.Key] = true
	}
	if _, err := events.ParseProfiles(got.ProfileText()); err != nil {
		t.Errorf("%v\n%s", err, got.ProfileText())
	}
}

// FuzzCalendar: an expression of cron that is made of one of systemd is one, and names
// the same minutes as a reading of the calendar by its parts.
func FuzzCalendar(f *testing.F) {
	for _, text := range []string{
		"Mon..Fri 08:00", "*-*-* 6,18:00", "*:0/15", "Sun *-*-1..7 04:00:00", "quarterly", "Sat,Sun *-*-* 10:15 America/New_York", "*-1/3-* 0/6:5..10", "minutely", "Fri..Mon *-*-* 0:0",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		expr, zone, err := systemd.Calendar(text)
		if err != nil {
			return
		}
		s, err := schedule.Parse(expr, nil)
		if err != nil {
			t.Fatalf("%q gives %q: %v", text, expr, err)
		}
		if zone != "" && !strings.HasSuffix(strings.TrimSpace(text), zone) {
			t.Errorf("%q has the zone %q", text, zone)
		}
		// Both parts of a day have to match, as in systemd.
		words := strings.Fields(strings.ToLower(text))
		days := map[string]time.Weekday{"mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6, "sun": 0}
		day, one := days[words[0]]
		if !one {
			return
		}
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for range 50 {
			if at = s.Next(at); at.IsZero() {
				return
			}
			if at.Weekday() != day {
				t.Fatalf("%q gives %q, which runs on %s", text, expr, at)
			}
		}
	})
}
