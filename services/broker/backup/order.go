package backup

import (
	"slices"

	"spool.internal/events/jet"
)

// Order lists the streams of a store in the order in which they are taken and restored. Those that this
// program does not know come before the jobs, which they may name.
func Order(have []string) (all []string) {
	known := map[string]bool{}
	for _, p := range jet.BackupOrder() {
		known[p.Stream] = true
	}
	others := slices.Sorted(slices.Values(have))
	others = slices.DeleteFunc(others, func(s string) bool { return known[s] })
	for _, p := range jet.BackupOrder() {
		if p.Stream == jet.JobsStream {
			all = append(all, others...)
		}
		if slices.Contains(have, p.Stream) {
			all = append(all, p.Stream)
		}
	}
	return all
}
