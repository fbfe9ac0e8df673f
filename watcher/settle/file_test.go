package settle_test

import (
	"testing"
	"time"

	"spool.internal/watcher/settle"
)

const ms = time.Millisecond

var (
	t0   = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	rule = settle.Rule{Quiet: 50 * ms, Slow: 2 * time.Second}
)

// at is a file of some size whose content and inode were last touched at offsets from t0.
func at(size int64, modified, changed time.Duration) settle.Stat {
	return settle.Stat{Inode: 7, Size: size, Modified: t0.Add(modified).UnixNano(), Changed: t0.Add(changed).UnixNano()}
}

func TestFile(t *testing.T) {
	// Each step is a look at the file, or the answer to a probe, at an offset from t0.
	type step struct {
		at     time.Duration
		look   settle.Stat
		answer string // "", busy, nolease, named, written, marked
		want   settle.Action
		wait   time.Duration
	}
	written := at(5, 0, 0)
	tests := []struct {
		name  string
		steps []step
	}{
		{"left alone", []step{
			{0, written, "", settle.Wait, 50 * ms},
			{20 * ms, written, "", settle.Wait, 30 * ms},
			{50 * ms, written, "", settle.Probe, 0},
		}},
		{"old when first seen", []step{{time.Hour, written, "", settle.Probe, 0}}},
		{"old content, just moved in", []step{
			{10 * ms, at(5, -time.Hour, 0), "", settle.Wait, 40 * ms},
			{50 * ms, at(5, -time.Hour, 0), "", settle.Probe, 0},
		}},
		{"written again", []step{
			{40 * ms, written, "", settle.Wait, 10 * ms},
			{60 * ms, at(9, 45*ms, 45*ms), "", settle.Wait, 35 * ms},
			{95 * ms, at(9, 45*ms, 45*ms), "", settle.Probe, 0},
		}},
		{"empty", []step{
			{50 * ms, at(0, 0, 0), "", settle.Wait, 450 * ms},
			{500 * ms, at(0, 0, 0), "", settle.Probe, 0},
		}},
		{"modified in the future", []step{
			{0, at(5, time.Hour, 0), "", settle.Wait, 50 * ms},
			{50 * ms, at(5, time.Hour, 0), "", settle.Probe, 0},
		}},
		{"held open by a writer", []step{
			{50 * ms, written, "", settle.Probe, 0},
			{50 * ms, written, "busy", settle.Wait, 50 * ms},
			{60 * ms, written, "", settle.Wait, 40 * ms},
			{100 * ms, written, "", settle.Probe, 0},
			{100 * ms, written, "busy", settle.Wait, 100 * ms},
			{200 * ms, written, "busy", settle.Wait, 200 * ms},
			{time.Second, written, "", settle.Probe, 0},
		}},
		{"a writer's last write shortens the wait", []step{
			{time.Second, written, "busy", settle.Wait, 50 * ms},
			{2 * time.Second, written, "busy", settle.Wait, 100 * ms},
			{2020 * ms, at(6, 2*time.Second, 2*time.Second), "", settle.Wait, 30 * ms},
			{2050 * ms, at(6, 2*time.Second, 2*time.Second), "", settle.Probe, 0},
		}},
		{"without leases", []step{
			{time.Hour, written, "", settle.Probe, 0},
			{time.Hour, written, "nolease", settle.Wait, 2 * time.Second},
			{time.Hour + time.Second, written, "", settle.Wait, time.Second},
			{time.Hour + 2*time.Second, written, "", settle.Ready, 0},
		}},
		{"without leases, changed between the looks", []step{
			{time.Hour, written, "", settle.Probe, 0},
			{time.Hour, written, "nolease", settle.Wait, 2 * time.Second},
			{time.Hour + time.Second, at(6, 0, 0), "", settle.Probe, 0},
			{time.Hour + time.Second, at(6, 0, 0), "nolease", settle.Wait, 2 * time.Second},
			{time.Hour + 3*time.Second, at(6, 0, 0), "", settle.Ready, 0},
		}},
		{"renamed in", []step{{0, written, "named", settle.Confirm, 0}}},
		{"renamed in, and its writer lets go late", []step{
			{0, written, "named", settle.Confirm, 0},
			{0, written, "busy", settle.Wait, 50 * ms},
			{50 * ms, written, "", settle.Confirm, 0},
		}},
		{"renamed in without leases", []step{
			{0, written, "named", settle.Confirm, 0},
			{0, written, "nolease", settle.Wait, 2 * time.Second},
			{2 * time.Second, written, "", settle.Ready, 0},
		}},
		{"created, then written", []step{
			{0, at(0, 0, 0), "named", settle.Wait, 500 * ms},
			{10 * ms, at(5, 10*ms, 10*ms), "", settle.Wait, 50 * ms},
		}},
		{"written before the first look", []step{
			{0, written, "named", settle.Confirm, 0},
			{0, written, "written", settle.Wait, 50 * ms},
		}},
		{"renamed in, then written through a map", []step{
			{0, written, "named", settle.Confirm, 0},
			{10 * ms, at(5, 10*ms, 10*ms), "", settle.Wait, 50 * ms},
		}},
		{"renamed over one that waits", []step{
			{0, written, "", settle.Wait, 50 * ms},
			{10 * ms, at(7, -time.Hour, 10*ms), "named", settle.Confirm, 0},
		}},
		{"marked as complete", []step{{0, written, "marked", settle.Probe, 0}}},
		{"marked, and empty", []step{{0, at(0, 0, 0), "marked", settle.Probe, 0}}},
		{"marked without leases", []step{
			{0, written, "marked", settle.Probe, 0},
			{0, written, "nolease", settle.Ready, 0},
		}},
		{"marked, and still held open", []step{
			{0, written, "marked", settle.Probe, 0},
			{0, written, "busy", settle.Wait, 50 * ms},
			{50 * ms, written, "", settle.Probe, 0},
		}},
		{"replaced by another of the same size and times", []step{
			{time.Hour, written, "nolease", settle.Wait, 2 * time.Second},
			{time.Hour + 2*time.Second, settle.Stat{Inode: 8, Size: 5, Modified: written.Modified, Changed: written.Changed}, "", settle.Probe, 0},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f settle.File
			for i, s := range tt.steps {
				now := t0.Add(s.at)
				got, wait := settle.Wait, time.Duration(0)
				switch s.answer {
				case "busy":
					f.Observe(rule, s.look, now)
					wait = f.Busy(rule, now)
				case "nolease":
					f.Observe(rule, s.look, now)
					got, wait = f.NoLease(rule, now)
				case "named", "written", "marked":
					map[string]func(){"named": f.Named, "written": f.Written, "marked": f.Mark}[s.answer]()
					got, wait = f.Observe(rule, s.look, now)
				default:
					got, wait = f.Observe(rule, s.look, now)
				}
				if got != s.want || wait != s.wait {
					t.Fatalf("step %d: %v, wait %v; want %v, wait %v", i, got, wait, s.want, s.wait)
				}
			}
		})
	}
}

func TestRemoteFileLooksTheSameTwice(t *testing.T) {
	r := settle.Rule{Quiet: 50 * ms, Slow: 5 * time.Second, Remote: true}
	old := at(5, -time.Hour, -time.Hour)
	var f settle.File
	if a, wait := f.Observe(r, old, t0); a != settle.Wait || wait != 5*time.Second {
		t.Errorf("first look: %v, wait %v", a, wait)
	}
	if a, _ := f.Observe(r, at(6, -time.Hour, -time.Hour), t0.Add(4*time.Second)); a != settle.Wait {
		t.Errorf("changed meanwhile: %v", a)
	}
	if a, _ := f.Observe(r, at(6, -time.Hour, -time.Hour), t0.Add(9*time.Second)); a != settle.Ready {
		t.Errorf("the same after 5 s: %v", a)
	}
}

func TestBusyIsBounded(t *testing.T) {
	var f settle.File
	now, wait := t0, time.Duration(0)
	for range 20 {
		wait = f.Busy(rule, now)
		now = now.Add(wait)
	}
	if wait != 5*time.Second {
		t.Errorf("after 20 refusals the next try is %v away, want 5s", wait)
	}
}

func TestMarks(t *testing.T) {
	for _, tt := range []struct {
		name         string
		marker, file settle.Stat
		want         bool
	}{
		{"made after the file", at(0, ms, ms), at(5, 0, 0), true},
		{"made at the same tick", at(0, 0, 0), at(5, 0, 0), true},
		{"of what the file was before", at(0, -time.Hour, -time.Hour), at(5, 0, 0), false},
		{"brought along with old times", at(0, -2*time.Hour, ms), at(5, -time.Hour, 0), true},
		{"of a file from the future", at(0, 0, 0), at(5, time.Hour, 0), true},
	} {
		if got := settle.Marks(tt.marker, tt.file, t0.Add(2*ms)); got != tt.want {
			t.Errorf("a marker %s counts: %v", tt.name, got)
		}
	}
}
