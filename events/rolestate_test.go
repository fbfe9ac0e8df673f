package events

import (
	"testing"
	"time"
)

func TestStillThere(t *testing.T) {
	now := time.Date(2026, 11, 30, 14, 3, 40, 0, time.UTC)
	hour := now.Add(-time.Hour)
	said := func(role, instance string, since time.Time, holds, stopped bool) HeardRole {
		return HeardRole{RoleState{Role: role, Instance: instance, Since: since, Clock: hour.Add(time.Second), Holds: holds, Stopped: stopped}, hour}
	}
	for name, c := range map[string]struct {
		HeardRole
		there bool
	}{
		"of the process that has the store":     {said("cron", "new", hour, true, false), true},
		"of that, and stopped":                  {said("cron", "new", hour, true, true), false},
		"of the process that had it before":     {said("cron", "old", hour.Add(-time.Hour), true, false), false},
		"of a process without a store":          {said("runner", "else", hour, false, false), false},
		"of a process without, that began last": {said("runner", "last", now, false, false), false},
	} {
		all := []HeardRole{c.HeardRole, said("broker", "new", hour, true, false), said("broker", "old", hour.Add(-time.Hour), true, false)}
		StillThere(all, now)
		if got := all[0].At.Equal(now); got != c.there {
			t.Errorf("%s: there is %v", name, got)
		}
		if off := all[0].Clock.Sub(all[0].At); off != time.Second {
			t.Errorf("%s: its clock is %s off, and was 1s", name, off)
		}
	}
}
