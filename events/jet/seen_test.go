package jet_test

import (
	"fmt"
	"slices"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

func TestSeenAll(t *testing.T) {
	b := eventstest.Bus(t)
	var files []events.SeenFile
	for n := range 1200 {
		files = append(files, events.SeenFile{JobID: "job", Path: fmt.Sprint("f-", n), Fingerprint: events.Hash(fmt.Sprint(n))})
	}
	for part := range slices.Chunk(append(files, events.SeenFile{JobID: "other", Path: "f", Fingerprint: "0"}), 500) {
		if err := b.IgnoreFiles(t.Context(), part); err != nil {
			t.Fatal(err)
		}
	}
	all, whole, err := b.SeenAll(t.Context(), "job")
	if err != nil || !whole || len(all) != len(files) || slices.Contains(all, "0") {
		t.Fatalf("%d fingerprints, whole %t (%v)", len(all), whole, err)
	}
	for _, f := range files {
		if !slices.Contains(all, f.Fingerprint) {
			t.Fatalf("%s is missing", f.Fingerprint)
		}
	}
	if all, whole, err := b.SeenAll(t.Context(), "none"); err != nil || !whole || len(all) != 0 {
		t.Errorf("of a job without files: %v, whole %t (%v)", all, whole, err)
	}
}
