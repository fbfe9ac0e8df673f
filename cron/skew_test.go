package cron

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

func TestJudgeClock(t *testing.T) {
	for _, c := range []struct {
		name   string
		own    time.Duration // against the store
		others map[string]time.Duration
		want   time.Duration
		of     string
	}{
		{"alone with the store", 40 * time.Second, nil, 40 * time.Second, "the store's"},
		{"what it said itself before does not count", 40 * time.Second, map[string]time.Duration{"m1": 0}, 40 * time.Second, "the store's"},
		{"ahead of two", 40 * time.Second, map[string]time.Duration{"m2": 0, "m3": time.Millisecond}, 40*time.Second - time.Millisecond, "the median of the clocks of m1, m2, m3"},
		{"behind two", -40 * time.Second, map[string]time.Duration{"m2": 0, "m3": 0}, -40 * time.Second, "the median of the clocks of m1, m2, m3"},
		{"right, beside one that leads the store and is ahead", -40 * time.Second, map[string]time.Duration{"m2": 0, "m3": -40 * time.Second}, 0, "the median of the clocks of m1, m2, m3"},
		{"right, beside two that are off each in its way", 0, map[string]time.Duration{"m2": time.Hour, "m3": -time.Hour}, 0, "the median of the clocks of m1, m2, m3"},
		{"right, beside two that are ahead together", 0, map[string]time.Duration{"m2": 40 * time.Second, "m3": 41 * time.Second}, -40 * time.Second, "the median of the clocks of m1, m2, m3"},
		{"the later of two", 40 * time.Second, map[string]time.Duration{"m2": 0}, 40 * time.Second, "the earlier of the clocks of m1 and m2"},
		{"the earlier of two", -40 * time.Second, map[string]time.Duration{"m2": 0}, 0, "the earlier of the clocks of m1 and m2"},
	} {
		by, of := judge(c.own, "m1", c.others)
		if by != c.want || of != c.of {
			t.Errorf("%s: %v of %s, want %v of %s", c.name, by, of, c.want, c.of)
		}
	}
}

// aClock is a store whose clock is right; this machine's is ahead by so much.
type aClock struct {
	ahead time.Duration
	err   error
}

func (c *aClock) now() time.Time { return time.Now().Add(c.ahead) }

func (c *aClock) Ahead(context.Context, func() time.Time) (jet.Ahead, error) {
	return jet.Ahead{By: c.ahead, At: time.Now()}, c.err
}

func (c *aClock) ClocksSince(context.Context, time.Time) (map[string]time.Duration, error) {
	return nil, c.err
}

func TestSkew(t *testing.T) {
	c := &aClock{}
	s := &skew{store: c, machine: "m1", now: c.now, log: quiet(t)}
	c.err = errors.New("no leader")
	if s.ask(t.Context()) == nil {
		t.Error("a pass goes on though the clock was never compared")
	}
	c.err = nil
	for _, step := range []struct {
		ahead time.Duration
		says  string // what readyz says
		later bool   // the clock of this machine is not used
	}{
		{0, "", false},
		{900 * time.Millisecond, "", false},
		{3 * time.Second, "", true},
		{40 * time.Second, "40s ahead of the store's", true},
		{-40 * time.Second, "40s behind the store's", false},
		{0, "", false},
	} {
		c.ahead = step.ahead
		if err := s.ask(t.Context()); err != nil {
			t.Fatal(err)
		}
		said := ""
		if err := s.check(); err != nil {
			said = err.Error()
		}
		if step.says == "" && said != "" || !strings.Contains(said, step.says) {
			t.Errorf("%v ahead: %q, want %q", step.ahead, said, step.says)
		}
		if used := s.right().Sub(c.now()) < -skewNoted; used != step.later {
			t.Errorf("%v ahead: the time is taken from elsewhere: %v", step.ahead, used)
		}
	}
	c.err = errors.New("no leader")
	if err := s.ask(t.Context()); err != nil {
		t.Errorf("without an answer what was measured does not count: %v", err)
	}
	c.ahead = time.Minute
	if s.ask(t.Context()) == nil {
		t.Error("a clock that was set since counts as it was measured before")
	}
}

// On a real store: the clocks of the machines are those that their roles say.
func TestSkewOfStore(t *testing.T) {
	bus := eventstest.Bus(t)
	ahead := func() time.Time { return time.Now().Add(40 * time.Second) }
	s := &skew{store: bus, machine: "m1", now: ahead, log: quiet(t)}
	measured := func(low, high time.Duration) {
		t.Helper()
		if err := s.measure(t.Context()); err != nil {
			t.Fatal(err)
		}
		if by := s.ahead(); by < low || by > high {
			t.Errorf("the clock is %v ahead of %s, want %v to %v", by, s.of, low, high)
		}
	}
	measured(39*time.Second, 41*time.Second)
	for _, place := range []string{"m2", "m3"} { // both 40 s ahead of the store, too
		state := events.RoleState{Role: "cron", Instance: place, Place: place, Clock: ahead()}
		if err := bus.PutRole(t.Context(), state); err != nil {
			t.Fatal(err)
		}
	}
	measured(-30*time.Second, 30*time.Second)
}
