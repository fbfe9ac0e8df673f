// Package sorting sorts by a comparison, as slices.SortFunc and slices.SortStableFunc do, in the same
// order. Those are compiled anew for each type, some 12 kB each;
// of this there is one. What is sorted so often that its speed is felt keeps slices.SortFunc.
package sorting

import "sort"

// By sorts s.
func By[E any](s []E, compare func(a, b E) int) {
	sort.Slice(s, func(i, j int) bool { return compare(s[i], s[j]) < 0 })
}

// Stably sorts s and keeps what compares as equal in the order it has.
func Stably[E any](s []E, compare func(a, b E) int) {
	sort.SliceStable(s, func(i, j int) bool { return compare(s[i], s[j]) < 0 })
}
