package notify

import (
	"math/rand/v2"
	"time"
)

// retries are the waits between the attempts of one delivery.
type retries []time.Duration

var overHours = retries{
	5 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
}

// after gives the wait after a failed attempt; ok is false when it was the last.
// deliveries counts the times that the broker has handed the notice out, age is
// how long ago it came up. Each alone would be wrong: a process that is killed
// again and again uses up deliveries without an attempt, and one that was away
// for a day uses up the age.
func (r retries) after(deliveries uint64, age time.Duration) (wait time.Duration, ok bool) {
	passed := 0
	for sum := time.Duration(0); passed < len(r); passed++ {
		if sum += r[passed]; sum > age {
			break
		}
	}
	if n := min(passed, int(min(deliveries-1, uint64(len(r))))); n < len(r) {
		return jitter(r[n]), true
	}
	return 0, false
}

// aside is how long a notice waits that finds no free place: the older it is,
// the less often it asks.
func aside(age time.Duration) time.Duration {
	return jitter(min(max(age/4, time.Second), 10*time.Minute))
}

// jitter adds up to a tenth, so that those who failed together do not come back together.
func jitter(d time.Duration) time.Duration { return d + rand.N(d/10+1) }
