package events

import (
	"strings"
	"testing"
	"time"
)

func TestTiming(t *testing.T) {
	for name, c := range map[string]struct {
		body  string
		want  Timing
		fault string
	}{
		"all of it": {
			body: `{"schedule":"0 1 * * *","flow_parameters":{"settings":{"spooled_mode":false}},"spool":{"timezone":"Europe/Paris","catch_up":"all"}}`,
			want: Timing{When{"0 1 * * *", "Europe/Paris"}, CatchUpAll, false},
		},
		"the least":        {body: `{"schedule":"@daily","flow_parameters":{}}`, want: Timing{When{Schedule: "@daily"}, CatchUpLatest, false}},
		"null is absent":   {body: `{"schedule":"@daily","flow_parameters":{"settings":null},"spool":null}`, want: Timing{When{Schedule: "@daily"}, CatchUpLatest, false}},
		"watches a folder": {body: `{"schedule":5,"flow_parameters":{"settings":{"spooled_mode":true}},"spool":{"timezone":"UTC"}}`, want: Timing{CatchUp: CatchUpLatest}},
		"keys of the client's own": {
			body: `{"schedule":"@daily","Schedule":7,"SCHEDULE":"@hourly","flow_parameters":{"settings":{"spooled_mode":false,"Spooled_Mode":true}},` +
				`"Flow_Parameters":{"settings":{"spooled_mode":true}},"Spool":{"catch_up":"none"}}`,
			want: Timing{When{Schedule: "@daily"}, CatchUpLatest, false},
		},
		"only keys of the client's own": {
			body: `{"schedule":"@daily","flow_parameters":{"Settings":{"spooled_mode":true}},"SpooL":{"catch_up":"none"}}`,
			want: Timing{When{Schedule: "@daily"}, CatchUpLatest, false},
		},
		"a key that is escaped": {body: `{"sched\u0075le":"@daily"}`, want: Timing{When{Schedule: "@daily"}, CatchUpLatest, false}},
		"no schedule":           {body: `{"Schedule":"@daily"}`, fault: "schedule: is required"},
		"a schedule of no text": {body: `{"schedule":7}`, fault: "schedule: must be a string"},
		"unknown catch-up":      {body: `{"schedule":"@daily","spool":{"catch_up":"some"}}`, fault: "spool.catch_up"},
		"not an object":         {body: `[]`, fault: "must be a JSON object"},
		"nothing":               {fault: "must be a JSON object"},
	} {
		got, err := (&Job{Parameters: []byte(c.body)}).Timing()
		switch {
		case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)):
			t.Errorf("%s: %v, want a fault of %s", name, err, c.fault)
		case c.fault == "" && (err != nil || got != c.want):
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
	}
}

// What is read in part agrees with what is read whole.
func TestTimingIsThatOfThePlan(t *testing.T) {
	for _, body := range []string{
		seed, spool(`"timezone":"Asia/Tokyo"`), spool(`"catch_up":"none"`), spool(`"catch_up":"all","timezone":"UTC"`),
		strings.Replace(with(`"settings":{`, `"settings":{"spooled_mode":true,`), `"schedule":"@daily"`, `"schedule":7`, 1),
	} {
		j := &Job{Parameters: []byte(body)}
		plan, err := j.Plan(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := j.Timing()
		if want := (Timing{plan.When(), plan.Options.CatchUp, plan.Options.Shadow}); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", body, got, err, want)
		}
	}
}

func TestPlan(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	folder := strings.Replace(spool(`"timezone":"Asia/Tokyo"`), `"settings":{`, `"settings":{"spooled_mode":true,`, 1)
	for name, c := range map[string]struct {
		body  string
		zone  *time.Location
		named string
		slots string // "": it watches a folder
	}{
		"the zone of the server": {seed, paris, "Europe/Paris", "0 0 * * *"},
		"no zone at all":         {seed, nil, "UTC", "0 0 * * *"},
		"its own zone":           {spool(`"timezone":"Asia/Tokyo"`), paris, "Asia/Tokyo", "0 0 * * *"},
		"a folder":               {folder, paris, "Asia/Tokyo", ""},
	} {
		plan, err := (&Job{Parameters: []byte(c.body)}).Plan(c.zone)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if plan.Zone.String() != c.named {
			t.Errorf("%s: zone %s, want %s", name, plan.Zone, c.named)
		}
		switch {
		case c.slots == "" && plan.Slots != nil, c.slots != "" && plan.Slots == nil:
			t.Errorf("%s: slots %v, want %q", name, plan.Slots, c.slots)
		case plan.Slots != nil && (plan.Slots.String() != c.slots || plan.Slots.Location().String() != c.named):
			t.Errorf("%s: slots %s in %s, want %s", name, plan.Slots, plan.Slots.Location(), c.slots)
		}
	}
}

// Whoever reads the parameters of another version is told which field is at fault.
func TestPlanFaults(t *testing.T) {
	for body, fault := range map[string]string{
		`null`:                                     "must be a JSON object",
		`{"name":"a"}`:                             "flow_parameters: is required",
		with(`"@daily"`, `"@dayly"`):               "schedule: ",
		spool(`"timezone":"Nowhere"`):              "spool.timezone: ",
		spool(`"overlap":"all"`):                   `"all" is not one of allow, queue, skip`,
		spool(`"notify":{"to":{},"colour":"red"}`): "spool.notify.to",
	} {
		if _, err := (&Job{Parameters: []byte(body)}).Plan(nil); CodeOf(err) != Invalid || !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: %v, want %s", body, err, fault)
		}
	}
}

// Every object whose keys are listed refuses, or reports, one that is not.
func TestKeysAreThoseThatAreRead(t *testing.T) {
	for object := range Keys {
		if strings.HasPrefix(object, "run.") || object == "watch." { // short forms of those below spool
			continue
		}
		r := reader{prefix: object, o: Object{{"unheard-of", []byte("1")}}}
		if got := r.unknown(); len(got) != 1 || got[0] != object+"unheard-of" {
			t.Errorf("%s: %q", object, got)
		}
		for _, key := range Keys[object] {
			r.o = Object{{key, []byte("1")}}
			if got := r.unknown(); len(got) > 0 != (object == "" && isShortKey(key)) {
				t.Errorf("%s%s: unknown %q", object, key, got)
			}
		}
	}
}
