package broker

import (
	"strings"
	"testing"
	"time"
)

// What clients make the server say is bounded, in lines and in their length.
func TestFaultsAreSampled(t *testing.T) {
	t.Parallel()
	s, now, said := &sample{}, time.Unix(1000, 0), 0
	for range 10_000 {
		if _, ok := s.take(now); ok {
			said++
		}
	}
	if said != faultsAtOnce {
		t.Errorf("%d of 10,000 at once are said", said)
	}
	if n, ok := s.take(now.Add(faultsEvery)); !ok || n != 10_000-faultsAtOnce {
		t.Errorf("the next is said: %v, and leaves out %d", ok, n)
	}
	for range 10_000 {
		now = now.Add(10 * time.Millisecond)
		if _, ok := s.take(now); ok {
			said++
		}
	}
	if limit := faultsAtOnce + int(100*time.Second/faultsEvery) + 1; said > limit {
		t.Errorf("%d lines in 100 s, want at most %d", said, limit)
	}
	if text := clip("%s", []any{strings.Repeat("x", 1<<20)}); len(text) > maxText+10 {
		t.Errorf("a line of %d bytes", len(text))
	}
}
