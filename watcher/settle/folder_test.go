package settle_test

import (
	"testing"
	"time"

	"spool.internal/watcher/settle"
)

func TestFolder(t *testing.T) {
	const s = time.Second
	// Each step tells the folder something at an offset from t0, then asks for its state and its next step.
	type step struct {
		at    time.Duration
		tell  string
		state settle.State
		next  settle.Step
		wait  time.Duration
	}
	// live is how a folder becomes live at t0.
	live := []step{
		{0, "", settle.Arming, settle.FullScan, 0},
		{0, "found", settle.Arming, settle.FullScan, 0},
		{0, "watched", settle.Arming, settle.FullScan, 0},
		{0, "begun full", settle.Arming, settle.Rest, 5 * s},
		{0, "scanned", settle.Live, settle.Rest, 5 * s},
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"checked, swept, and fully swept", append(live[:len(live):len(live)], []step{
			{5 * s, "", settle.Live, settle.Check, 0},
			{5 * s, "same", settle.Live, settle.Rest, 5 * s},
			{59 * s, "same", settle.Live, settle.Rest, s},
			{60 * s, "", settle.Live, settle.Scan, 0},
			{60 * s, "begun", settle.Live, settle.Rest, 5 * s},
			{61 * s, "scanned", settle.Live, settle.Rest, 4 * s},
			{600 * s, "", settle.Live, settle.FullScan, 0},
		}...)},
		{"absent, looked for at growing intervals", []step{
			{0, "missing", settle.Absent, settle.Rest, s},
			{s, "", settle.Absent, settle.FullScan, 0},
			{s, "missing", settle.Absent, settle.Rest, 2 * s},
			{3 * s, "missing", settle.Absent, settle.Rest, 4 * s},
			{7 * s, "missing", settle.Absent, settle.Rest, 5 * s},
			{8 * s, "refused", settle.Blocked, settle.Rest, s},
			{9 * s, "found", settle.Arming, settle.FullScan, 0},
		}},
		{"deleted and back", append(live[:len(live):len(live)], []step{
			{s, "doubt", settle.Live, settle.FullScan, 0},
			{s, "missing", settle.Absent, settle.Rest, s},
			{2 * s, "found", settle.Arming, settle.FullScan, 0},
		}...)},
		{"doubt during a scan asks for another", append(live[:len(live):len(live)], []step{
			{60 * s, "begun", settle.Live, settle.Rest, 5 * s},
			{61 * s, "doubt", settle.Live, settle.FullScan, 0},
			{62 * s, "scanned", settle.Live, settle.FullScan, 0},
		}...)},
		{"overflow", append(live[:len(live):len(live)], []step{
			{s, "overflow", settle.Rescan, settle.FullScan, 0},
			{s, "begun full", settle.Rescan, settle.Rest, 5 * s},
			{s, "scanned", settle.Live, settle.Rest, 5 * s},
			{s, "overflow", settle.Rescan, settle.FullScan, 0},
			{s, "begun full", settle.Rescan, settle.Rest, 5 * s},
			{s, "overflow", settle.Rescan, settle.FullScan, 0},
			{s, "begun full", settle.Rescan, settle.Rest, 5 * s},
			{s, "overflow", settle.Rescan, settle.Rest, 100 * ms},
			{s + 100*ms, "begun full", settle.Rescan, settle.Rest, 5 * s},
			{s + 100*ms, "overflow", settle.Rescan, settle.Rest, 200 * ms},
			{s + 300*ms, "begun full", settle.Rescan, settle.Rest, 5 * s},
			{s + 300*ms, "scanned", settle.Live, settle.Rest, 5 * s},
		}...)},
		{"polled, ever more slowly while nothing comes", []step{
			{0, "found", settle.Arming, settle.FullScan, 0},
			{0, "unwatched", settle.Poll, settle.FullScan, 0},
			{0, "begun full", settle.Poll, settle.Rest, 5 * s},
			{0, "scanned", settle.Poll, settle.Rest, 2 * s},
			{2 * s, "begun", settle.Poll, settle.Rest, 5 * s},
			{2 * s, "scanned new", settle.Poll, settle.Rest, s},
			{3 * s, "watched", settle.Arming, settle.Scan, 0},
			{3 * s, "begun", settle.Arming, settle.Rest, 5 * s},
			{3 * s, "scanned", settle.Live, settle.Rest, 5 * s},
		}},
		{"files unreported", append(live[:len(live):len(live)], []step{
			{59 * s, "same", settle.Live, settle.Rest, s},
			{60 * s, "begun", settle.Live, settle.Rest, 5 * s},
			{60 * s, "unannounced", settle.Live, settle.Rest, 5 * s},
			{60 * s, "scanned new", settle.Live, settle.Rest, 5 * s},
			{120 * s, "begun", settle.Live, settle.Rest, 5 * s},
			{120 * s, "unannounced", settle.Poll, settle.Rest, 5 * s},
			{120 * s, "scanned new", settle.Poll, settle.Rest, s},
		}...)},
		{"files unreported in a scan that was asked for", append(live[:len(live):len(live)], []step{
			{s, "doubt", settle.Live, settle.FullScan, 0},
			{s, "begun full", settle.Live, settle.Rest, 5 * s},
			{s, "unannounced", settle.Live, settle.Rest, 5 * s},
			{s, "unannounced", settle.Live, settle.Rest, 5 * s},
		}...)},
		{"doubtful, swept soon and then less often", []step{
			{0, "found doubtful", settle.Arming, settle.FullScan, 0},
			{0, "begun full", settle.Arming, settle.Rest, 5 * s},
			{0, "scanned", settle.Live, settle.Rest, 5 * s},
			{5 * s, "", settle.Live, settle.Scan, 0},
			{5 * s, "begun", settle.Live, settle.Rest, 5 * s},
			{5 * s, "scanned", settle.Live, settle.Rest, 5 * s},
			{9 * s, "same", settle.Live, settle.Rest, s},
			{10 * s, "begun", settle.Live, settle.Rest, 5 * s},
			{19 * s, "same", settle.Live, settle.Rest, s},
		}},
		{"polled, files looked at again as fast as that allows", []step{
			{0, "found", settle.Arming, settle.FullScan, 0},
			{0, "unwatched", settle.Poll, settle.FullScan, 0},
			{0, "begun full", settle.Poll, settle.Rest, 5 * s},
			{10 * s, "scanned", settle.Poll, settle.Check, 0},
			{12 * s, "begun", settle.Poll, settle.Rest, 5 * s},
			{13 * s, "scanned", settle.Poll, settle.Rest, 4 * s},
			{110 * s, "", settle.Poll, settle.FullScan, 0},
		}},
		{"doubted again before the scan", append(live[:len(live):len(live)], []step{
			{s, "doubt soon", settle.Live, settle.Rest, 100 * ms},
			{s + 50*ms, "doubt soon", settle.Live, settle.Rest, 50 * ms},
			{s + 100*ms, "", settle.Live, settle.FullScan, 0}, // not one that leaves known files out
		}...)},
		{"wanted again", append(live[:len(live):len(live)], []step{
			{s, "again", settle.Live, settle.Scan, 0},
		}...)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := settle.NewFolder(time.Minute, t0)
			for i, step := range tt.steps {
				now := t0.Add(step.at)
				tell(t, f, step.tell, now)
				state, _, _ := f.Status()
				next, wait := f.Next(now)
				if state != step.state || next != step.next || wait != step.wait {
					t.Fatalf("step %d (%s): %v, next %v in %v; want %v, next %v in %v",
						i, step.tell, state, next, wait, step.state, step.next, step.wait)
				}
			}
		})
	}
}

func tell(t *testing.T, f *settle.Folder, what string, now time.Time) {
	switch what {
	case "":
	case "missing":
		f.Missing("does not exist", now)
	case "refused":
		f.Refused("may not be read", now)
	case "found":
		f.Found(settle.Local, now)
	case "found doubtful":
		f.Found(settle.Doubtful, now)
	case "unannounced":
		f.Unannounced(now)
	case "same":
		f.Same(now)
	case "doubt":
		f.Doubt(now)
	case "doubt soon":
		f.Doubt(now.Add(100 * ms))
	case "again":
		f.Again(now)
	case "watched":
		f.Watched(now)
	case "unwatched":
		f.Unwatched("no watches left", now)
	case "overflow":
		f.Overflowed(now)
	case "begun":
		f.Begun(settle.Scan, now)
	case "begun full":
		f.Begun(settle.FullScan, now)
	case "scanned":
		f.Scanned(false, now)
	case "scanned new":
		f.Scanned(true, now)
	default:
		t.Fatalf("no such thing to tell: %s", what)
	}
}

func TestFolderIsDeafForAWhile(t *testing.T) {
	f := settle.NewFolder(time.Minute, t0)
	f.Found(settle.Local, t0)
	f.Begun(settle.FullScan, t0)
	f.Scanned(false, t0)
	f.Begun(settle.Scan, t0.Add(time.Minute))
	for range 2 {
		f.Unannounced(t0.Add(time.Minute))
	}
	if !f.Deaf(t0.Add(10*time.Minute)) || f.Deaf(t0.Add(11*time.Minute)) {
		t.Error("a watch is to be tried again 10 minutes after it proved deaf")
	}
}

func TestFolderStatus(t *testing.T) {
	f := settle.NewFolder(time.Minute, t0)
	f.Missing("does not exist", t0.Add(time.Second))
	f.Refused("may not be read", t0.Add(2*time.Second))
	f.Refused("is not a folder", t0.Add(3*time.Second))
	state, since, reason := f.Status()
	if state != settle.Blocked || !since.Equal(t0.Add(2*time.Second)) || reason != "is not a folder" {
		t.Errorf("status %v since %v: %q", state, since, reason)
	}
	f.Found(settle.Local, t0.Add(4*time.Second))
	if _, _, reason := f.Status(); reason != "" || f.Away() {
		t.Errorf("found, and yet away: %q", reason)
	}
}
