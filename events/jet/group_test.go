package jet_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// Of many who store at once each is told, and what is stored already neither
// doubles nor keeps the others of its batch out.
func TestGroupStoresEachOnce(t *testing.T) {
	bus := eventstest.Bus(t)
	group := bus.NewResults()
	put := func(n int) error {
		return group.Put(t.Context(), jet.EncodeResult(events.Result{JobID: "j", TriggerID: strconv.Itoa(n), EndedNS: 1}))
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
	if err := put(500); err != nil { // one that comes while no batch is to begin
		t.Fatal(err)
	}
	stored, err := bus.Results("j").Count(t.Context())
	if err != nil || stored != 501 {
		t.Errorf("stored %v (%v), want 501", stored, err)
	}
}

// Where a sync is cheap or is not waited for, messages go alone; where it is dear
// a few dozen make a batch.
func TestGroupKnowsPrices(t *testing.T) {
	for name, c := range map[string]struct {
		each, batch  time.Duration
		worth, alone int
	}{
		"not known":               {0, 0, 64, 16},
		"no batch yet":            {time.Millisecond, 0, 64, 16},
		"messages are not synced": {30 * time.Microsecond, 9 * time.Millisecond, 300, 128},
		"each is synced":          {500 * time.Microsecond, 9 * time.Millisecond, 18, 18},
		"by a slow disk":          {5 * time.Millisecond, 20 * time.Millisecond, 16, 16},
	} {
		if worth, alone := jet.Prices(c.each, c.batch); worth != c.worth || alone != c.alone {
			t.Errorf("%s: %d and %d, want %d and %d", name, worth, alone, c.worth, c.alone)
		}
	}
}
