package cron

import (
	"strings"
	"testing"

	"spool.internal/events"
)

func TestReadParameters(t *testing.T) {
	for name, c := range map[string]struct {
		body    string
		when    spec
		catchUp policy
		fault   string
	}{
		"all of it": {
			body: `{"schedule":"0 1 * * *","flow_parameters":{"settings":{"spooled_mode":false}},"spool":{"timezone":"Europe/Paris","catch_up":"all"}}`,
			when: spec{"0 1 * * *", "Europe/Paris"}, catchUp: all,
		},
		"the least":        {body: `{"schedule":"@daily","flow_parameters":{}}`, when: spec{text: "@daily"}},
		"null is absent":   {body: `{"schedule":"@daily","flow_parameters":{"settings":null},"spool":null}`, when: spec{text: "@daily"}},
		"watches a folder": {body: `{"schedule":5,"flow_parameters":{"settings":{"spooled_mode":true}}}`},
		"keys of the client's own": {
			body: `{"schedule":"@daily","Schedule":7,"SCHEDULE":"@hourly","flow_parameters":{"settings":{"spooled_mode":false,"Spooled_Mode":true}},` +
				`"Flow_Parameters":{"settings":{"spooled_mode":true}},"Spool":{"catch_up":"none"}}`,
			when: spec{text: "@daily"},
		},
		"only keys of the client's own": {
			body: `{"schedule":"@daily","flow_parameters":{"Settings":{"spooled_mode":true}},"SpooL":{"catch_up":"none"}}`,
			when: spec{text: "@daily"},
		},
		"no schedule":      {body: `{"Schedule":"@daily"}`, fault: "schedule: must"},
		"unknown catch-up": {body: `{"schedule":"@daily","spool":{"catch_up":"some"}}`, fault: "spool.catch_up"},
		"not an object":    {body: `[]`, fault: "json"},
	} {
		when, catchUp, err := readParameters([]byte(c.body))
		switch {
		case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)):
			t.Errorf("%s: %v, want a fault of %s", name, err, c.fault)
		case c.fault == "" && (err != nil || when != c.when || catchUp != c.catchUp):
			t.Errorf("%s: %v, %v, %v; want %v, %v", name, when, catchUp, err, c.when, c.catchUp)
		}
	}
}

// What the gateway lets in is read as the rest of Spool reads it.
func TestReadParametersAsOthersDo(t *testing.T) {
	for _, o := range []options{{}, {Timezone: "Asia/Tokyo"}, {CatchUp: "none"}, {CatchUp: "all", spooled: true}} {
		body := parameters("*/5 * * * *", o)
		p, err := events.ParseParameters(body)
		if err != nil {
			t.Fatal(err)
		}
		when, catchUp, err := readParameters(body)
		want := spec{p.Schedule, p.Options.Timezone}
		if p.Spooled {
			want = spec{}
		}
		if err != nil || when != want || catchUp != policies[string(p.Options.CatchUp)] {
			t.Errorf("%s: %v, %v, %v", body, when, catchUp, err)
		}
	}
}
