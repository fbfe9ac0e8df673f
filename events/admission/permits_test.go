package admission_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"spool.internal/events/admission"
)

// take acquires permits for a caller until it is refused.
func take(s *admission.Semaphores, kind admission.Kind, who admission.Caller) (permits []admission.Permit, why admission.Refusal) {
	for {
		p, why := s.Acquire(kind, who)
		if why != "" {
			return permits, why
		}
		permits = append(permits, p)
	}
}

func TestShares(t *testing.T) {
	for _, connections := range []int{64, 341, 10_000} {
		limits := admission.LimitsFor(connections)
		for kind := admission.Request; kind <= admission.Page; kind++ {
			t.Run(fmt.Sprint(connections, " ", kind), func(t *testing.T) {
				s := admission.NewSemaphores(limits)
				size := limits.Permits[kind]
				first, why := take(s, kind, admission.ByToken("first", false))
				if len(first) < min(size, 4) || why == "" || size > 20 && (len(first) < size/5 || len(first) > size/5+1) {
					t.Errorf("the first of %d takes %d, %q", size, len(first), why)
				}
				total := len(first)
				for n := range 4 { // as many as would fill it with fifths
					more, _ := take(s, kind, admission.ByToken(fmt.Sprint(n), false))
					total += len(more)
				}
				if other, _ := take(s, kind, admission.ByToken("late", false)); size > 20 && len(other) == 0 {
					t.Errorf("five callers hold %d of %d and a sixth gets none", total, size)
				}
				for n := range size { // the rest, one by one
					take(s, kind, admission.ByToken(fmt.Sprint("more", n), false))
				}
				if _, why := s.Acquire(kind, admission.ByToken("nobody", false)); why != admission.Full {
					t.Errorf("beyond the last permit: %q", why)
				}
				if p, why := s.Acquire(kind, admission.ByToken("root", true)); why != "" {
					t.Errorf("an administrator is refused (%s) while everything is taken", why)
				} else {
					s.Release(p)
				}
				for _, p := range first {
					s.Release(p)
				}
				if _, why := s.Acquire(kind, admission.ByToken("nobody", false)); why != "" {
					t.Errorf("after permits were released: %q", why)
				}
			})
		}
	}
}

// One administrator cannot lock out another, either.
func TestAdministratorsShareTheirs(t *testing.T) {
	s := admission.NewSemaphores(admission.LimitsFor(10_000))
	take(s, admission.Request, admission.ByToken("operator", false))
	if many, _ := take(s, admission.Request, admission.ByToken("a", true)); len(many) < 200 {
		t.Errorf("one administrator has %d permits", len(many))
	}
	if _, why := s.Acquire(admission.Request, admission.ByToken("b", true)); why != "" {
		t.Errorf("a second administrator: %q", why)
	}
}

// However permits come and go, there are never more than there are, and in the
// end none are held.
func TestPermitsAddUp(t *testing.T) {
	limits := admission.LimitsFor(100)
	s := admission.NewSemaphores(limits)
	r := rand.New(rand.NewPCG(1, 2))
	var held []admission.Permit
	for range 20_000 {
		if r.IntN(2) == 0 && len(held) > 0 {
			n := r.IntN(len(held))
			s.Release(held[n])
			held = append(held[:n], held[n+1:]...)
			continue
		}
		if p, why := s.Acquire(admission.Request, admission.ByToken(fmt.Sprint(r.IntN(9)), r.IntN(9) == 0)); why == "" {
			held = append(held, p)
		}
		if most := limits.Permits[admission.Request] * 5 / 4; len(held) > most {
			t.Fatalf("%d permits of %d are held", len(held), most)
		}
	}
	for _, p := range held {
		s.Release(p)
	}
	s.Release(admission.Permit{})
	if all, _ := take(s, admission.Request, admission.ByToken("x", false)); len(all) < limits.Permits[admission.Request]/5 {
		t.Errorf("%d permits after all were released", len(all))
	}
}

// With everything taken there is a connection without a permit, which can go.
func TestPermitsAreFewerThanConnections(t *testing.T) {
	for _, connections := range []int{64, 100, 341, 1000, 4096, 10_000, 100_000} {
		l := admission.LimitsFor(connections)
		held := 0
		for _, kind := range []admission.Kind{admission.Request, admission.Transfer, admission.Stream} {
			held += l.Permits[kind] + max(1, l.Permits[kind]/4)
		}
		if held >= connections {
			t.Errorf("%d permits for %d connections", held, connections)
		}
		if n := admission.Descriptors(connections); n < 2*connections {
			t.Errorf("%d connections need %d descriptors", connections, n)
		}
	}
	for descriptors, want := range map[int]int{1024: 341, 20_000: 6666, 1 << 20: 10_000} {
		n := admission.DefaultConnections(descriptors)
		if n != want || admission.Descriptors(n) > descriptors {
			t.Errorf("%d descriptors: %d connections, which need %d", descriptors, n, admission.Descriptors(n))
		}
	}
}
