package index

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
)

// filled makes an index of n jobs that stand in all ways, and of two owners.
func filled(t *testing.T, n int, now time.Time) (x *Index, ids []string) {
	t.Helper()
	x = New(nil, time.UTC, nil)
	random := rand.New(rand.NewPCG(7, 7))
	outcomes := []outcome{waiting, retrying, running, called, okay, failed, gaveUp, cancelled, notKept}
	for i := range n {
		j := events.Job{
			ID: uuid.NewSHA1(uuid.Nil, fmt.Append(nil, i)).String(), Username: []string{"ann", "bob"}[i%2], Name: fmt.Sprintf("Job %d", i),
			Status: events.Enabled, CreatedOnNS: int64(i), Parameters: []byte(`{"schedule":"5 4 * * *"}`),
		}
		if i%3 == 0 {
			j.Parameters = []byte(`{"flow_parameters":{"settings":{"spooled_mode":true,"tags":["files"]}}}`)
		}
		if i%7 == 0 {
			j.Status = events.Disabled
		}
		x.Apply(events.JobRevision{Seq: uint64(i + 1), Event: events.JobEvent{Event: events.JobCreated, Job: j}})
		number, _ := x.table.find(j.ID)
		for k := range random.IntN(3) {
			trigger := uint64(i*10 + k + 1)
			x.shown.take(result{seq: trigger, stored: now.Add(-time.Minute), job: number, trigger: trigger, call: outcomes[random.IntN(len(outcomes))]})
		}
		ids = append(ids, j.ID)
	}
	return x, ids
}

// The numbers beside the links of a list are those of the lists that they lead to.
func TestCountsAreThoseOfTheLists(t *testing.T) {
	now := time.Now()
	x, ids := filled(t, 400, now)
	for _, f := range []Filter{
		{}, {Owner: "ann"}, {Text: "7"}, {Owner: "bob", Text: "job 1", Mode: ModeCron}, {State: StateFailing}, {State: StateDisabled, Mode: ModeAutomatic}, {Tag: "files"},
	} {
		counts := x.Count(f, now)
		for _, state := range States {
			of := f
			of.State = state
			if _, total, _ := x.List(Page{Filter: of, Limit: 1}, now); counts.States[state] != total {
				t.Errorf("%+v: %d %s are counted, and %d listed", f, counts.States[state], state, total)
			}
		}
		for _, mode := range []string{ModeCron, ModeAutomatic} {
			of := f
			of.Mode = mode
			if _, total, _ := x.List(Page{Filter: of, Limit: 1}, now); counts.Modes[mode] != total {
				t.Errorf("%+v: %d %s are counted, and %d listed", f, counts.Modes[mode], mode, total)
			}
		}
		if _, total, _ := x.List(Page{Filter: Filter{Owner: f.Owner}, Limit: 1}, now); counts.Jobs != total {
			t.Errorf("%+v: of %d, want %d", f, counts.Jobs, total)
		}
		if _, total, _ := x.List(Page{Filter: f, Limit: 1}, now); x.Meeting(f, ids, now) != total {
			t.Errorf("%+v: %d meet it, and %d are listed", f, x.Meeting(f, ids, now), total)
		}
	}
}

// What is due is enabled, and has a slot by then.
func TestDueOf(t *testing.T) {
	now := time.Now().UTC().Truncate(24 * time.Hour).Add(27*time.Hour + 30*time.Minute) // an index knows no past
	x, ids := filled(t, 42, now)
	if due := x.DueOf(ids, now.Add(30*time.Minute), now); len(due) != 0 {
		t.Errorf("%d are due before their slot", len(due))
	}
	if due := x.DueOf(ids, now.Add(time.Hour), now); len(due) != 24 { // of 28 by the clock every seventh is disabled
		t.Errorf("%d are due", len(due))
	}
}
