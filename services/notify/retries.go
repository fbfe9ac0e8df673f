package notify

import (
	"math/rand/v2"
	"time"
)

// retries is the backoff of one delivery: the waits between its attempts.
type retries []time.Duration

var overHours = retries{
	5 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
}

// after returns the wait after a failed attempt; ok = false after the last. deliveries is how often the broker has
// delivered the notification, age is how old it is. Each alone would be wrong: a process that is killed over and over
// uses up deliveries without an attempt, and one that was down for a day uses up the age.
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

// aside is the delay of a notification that finds no free slot: the older it is, the longer.
func aside(age time.Duration) time.Duration {
	return jitter(min(max(age/4, time.Second), 10*time.Minute))
}

// jitter adds up to a tenth, so that deliveries that failed together are not retried together.
func jitter(d time.Duration) time.Duration { return d + rand.N(d/10+1) }
