package slots

import (
	"maps"
	"slices"
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
)

// Bucket counts what became of the slots of an hour or a day.
type Bucket struct {
	From     time.Time              `json:"from"`
	To       time.Time              `json:"to"`
	Slots    int                    `json:"slots"`
	Worst    events.Ruling          `json:"worst"`
	Verdicts map[events.Ruling]int  `json:"verdicts"`
	Outcome  events.Outcome         `json:"outcome,omitzero"` // the worst
	Outcomes map[events.Outcome]int `json:"outcomes,omitempty"`
	Marks    []schedule.Mark        `json:"marks,omitempty"`
	At       time.Time              `json:"-"` // the slot that stands worst, the first of such
	As       string                 `json:"-"` // how that stands, see [Standings]
	Standing map[string]int         `json:"-"` // how many slots stand how
}

// Width is how wide buckets are.
type Width string

// Widths of buckets.
const (
	Hour Width = "hour"
	Day  Width = "day"
)

// Around gives the bucket that a time lies in: an hour or a day of the clocks of its zone.
func (w Width) Around(t time.Time) (from, to time.Time) {
	if w == Hour {
		from = t.Truncate(time.Minute).Add(-time.Duration(t.Minute()) * time.Minute)
		return from, from.Add(time.Hour)
	}
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, t.Location()), time.Date(year, month, day+1, 0, 0, 0, 0, t.Location())
}

// Worst is the order of verdicts and outcomes from bad to good.
var (
	worstVerdict = []events.Ruling{
		events.VerdictMissed, events.VerdictSkipped, events.VerdictSuperseded, Pending, Queued, events.VerdictDisabled, events.VerdictShadow, CaughtUp, Fired,
	}
	worstOutcome = []events.Outcome{
		events.OutcomeGaveUp, events.OutcomeFailed, events.OutcomeCancelled, events.OutcomeRetrying, events.OutcomeRunning, events.OutcomeWaiting,
		events.OutcomeCalled, events.OutcomeNotKept, events.OutcomeOK,
	}
)

// Standings are the words for how a slot stands, from bad to good: the outcome of its
// execution where that is known, else its verdict.
var Standings = []string{
	string(events.OutcomeGaveUp), string(events.OutcomeFailed), string(events.VerdictMissed), string(events.VerdictSkipped),
	string(events.VerdictSuperseded), string(events.OutcomeCancelled), string(events.OutcomeRetrying), string(Queued), string(Pending),
	string(events.OutcomeRunning), string(events.OutcomeWaiting), string(events.VerdictDisabled), string(events.VerdictShadow),
	string(events.OutcomeCalled), string(events.OutcomeNotKept), string(Fired), string(CaughtUp), string(events.OutcomeOK),
}

// StandingOf says in one word how a slot stands.
func StandingOf(v events.Ruling, o events.Outcome) string {
	if v != Fired && v != CaughtUp || o == "" || v == CaughtUp && o == events.OutcomeOK {
		return string(v)
	}
	return string(o)
}

func (u *Bucket) stands(at time.Time, as string) {
	if u.As == "" || worse(Standings, as, u.As) {
		u.At, u.As = at, as
	}
}

func worse[T comparable](order []T, a, b T) bool {
	at, than := slices.Index(order, a), slices.Index(order, b)
	return at >= 0 && (than < 0 || at < than)
}

// Sum is a summary to be made.
type Sum struct {
	Timeline events.Timeline
	Facts    Facts
	Outcomes map[string]events.Outcome // by trigger
	After    events.Minute             // the slots of (After, To]
	To       events.Minute
	Width    Width
	Zone     *time.Location
	Limit    int // buckets
}

// Buckets counts all slots, whatever their number, in buckets; those without slots are
// left out. next is the minute to go on after, or 0 when this is the end.
func (s Sum) Buckets() (all []Bucket, next events.Minute) {
	b := newBook(s.Facts)
	all = []Bucket{}
	for after, more := s.After, true; more; {
		p := PageOf(s.Timeline, after, s.To, false)
		for _, pt := range p.points {
			e, ok := b.slot(pt)
			if !ok {
				continue
			}
			if n := len(all); n == 0 || !e.From.Before(all[n-1].To) {
				if n == s.Limit {
					return all, pt.minute - 1
				}
				from, to := s.Width.Around(e.From.In(s.Zone))
				all = append(all, Bucket{From: from.UTC(), To: to.UTC(), Verdicts: map[events.Ruling]int{}})
			}
			all[len(all)-1].add(e, s.Outcomes[e.TriggerID])
		}
		after, more = p.To, p.More
	}
	return all, 0
}

// Join adds another bucket, whose place in a picture is the same one.
func (u *Bucket) Join(o Bucket) {
	if u.From.IsZero() || o.From.Before(u.From) {
		u.From = o.From
	}
	if o.To.After(u.To) {
		u.To = o.To
	}
	u.Slots += o.Slots
	u.Verdicts, u.Outcomes = joined(u.Verdicts, o.Verdicts), joined(u.Outcomes, o.Outcomes)
	if u.Worst == "" || worse(worstVerdict, o.Worst, u.Worst) {
		u.Worst = o.Worst
	}
	if u.Outcome == "" || worse(worstOutcome, o.Outcome, u.Outcome) {
		u.Outcome = o.Outcome
	}
	u.stands(o.At, o.As)
	u.Standing = joined(u.Standing, o.Standing)
	for _, m := range o.Marks {
		if !slices.Contains(u.Marks, m) {
			u.Marks = append(slices.Clip(u.Marks), m)
		}
	}
}

func joined[K comparable](a, b map[K]int) map[K]int {
	sum := maps.Clone(a)
	if sum == nil {
		sum = map[K]int{}
	}
	for k, n := range b {
		sum[k] += n
	}
	return sum
}

func (u *Bucket) add(e Entry, o events.Outcome) {
	u.Slots++
	u.Verdicts[e.Verdict]++
	if u.Worst == "" || worse(worstVerdict, e.Verdict, u.Worst) {
		u.Worst = e.Verdict
	}
	if o != "" {
		if u.Outcomes == nil {
			u.Outcomes = map[events.Outcome]int{}
		}
		u.Outcomes[o]++
		if u.Outcome == "" || worse(worstOutcome, o, u.Outcome) {
			u.Outcome = o
		}
	}
	as := StandingOf(e.Verdict, o)
	u.stands(e.From, as)
	if u.Standing == nil {
		u.Standing = map[string]int{}
	}
	u.Standing[as]++
	if e.Mark != "" && !slices.Contains(u.Marks, e.Mark) {
		u.Marks = append(u.Marks, e.Mark)
	}
}
