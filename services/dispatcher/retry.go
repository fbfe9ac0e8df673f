package dispatcher

import (
	"time"
)

// retryWaits are the pauses between the calls of one trigger; the last repeats.
var retryWaits = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}

// again says how long a trigger waits for its next call, if it gets one: calls
// have failed, the trigger is of age, it is called until it is of limit, and the
// endpoint asked to be left alone for a while. luck is in [0, 1). The last wait is
// cut short so that the last call is made when the limit is reached.
func again(waits []time.Duration, calls int, age, limit, asked time.Duration, luck float64) (time.Duration, bool) {
	left := limit - age
	if left < waits[0]/2 || asked > left {
		return 0, false
	}
	wait := waits[min(max(calls, 1), len(waits))-1]
	wait = time.Duration(float64(wait) * (0.9 + 0.2*luck)) // so that what failed together does not come back together
	return min(max(wait, asked), left), true
}
