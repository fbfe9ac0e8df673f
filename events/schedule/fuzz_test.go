package schedule

import (
	"testing"
	"time"
)

func FuzzParse(f *testing.F) {
	for _, expr := range touchy {
		f.Add(expr)
	}
	f.Add("@weekly")
	f.Add("*/20,1-5,7/9 7/2 ? jan,FEB-mar fri-SUN,7")
	f.Add("TZ= * * * * *")
	f.Fuzz(func(t *testing.T, expr string) {
		s, err := Parse(expr, nil)
		if err != nil {
			return
		}
		again, err := Parse(s.String(), nil)
		if err != nil || !again.Equal(s) || again.String() != s.String() {
			t.Errorf("%q became %q, which became %v, %v", expr, s, again, err)
		}
		if s.Next(time.Unix(0, 0)).IsZero() {
			t.Errorf("%q never runs", expr)
		}
		s.Describe()
		s.Warnings(time.Unix(0, 0))
	})
}

func FuzzNext(f *testing.F) {
	zones := allZones(f)
	for i, expr := range touchy {
		f.Add(expr, uint16(i*7), int64(i)*60_000_000)
	}
	f.Fuzz(func(t *testing.T, expr string, zone uint16, seconds int64) {
		s, err := Parse(expr, mustZone(t, zones[int(zone)%len(zones)]))
		if err != nil {
			return
		}
		at := time.Unix(seconds, 0)
		for range 5 {
			slot := s.Next(at)
			if slot.IsZero() {
				return
			}
			if !slot.After(at) || slot.Unix()%60 != 0 || slot.Location() != time.UTC {
				t.Fatalf("%q: Next(%s) = %s", expr, at, slot)
			}
			// Between two slots, gap or not, the answer is the same.
			for _, between := range []time.Duration{1, slot.Sub(at) / 2, slot.Sub(at) - 1} {
				if again := s.Next(at.Add(between)); !again.Equal(slot) {
					t.Fatalf("%q: Next(%s) = %s, but Next(%s) = %s", expr, at, slot, at.Add(between), again)
				}
			}
			if prev, ok := s.Prev(slot, at); !ok || !prev.Equal(slot) {
				t.Fatalf("%q: Prev(%s, %s) = %s, %t", expr, slot, at, prev, ok)
			}
			if prev, ok := s.Prev(slot.Add(-1), at); ok {
				t.Fatalf("%q: Prev(%s, %s) = %s", expr, slot.Add(-1), at, prev)
			}
			at = slot
		}
	})
}
