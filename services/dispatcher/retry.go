package dispatcher

import "time"

// retryWaits are the default pauses between the calls of one trigger; the last repeats.
var retryWaits = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}

// tried is what the backoff of a trigger depends on.
type tried struct {
	calls int           // that have failed
	age   time.Duration // of the trigger
	limit time.Duration // retry_for: the age until which it is retried
	asked time.Duration // how long the endpoint asked to be left alone (Retry-After)
}

// backoff returns how long a trigger waits for its next call; false = it gets none. luck is in [0, 1), and spreads
// triggers that failed together. The last wait is cut short, so that the last call is made at the limit.
func (t tried) backoff(waits []time.Duration, luck float64) (time.Duration, bool) {
	left := t.limit - t.age
	if left < waits[0]/2 || t.asked > left {
		return 0, false
	}
	wait := waits[min(max(t.calls, 1), len(waits))-1]
	wait = time.Duration(float64(wait) * (0.9 + 0.2*luck))
	return min(max(wait, t.asked), left), true
}
