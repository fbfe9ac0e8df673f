package events

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// seed is the create body of the seed's first example.
const seed = `{"schedule":"@daily","name":"Daily Job","flow_parameters":{"auth_token":"<oauth token>",` +
	`"binary_path":"admin/repo/fs/Instabase Drive/files/flow/flow.ibflowbin",` +
	`"input_dir":"admin/repo/fs/Instabase Drive/files/flow/input","verify_ssl_certificate":true,` +
	`"settings":{"tags":["tag1"],"runtime_config":{},"notification_emails":"example@email.com",` +
	`"webhook_config":{"url":"https://example.com/webhook","headers":{"Authorization":"Bearer 12345"}}}}}`

func TestParametersOfTheSeed(t *testing.T) {
	p, err := ParseParameters([]byte(seed))
	if err != nil {
		t.Fatal(err)
	}
	if p.Schedule != "@daily" || p.Name != "Daily Job" || p.AuthToken != "<oauth token>" || !p.VerifySSL || p.Spooled {
		t.Errorf("read %+v", p)
	}
	if got := p.InputDir; got.Drive != "admin/repo/fs/Instabase Drive" || got.Rel != "files/flow/input" {
		t.Errorf("input_dir = %+v", got)
	}
	if got := p.OutputDir().String(); got != "admin/repo/fs/Instabase Drive/files/flow/out" {
		t.Errorf("output dir = %q", got)
	}
	if p.RetryFor(KindManual) != 10*time.Second || p.RetryFor(KindCron) != 24*time.Hour {
		t.Errorf("retry_for: %v, %v", p.RetryFor(KindManual), p.RetryFor(KindCron))
	}
	if len(p.Emails) != 1 || p.Webhook.URL == "" || len(p.Unknown) != 0 || p.Options.MaxConcurrency != 16 {
		t.Errorf("read %+v", p)
	}
	if got, want := string(Encode(p.RunSettings())), string(Encode(p.Settings)); got != want {
		t.Errorf("settings are forwarded as %s, sent as %s", got, want)
	}
}

// with gives the seed's body with one piece of its text replaced.
func with(old, new string) string {
	if !strings.Contains(seed, old) {
		panic("the seed has no " + old)
	}
	return strings.Replace(seed, old, new, 1)
}

// spool gives the seed's job options.
func spool(options string) string { return with(`"schedule":`, `"spool":{`+options+`},"schedule":`) }

func TestParametersFaults(t *testing.T) {
	settings := func(s string) string { return with(`"settings":{`, `"settings":{`+s+`,`) }
	auto := func(s string) string { return settings(`"spooled_mode":true` + s) }
	for _, c := range []struct{ name, body, fault string }{
		{"no name", with(`"name":"Daily Job",`, ``), "name: is required"},
		{"null name", with(`"Daily Job"`, `null`), "name: is required"},
		{"empty name", with(`"Daily Job"`, `""`), "name: must not be empty"},
		{"name of another type", with(`"Daily Job"`, `7`), "name: must be a string, not a number"},
		{"no schedule", with(`"schedule":"@daily",`, ``), "schedule: is required"},
		{"bad schedule", with(`@daily`, `75 * * * *`), `schedule: minute "75" is outside 0-59`},
		{"no flow", `{"name":"x","schedule":"@daily"}`, "flow_parameters: is required"},
		{"flow of another type", `{"name":"x","schedule":"@daily","flow_parameters":[]}`, "flow_parameters: must be an object, not a list"},
		{"no token", with(`"auth_token":"<oauth token>",`, ``), "flow_parameters.auth_token: is required"},
		{"dots in a path", with(`files/flow/input`, `../input`), `flow_parameters.input_dir: contains ".."`},
		{"a drive's root", with(`/files/flow/input`, ``), "flow_parameters.input_dir: is the root of a drive"},
		{"no drive", with(`admin/repo/fs/Instabase Drive/files/flow/input`, `/etc/passwd`), "flow_parameters.input_dir: must have the form"},
		{"a NUL", with(`flow/input`, `flow/\u0000`), "flow_parameters.input_dir: contains a NUL"},
		{"a long path", with(`flow/input`, strings.Repeat("x", 5000)), "flow_parameters.input_dir: is 50"},
		{"verify", with(`:true`, `:"yes"`), "flow_parameters.verify_ssl_certificate: must be true or false, not a string"},
		{"tags", with(`["tag1"]`, `"tag1"`), "flow_parameters.settings.tags: must be a list of strings, not a string"},
		{"a tag", with(`["tag1"]`, `["a",1]`), "flow_parameters.settings.tags: must be a list of strings; one of its items is a number"},
		{"runtime_config", with(`"runtime_config":{}`, `"runtime_config":1`), "flow_parameters.settings.runtime_config: must be an object"},
		{"e-mail", with(`example@email.com`, `a@b.c, nobody`), `flow_parameters.settings.notification_emails: "nobody" is not an e-mail address`},
		{"e-mails without end", with(`example@email.com`, strings.Repeat("a@b.c,", 101)), "flow_parameters.settings.notification_emails: holds 101 addresses; at most 100"},
		{"webhook scheme", with(`https://example.com/webhook`, `file:///x`), "flow_parameters.settings.webhook_config.url: must be an http or https URL"},
		{"webhook header value", with(`Bearer 12345`, `a\r\nX: y`), "flow_parameters.settings.webhook_config.headers.Authorization: has a value"},
		{"webhook header name", with(`"Authorization":`, `"a b":`), "flow_parameters.settings.webhook_config.headers.a b: is not the name"},
		{"spooled_mode", settings(`"spooled_mode":"true"`), "flow_parameters.settings.spooled_mode: must be true or false"},
		{"output inside input", auto(`,"output_dir":"admin/repo/fs/Instabase Drive/files/flow/input/out"`), "flow_parameters.settings.output_dir: lies inside"},
		{"wiping runs", auto(`,"delete_out_dir":true,"output_has_run_id":false`), "flow_parameters.settings.delete_out_dir: each run would wipe"},
		{"zone", spool(`"timezone":"Mars/Base"`), `spool.timezone: `},
		{"catch_up", spool(`"catch_up":"some"`), `spool.catch_up: "some" is not one of latest, none, all`},
		{"max_concurrency", spool(`"max_concurrency":0`), "spool.max_concurrency: must be a whole number from 1 to 1000"},
		{"retry_for", spool(`"retry_for":"200h"`), `spool.retry_for: "200h" is outside 0s to 7d`},
		{"retry_for without a unit", spool(`"retry_for":"30"`), `spool.retry_for: "30" has no unit behind 30: write 30s, 30m or 30h`},
		{"late_after in months", spool(`"late_after":"1 month"`), `spool.late_after: "1 month" has no fixed length: for months write days`},
		{"timeout with a clock", spool(`"too_long_after":"1:30"`), `spool.too_long_after: "1:30" is not a duration: write it like`},
		{"unknown in spool", spool(`"retry":"1h"`), "spool.retry: is not a key of spool"},
		{"unknown in watch", spool(`"watch":{"quiet":1}`), "spool.watch.quiet: is not a key of spool"},
		{"overlap skip with files", strings.Replace(auto(``), `{"schedule"`, `{"spool":{"overlap":"skip"},"schedule"`, 1), "spool.overlap: skip would drop files"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseParameters([]byte(c.body))
			if err == nil || !strings.HasPrefix(err.Error(), c.fault) || CodeOf(err) != Invalid {
				t.Errorf("fault %v, want %q", err, c.fault)
			}
		})
	}
}

func TestParametersInAutomaticMode(t *testing.T) {
	body := strings.Replace(with(`"settings":{`, `"settings":{"spooled_mode":true,"x":1,`), `"schedule":"@daily"`, `"schedule":7,"colour":1`, 1)
	p, err := ParseParameters([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	got := string(Encode(p.RunSettings()))
	for _, want := range []string{`"output_dir":"admin/repo/fs/Instabase Drive/files/flow/out"`, `"output_has_run_id":true`, `"x":1`} {
		if !strings.Contains(got, want) {
			t.Errorf("settings %s lack %s", got, want)
		}
	}
	if strings.Contains(got, "spooled_mode") {
		t.Errorf("settings %s carry spooled_mode", got)
	}
	if len(p.Unknown) != 1 || p.Unknown[0] != "colour" {
		t.Errorf("unknown keys %q", p.Unknown)
	}
	if _, ok := p.Settings.Get("spooled_mode"); !ok {
		t.Error("reading the settings for a call changed the settings")
	}
}

func TestConcealAndReveal(t *testing.T) {
	o, _ := ParseObject([]byte(seed))
	masked, secrets, err := Conceal(o, func(pointer, value string) (string, error) { return "sealed " + value, nil })
	if err != nil {
		t.Fatal(err)
	}
	if s := string(masked); strings.Contains(s, "oauth") || strings.Contains(s, "12345") || strings.Count(s, Mask) != 2 {
		t.Errorf("masked: %s", s)
	}
	j := Job{ID: "j", Parameters: masked, Secrets: secrets}
	p, err := j.Reveal(func(sealed, jobID, pointer string) (string, error) { return strings.TrimPrefix(sealed, "sealed "), nil })
	if err != nil {
		t.Fatal(err)
	}
	if p.AuthToken != "<oauth token>" || p.Webhook.Headers[0].Value != "Bearer 12345" {
		t.Errorf("revealed %+v", p)
	}
	wrong := errors.New("wrong key")
	if _, err := j.Reveal(func(string, string, string) (string, error) { return "", wrong }); !errors.Is(err, wrong) {
		t.Errorf("Reveal with a wrong key: %v", err)
	}
}

func FuzzParameters(f *testing.F) {
	f.Add([]byte(seed))
	f.Add([]byte(`{"name":"x","flow_parameters":{"settings":{"spooled_mode":true}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, err := ParseParameters(body); err != nil && CodeOf(err) != Invalid {
			t.Fatalf("code %q of %v", CodeOf(err), err)
		}
	})
}
