package system_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/system"
)

var now = time.Date(2026, 11, 23, 14, 3, 12, 0, time.UTC)

func TestLines(t *testing.T) {
	const gib = 1 << 30
	fault := errors.New("dial tcp 10.0.0.1: refused")
	disk := func(free, total, kept int64) system.Line {
		return system.Disk(events.DiskState{Name: "store", Path: "/secret", Free: free, Total: total, Reserve: kept})
	}
	stream := func(s system.Stream) system.Line { s.Name = "JOBS"; return system.StreamLine(s) }
	for name, c := range map[string]struct {
		line  system.Line
		state system.State
		means string
		todo  string
	}{
		"a disk with room":            {disk(60*gib, 100*gib, gib), system.OK, "60 GB of 100 GB are free", ""},
		"a disk that fills":           {disk(3*gib/2, 100*gib, gib), system.Warning, "1.5 GB are free; below 1.0 GB", "Make room"},
		"a disk below the reserve":    {disk(gib-1, 100*gib, gib), system.Failed, "uploads, stages and logs are refused", "Make room"},
		"half of that":                {disk(gib/2-1, 100*gib, gib), system.Failed, "flows that write there are stopped", "Make room"},
		"a disk without a reserve":    {disk(gib/2, 100*gib, 0), system.Warning, "Only 512 MB of 100 GB", "Make room"},
		"a disk that does not answer": {system.Disk(events.DiskState{Name: "drives", Error: "does not answer"}), system.Unknown, "cannot be told", "answers"},
		"watches":                     {system.Watches(events.Usage{Used: 5, Limit: 100}), system.OK, "5 of 100 directory watches", ""},
		"few watches left":            {system.Watches(events.Usage{Used: 91, Limit: 100}), system.Warning, "91 of 100", "max_user_watches"},
		"no watch left":               {system.Watches(events.Usage{Used: 100, Limit: 100}), system.Failed, "All 100", "max_user_watches"},
		"instances":                   {system.Instances(events.Usage{Used: 128, Limit: 128}), system.Failed, "All 128", "max_user_instances"},
		"descriptors without a limit": {system.Descriptors("gateway", events.Usage{Used: 7}), system.OK, "no limit is known", ""},
		"descriptors":                 {system.Descriptors("gateway", events.Usage{Used: 950, Limit: 1000}), system.Warning, "950 of 1000", "LimitNOFILE"},
		"a certificate":               {system.Certificate(now.AddDate(0, 3, 0), now), system.OK, "2027-02-23, 92 days", ""},
		"a certificate that ends":     {system.Certificate(now.AddDate(0, 0, 9), now), system.Warning, "in 9 days, on 2026-12-02", "--tls-cert"},
		"a certificate that ended":    {system.Certificate(now.AddDate(0, 0, -1), now), system.Failed, "expired on 2026-11-22", "--tls-cert"},
		"a clock":                     {system.Offset(time.Second), system.OK, "within 1s", ""},
		"a clock that is ahead":       {system.Offset(5 * time.Second), system.Warning, "5s ahead of", "chrony"},
		"a clock that is behind":      {system.Offset(-time.Minute), system.Failed, "1m0s behind", "chrony"},
		"a stream":                    {stream(system.Stream{Messages: 3, Bytes: 1 << 20, Limit: gib, Refuses: true}), system.OK, "3 messages, 1 MB of 1.0 GB; when it is full it refuses", ""},
		"a stream that fills":         {stream(system.Stream{Bytes: gib / 10 * 9, Limit: gib, Refuses: true}), system.Warning, "refuses what is new", "--max-store"},
		"a full stream":               {stream(system.Stream{Bytes: gib, Limit: gib, Refuses: true}), system.Failed, "refuses what is new", "--max-store"},
		"a full stream that forgets":  {stream(system.Stream{Bytes: gib, Limit: gib}), system.OK, "forgets the oldest", ""},
		"a replica that is away":      {stream(system.Stream{Replicas: 3, Lost: 1}), system.Warning, "1 of its 3 replicas", "cluster"},
		"a stream that is gone":       {system.NoStream("JOBS", fault), system.Failed, "does not answer", "spool store check"},
		"NATS":                        {system.NATS("2.15", "c1", "n1", nil), system.OK, "of version 2.15, of the cluster c1", ""},
		"NATS that is away":           {system.NATS("", "", "", fault), system.Failed, "cannot be used now", "broker"},
		"an endpoint":                 {system.Endpoint(events.EndpointState{}), system.OK, "takes connections", ""},
		"an endpoint that refuses":    {system.Endpoint(events.EndpointState{Refuses: now, Reason: fault.Error(), Waiting: 7}), system.Failed, "refuses connections; 7 calls wait", "--run-binary-url"},
		"notices":                     {system.Notices(events.NoticesState{Webhooks: 2, Mails: 3}), system.OK, "2 webhooks and 3 mails", ""},
		"many notices":                {system.Notices(events.NoticesState{Mails: 500}), system.Warning, "500 mails", "mail server"},
		"a sandbox":                   {system.Sandbox(events.RunnerState{Sandbox: "auto"}), system.OK, "--sandbox auto", ""},
		"a sandbox that lacks":        {system.Sandbox(events.RunnerState{Sandbox: "auto", Unmet: []string{"files: all of them", "end: outlives"}}), system.Warning, "cannot keep flows in completely", "detail"},
		"no sandbox":                  {system.Sandbox(events.RunnerState{Sandbox: "off"}), system.Warning, "It is off", "--sandbox off"},
	} {
		l := c.line
		if l.State != c.state || !strings.Contains(l.Means, c.means) || !strings.Contains(l.Todo, c.todo) || (l.Todo == "") != (c.todo == "") {
			t.Errorf("%s: %+v; want %s, %q, %q", name, l, c.state, c.means, c.todo)
		}
		shown := l.Shown(false)
		if text := shown.Means + shown.Todo + shown.Detail + shown.Name; strings.Contains(text, "secret") || strings.Contains(text, "10.0.0.1") {
			t.Errorf("%s tells everybody of hosts or paths: %+v", name, shown)
		}
	}
}

func heard(role, host, instance string, at time.Time) system.Heard {
	return system.Heard{At: at, RoleState: events.RoleState{
		Role: role, Host: host, Instance: instance, Version: "1", Ready: true, Clock: at, Since: now.Add(-time.Hour), Machine: events.MachineState{TZData: "tzdata 2026a"},
	}}
}

// all are the roles of an installation that is well.
func all() []system.Heard {
	var list []system.Heard
	for _, role := range []string{"cron", "watcher", "dispatcher", "notify", "runner", "gateway"} {
		list = append(list, heard(role, "h1", "i1", now.Add(-5*time.Second)))
	}
	return list
}

func find(lines []system.Line, name string) (found []system.Line) {
	for _, l := range lines {
		if l.Name == name {
			found = append(found, l)
		}
	}
	return found
}

func TestRoles(t *testing.T) {
	well := system.Roles(all(), now)
	if system.Worst(well) != system.OK || len(well) != 6 {
		t.Errorf("all are well: %+v", well)
	}
	change := func(f func(list []system.Heard) []system.Heard) []system.Line { return system.Roles(f(all()), now) }
	lines := change(func(l []system.Heard) []system.Heard { l[0].At = now.Add(-31 * time.Second); return l })
	if cron := find(lines, "cron"); len(cron) != 1 || cron[0].State != system.Away || !strings.Contains(cron[0].Means, "Not heard of for 31s: no slot starts a job") || !cron[0].Since.Equal(now.Add(-31*time.Second)) {
		t.Errorf("a cron that is away: %+v", cron)
	}
	lines = change(func(l []system.Heard) []system.Heard { l[0].At = now.Add(-29 * time.Second); return l })
	if system.Worst(lines) != system.OK {
		t.Errorf("a cron that is a little late: %+v", lines)
	}
	lines = change(func(l []system.Heard) []system.Heard {
		l[0].At = now.Add(-time.Minute)
		return append(l, heard("cron", "h2", "i2", now))
	})
	if cron := find(lines, "cron"); len(cron) != 2 || cron[0].State != system.Warning || !strings.Contains(cron[0].Means, "Another cron is ready") {
		t.Errorf("one of two crons is away: %+v", cron)
	}
	lines = change(func(l []system.Heard) []system.Heard {
		l[0].At = now.Add(-time.Minute)
		next := heard("cron", "h1", "i2", now)
		next.Since = now.Add(-time.Minute)
		return append(l, next)
	})
	if cron := find(lines, "cron"); len(cron) != 1 || cron[0].State != system.OK {
		t.Errorf("a cron that was started again: %+v", cron)
	}
	lines = change(func(l []system.Heard) []system.Heard { return l[1:] })
	if cron := find(lines, "cron"); len(cron) != 1 || cron[0].State != system.Away || !strings.Contains(cron[0].Todo, "spool cron") {
		t.Errorf("no cron: %+v", cron)
	}
	lines = change(func(l []system.Heard) []system.Heard {
		l[1].Ready, l[1].Why = false, []string{"nats: not connected to 10.0.0.1"}
		return l
	})
	if w := find(lines, "watcher"); w[0].State != system.Failed || w[0].Means != "Not ready: nats." || strings.Contains(w[0].Shown(false).Detail, "10.0") {
		t.Errorf("a watcher that is not ready: %+v", w)
	}
	lines = change(func(l []system.Heard) []system.Heard {
		l[1].Ready, l[1].Why, l[1].Since = false, []string{"watcher: reads the folders"}, now.Add(-10*time.Second)
		return l
	})
	if w := find(lines, "watcher"); w[0].State != system.Unknown || w[0].Means != "Starting: not ready yet are watcher." {
		t.Errorf("a watcher that starts: %+v", w)
	}
}

func TestAnswered(t *testing.T) {
	answered := func(late time.Duration, said events.Minute) system.Line {
		lines := system.Roles(all(), now)
		system.Answered(lines, events.MinuteOf(now.Add(-late)), said, now)
		return find(lines, "cron")[0]
	}
	at := func(late time.Duration) system.Line { return answered(late, 0) }
	if l := at(time.Minute); l.State != system.OK || !strings.Contains(l.Means, "answered for is 2026-11-23T14:02Z") {
		t.Errorf("on time: %+v", l)
	}
	if l := at(events.QuietMinutes * time.Minute); l.State != system.OK {
		t.Errorf("after minutes without a slot: %+v", l)
	}
	if l := at((events.QuietMinutes + 4) * time.Minute); l.State != system.Warning || !strings.Contains(l.Means, "behind") {
		t.Errorf("late: %+v", l)
	}
	// What a cron says of itself is newer than what is committed, and tells sooner that it stands still.
	if l := answered(20*time.Minute, events.MinuteOf(now.Add(-time.Minute))); l.State != system.OK || !strings.Contains(l.Means, "answered for is 2026-11-23T14:02Z") {
		t.Errorf("it says that it is on time: %+v", l)
	}
	if l := answered(20*time.Minute, events.MinuteOf(now.Add(-4*time.Minute))); l.State != system.Warning || !strings.Contains(l.Means, "behind") {
		t.Errorf("it says that it stands still: %+v", l)
	}
}

func TestDifferences(t *testing.T) {
	list := all()
	if v, z, c := system.Versions(list, now), system.TZData(list, now), system.Clocks(list, now); v.State != system.OK || z.State != system.OK || len(c) != 1 || c[0].State != system.OK {
		t.Errorf("all the same: %+v %+v %+v", v, z, c)
	}
	list[0].Version, list[0].Machine.TZData = "2", "tzdata 2024b"
	list[1].Host, list[1].Clock = "h2", list[1].At.Add(time.Minute)
	list[2].Machine.Step = events.ClockStep{At: now.Add(-time.Hour), By: -90 * time.Second}
	list[3].Machine.Step = events.ClockStep{At: now.Add(-48 * time.Hour), By: time.Hour}
	if v := system.Versions(list, now); v.State != system.Warning || !strings.Contains(v.Means, "2 (cron)") {
		t.Errorf("versions: %+v", v)
	}
	if z := system.TZData(list, now); z.State != system.Warning || !strings.Contains(z.Means, "tzdata 2024b (cron)") {
		t.Errorf("time zones: %+v", z)
	}
	if c := system.Clocks(list, now); len(c) != 1 || c[0].State != system.Failed || c[0].Host != "h2" || !strings.Contains(c[0].Means, "1m0s ahead") {
		t.Errorf("clocks: %+v", c)
	}
	if s := system.Steps(list, now); len(s) != 1 || s[0].State != system.Warning || !strings.Contains(s[0].Means, "set back by 1m30s") {
		t.Errorf("steps: %+v", s)
	}
}

func TestSort(t *testing.T) {
	lines := []system.Line{{Name: "b", Kind: system.KindRole, State: system.OK}, {Name: "JOBS", Kind: system.KindStream, State: system.Failed}, {Name: "a", Kind: system.KindRole, State: system.OK}, {Name: "c", Kind: system.KindRole, State: system.Away}}
	system.Sort(lines)
	var got strings.Builder
	for _, l := range lines {
		got.WriteString(l.Name + " ")
	}
	if got.String() != "JOBS c a b " || system.Worst(lines) != system.Failed || system.Worst(nil) != system.Unknown || system.Unknown.Wrong() || !system.Away.Wrong() {
		t.Errorf("sorted %s", got.String())
	}
}
