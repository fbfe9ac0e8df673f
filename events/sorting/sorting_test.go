package sorting

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// What package slices would do.
func TestSorting(t *testing.T) {
	type pair struct{ key, place int }
	var random []pair
	for i := range 1000 {
		random = append(random, pair{rand.IntN(50), i})
	}
	compare := func(a, b pair) int { return cmp.Compare(a.key, b.key) }
	for name, of := range map[string]struct {
		ours, theirs func([]pair, func(a, b pair) int)
	}{
		"By": {By[pair], slices.SortFunc[[]pair]}, "Stably": {Stably[pair], slices.SortStableFunc[[]pair]},
	} {
		ours, theirs := slices.Clone(random), slices.Clone(random)
		of.ours(ours, compare)
		of.theirs(theirs, compare)
		if !slices.Equal(ours, theirs) {
			t.Errorf("%s sorts into another order", name)
		}
	}
}
