package cron

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"spool.internal/events/jet"
	"spool.internal/events/wait"
)

// Every replica acts on the minutes as they come, so the clock that is furthest ahead would rule
// all of them. Each compares its own with that of others, and does not use it where it is ahead.
const (
	skewNoted = time.Second     // a clock that is further off is logged, and not used while it is ahead
	skewWrong = 5 * time.Second // one that is further off keeps the replica from being ready
	skewEvery = 5 * time.Second
	skewSoon  = 750 * time.Millisecond // a minute waits so long for the comparison
	clocksFor = 5 * time.Minute        // how old what a machine said of its clock may be
	voteLeast = 3                      // machines that outvote one that is wrong
)

// reference is what a clock is compared with; jet.Bus is one.
type reference interface {
	Ahead(ctx context.Context, now func() time.Time) (jet.Ahead, error)
	ClocksSince(ctx context.Context, t time.Time) (map[string]time.Duration, error)
}

// skew is how far this machine's clock is off. The nil skew compares it with nothing: the store
// is in this process, and has the same one.
type skew struct {
	store   reference
	machine string // this one's name among those that say their clock
	now     func() time.Time
	log     *slog.Logger
	by      atomic.Int64 // as last measured: ahead, in ns

	mu     sync.Mutex
	leader string    // whose clock the others are compared with
	since  time.Time // since when, by that clock
	of     string    // what the clock was compared with last
	noted  bool
	wall   time.Time // when it was measured: by the clock,
	mono   time.Time // and by one that nobody sets
}

// ahead is how far the clock is ahead of the right time as far as is known; below 0 it is behind.
func (s *skew) ahead() time.Duration {
	if s == nil {
		return 0
	}
	return time.Duration(s.by.Load())
}

// right gives the time by the clock of this machine, unless that is ahead of the others'.
func (s *skew) right() time.Time {
	if by := s.ahead(); by > skewNoted {
		return s.now().Add(-by)
	}
	return s.now()
}

// ask compares the clock ahead of a pass. Without an answer what was measured last counts, as
// long as the clock has gone on evenly: the store can take a minute and not say what time it is.
func (s *skew) ask(ctx context.Context) error {
	if s == nil {
		return nil
	}
	soon, cancel := context.WithTimeout(ctx, skewSoon)
	defer cancel()
	err := s.measure(soon)
	if err == nil || ctx.Err() != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	went := time.Since(s.mono)
	stepped := s.now().Round(0).Sub(s.wall) - went
	if s.mono.IsZero() || went > clocksFor || stepped.Abs() > skewNoted {
		return err
	}
	return nil
}

// measure compares the clock.
func (s *skew) measure(ctx context.Context) error {
	if s == nil {
		return nil
	}
	own, err := s.store.Ahead(ctx, s.now)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if own.Leader != s.leader || s.since.IsZero() {
		s.leader, s.since = own.Leader, own.At // what was said to the former is measured by its clock
	}
	since := s.since
	if oldest := own.At.Add(-clocksFor); oldest.After(since) || own.Leader == "" {
		since = oldest
	}
	clocks, err := s.store.ClocksSince(ctx, since)
	if err != nil {
		return err
	}
	by, of := judge(own.By, s.machine, clocks)
	if by.Abs() <= own.Within { // no more than the answer took
		by = 0
	}
	s.by.Store(int64(by))
	s.of, s.wall, s.mono = of, s.now().Round(0), time.Now()
	s.note(by)
	return nil
}

// judge tells how far a clock is ahead of what it is to be compared with, and names that: the
// median of three machines or more, the earlier of two, else the store's.
func judge(own time.Duration, machine string, clocks map[string]time.Duration) (by time.Duration, of string) {
	clocks = maps.Clone(clocks)
	if clocks == nil {
		clocks = map[string]time.Duration{}
	}
	clocks[machine] = own
	names := slices.SortedFunc(maps.Keys(clocks), func(a, b string) int {
		return cmp.Or(cmp.Compare(clocks[a], clocks[b]), cmp.Compare(a, b))
	})
	if len(names) == 1 {
		return own, "the store's"
	}
	middle := clocks[names[(len(names)-1)/2]]
	slices.Sort(names)
	if len(names) < voteLeast {
		return own - middle, "the earlier of the clocks of " + strings.Join(names, " and ")
	}
	return own - middle, "the median of the clocks of " + strings.Join(names, ", ")
}

func (s *skew) note(by time.Duration) {
	switch off := by.Abs() > skewNoted; {
	case off && !s.noted:
		s.log.Warn("the clock of this machine is off", "ahead", by, "compared_with", s.of)
		s.noted = true
	case !off && s.noted:
		s.log.Info("the clock of this machine is right again")
		s.noted = false
	}
}

// check says that the clock is wrong.
func (s *skew) check() error {
	by := s.ahead()
	if by.Abs() <= skewWrong {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	way, then := "ahead of", "its minutes are committed when that one has reached them"
	if by < 0 {
		way, then = "behind", "other replicas start the jobs meanwhile"
	}
	return fmt.Errorf("the clock of this machine is %s %s %s: set it right; %s", by.Abs().Round(time.Second/10), way, s.of, then)
}

// run compares the clock again and again.
func (s *skew) run(ctx context.Context) {
	if s == nil {
		return
	}
	for ; ctx.Err() == nil; _ = wait.Sleep(ctx, skewEvery) {
		_ = s.measure(ctx) // each pass asks, too, and says so
	}
}
