package admission_test

import (
	"testing"
	"time"

	"spool.internal/events/admission"
)

func TestBudget(t *testing.T) {
	type step struct {
		wait  time.Duration
		bytes int
	}
	every := func(n int, s step) (list []step) {
		for range n {
			list = append(list, s)
		}
		return list
	}
	for _, c := range []struct {
		name  string
		steps []step
		slow  bool
	}{
		{"nothing moves", []step{{30 * time.Second, 0}}, true},
		{"a byte in 29 s", []step{{29 * time.Second, 1}}, false},
		{"a byte every second", every(31, step{time.Second, 1}), true},
		{"half of the rate", every(65, step{time.Second, 512}), true},
		{"half of the rate, for a while", every(50, step{time.Second, 512}), false},
		{"the rate", every(10_000, step{time.Second, 1024}), false},
		{"the rate, in bursts", every(1000, step{29 * time.Second, 29 << 10}), false},
		{"a fast start saves up no more than the grace", append([]step{{time.Millisecond, 1 << 30}}, every(31, step{time.Second, 0})...), true},
		{"a huge part", []step{{time.Second, 1 << 40}}, false},
	} {
		b := admission.MinRate{}.Budget()
		slow := false
		for _, s := range c.steps {
			b.Spend(s.wait, s.bytes)
			slow = slow || b.Left() == 0
		}
		if slow != c.slow {
			t.Errorf("%s: too slow %v, want %v", c.name, slow, c.slow)
		}
		if b.Refill(); b.Left() != 30*time.Second {
			t.Errorf("refilled: %v", b.Left())
		}
	}
	if r := (admission.MinRate{Grace: 100 * time.Millisecond, Rate: 1}); r.Bytes() != 1 {
		t.Errorf("bytes of a tiny rate: %d", r.Bytes())
	}
}
