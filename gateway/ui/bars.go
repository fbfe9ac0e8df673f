package ui

import (
	"fmt"
	"slices"
	"time"

	"spool.internal/events"
	"spool.internal/events/why"
	"spool.internal/gateway/v2"
)

// barsShown is how many runs are drawn.
const barsShown = 60

// bars are the last runs of a job by how long each took, the oldest at the left.
type bars struct {
	Bars          []runBar
	Width         int // in units of the view box
	Median, Most  time.Duration
	Long, Longest time.Duration // 95 of 100 took no longer; the longest of all
	Known         int           // of how many it is known how long they took
	Words         string
	Zone          *time.Location
}

// runBar is one of them.
type runBar struct {
	X, Y, Height int
	Outcome      events.Outcome
	Took         *time.Duration // nil: not known
	Run          v2.Result
}

// Sizes of bars, in units of the view box.
const (
	barStep   = 10
	barHeight = 48
	barLeast  = 3
)

// newBars draws results, which are newest first.
func newBars(results []v2.Result, zone *time.Location) *bars {
	b := &bars{Zone: zone, Width: max(len(results), 1) * barStep}
	var all []time.Duration
	for _, r := range slices.Backward(results) {
		took := durationOf(r)
		if took != nil {
			all = append(all, *took)
		}
		b.Bars = append(b.Bars, runBar{Outcome: r.Outcome, Took: took, Run: r})
	}
	slices.Sort(all)
	if b.Known = len(all); b.Known > 0 {
		b.Median, b.Long, b.Longest = percentile(all, 50), percentile(all, 95), all[len(all)-1]
	}
	for i := range b.Bars {
		bar := &b.Bars[i]
		bar.X, bar.Height = i*barStep, barLeast
		if bar.Took != nil && b.Longest > 0 {
			bar.Height += int((barHeight - barLeast) * *bar.Took / b.Longest)
		}
		bar.Y = barHeight - bar.Height
	}
	b.Words = why.Count(len(results), "run")
	if b.Known > 0 {
		b.Words += ", half took no longer than " + why.Length(b.Median) + ", the longest " + why.Length(b.Longest)
	}
	return b
}

// Newest gives the bars newest first.
func (b *bars) Newest() []runBar {
	list := slices.Clone(b.Bars)
	slices.Reverse(list)
	return list
}

// Length is how long the run took.
func (b runBar) Length() time.Duration {
	if b.Took == nil {
		return 0
	}
	return *b.Took
}

// Words says what the bar shows.
func (b runBar) Words() string {
	text := word(b.Outcome)
	if b.Took != nil {
		text += ", " + why.Length(*b.Took)
	}
	return text
}

// Bad reports whether the bar bears a cross: colours are not enough.
func (b runBar) Bad() bool {
	return b.Outcome == events.OutcomeFailed || b.Outcome == events.OutcomeGaveUp
}

// Cross is the path of the cross, at the foot of the bar.
func (b runBar) Cross() string {
	return fmt.Sprintf("M%d %dl6 6m0-6l-6 6", b.X+1, barHeight-7)
}

// percentile gives the value that so many of 100 sorted values do not exceed.
func percentile(sorted []time.Duration, of int) time.Duration {
	return sorted[(len(sorted)*of+99)/100-1]
}

// durationOf is how long the run of a result took, or its call where that is all there is.
func durationOf(r v2.Result) *time.Duration {
	switch {
	case r.Run != nil && r.Run.DurationMS != nil:
		return new(time.Duration(*r.Run.DurationMS) * time.Millisecond)
	case r.Run != nil, r.FlowJobID != "", r.Started.IsZero() || r.Ended.Before(r.Started):
		return nil // it goes on, or somebody else knows
	}
	return new(r.Ended.Sub(r.Started))
}
