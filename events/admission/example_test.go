package admission_test

import (
	"fmt"
	"net/netip"

	"spool.internal/events/admission"
)

// A caller without a token cannot take all permits: it gets those that it may have, then it is
// refused, and others still get theirs.
func ExampleSemaphores() {
	var limits admission.Limits
	limits.Permits[admission.Request] = 40
	semaphores := admission.NewSemaphores(limits)
	greedy := admission.ByAddress(netip.MustParseAddr("192.0.2.1"))
	got := 0
	for {
		if _, refusal := semaphores.Acquire(admission.Request, greedy); refusal != "" {
			break
		}
		got++
	}
	other, refusal := semaphores.Acquire(admission.Request, admission.ByAddress(netip.MustParseAddr("192.0.2.2")))
	fmt.Println(got < 40, other.Held(), refusal == "")
	// Output: true true true
}
