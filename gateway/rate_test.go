package gateway

import (
	"strconv"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	l := newLimiter(2, 3)
	for n, want := range []time.Duration{0, 0, 0, 500 * time.Millisecond, 500 * time.Millisecond} { // a refused request costs nothing
		if got := l.delay("a", now); got != want {
			t.Errorf("request %d: delay %v, want %v", n, got, want)
		}
	}
	if got := l.delay("b", now); got != 0 {
		t.Errorf("another token waits %v", got)
	}
	if got := l.delay("a", now.Add(500*time.Millisecond)); got != 0 {
		t.Errorf("after its delay a token waits %v", got)
	}
	free := newLimiter(-1, 1)
	for range 1000 {
		if got := free.delay("a", now); got != 0 {
			t.Fatalf("without a limit a token waits %v", got)
		}
	}
}

func TestLimiterIsBounded(t *testing.T) {
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	l := newLimiter(1, 2)
	fill := func(prefix string, at time.Time) {
		for n := range maxBuckets {
			l.delay(prefix+strconv.Itoa(n), at)
		}
		if len(l.buckets) > maxBuckets {
			t.Fatalf("%d buckets", len(l.buckets))
		}
	}
	fill("a", now)
	fill("b", now) // none is full, so any have to go
	later := now.Add(time.Minute)
	for n := 0; len(l.buckets) < maxBuckets; n++ {
		l.delay("c"+strconv.Itoa(n), now)
	}
	l.delay("d", later) // all are full again, so all go
	if len(l.buckets) != 1 {
		t.Errorf("%d buckets, of which all but one are as good as new", len(l.buckets))
	}
}
