package jet_test

import (
	"strconv"
	"sync"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// Of many who store at once each is told, and what is stored already neither
// doubles nor keeps the others of its batch out.
func TestGroupStoresEachOnce(t *testing.T) {
	bus := eventstest.Bus(t)
	group := bus.NewGroup(events.StreamResults)
	put := func(n int) error {
		return group.Put(t.Context(), jet.ResultMessage(events.Result{JobID: "j", TriggerID: strconv.Itoa(n), EndedNS: 1}))
	}
	for n := range 5 {
		if err := put(n); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for n := range 500 {
		wg.Go(func() {
			if err := put(n); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	stored, err := bus.Subjects(t.Context(), events.StreamResults, events.AllResults)
	if err != nil || stored[events.ResultSubject("j")] != 500 {
		t.Errorf("stored %v (%v), want 500", stored, err)
	}
}
