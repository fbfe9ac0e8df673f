package ui

import (
	"slices"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/sorting"
	"spool.internal/gateway/index"
)

// defaultSort is the order of the list where its address names none.
const defaultSort = index.ByName

// jobsFilter is what stands above the list of jobs: which are shown, and what else there is.
type jobsFilter struct {
	Text     string
	Chips    []chip
	More     []chip // less often used
	MoreOn   bool
	Kept     []hidden // of the query, in the form of the search
	Sort     string
	Orders   []option
	Jobs     int // of the owner
	Matching int // by what is known from the counts
	Total    int
	Filtered bool
	After    bool
	Columns  map[string]column
	Newest   string // the list with the newest job on top
}

// chip is a link that narrows a list, or takes back what narrows it.
type chip struct {
	Href, Text string
	Count      int // -1: is not said
	Mark       string
	On         bool
	Stays      bool // one of these is always on
}

// hidden is a field of a form that nobody sees.
type hidden struct{ Name, Value string }

// column is the head of a column that can be sorted by.
type column struct{ Text, Href, Sorted string }

// orders of the list, in the words of a person.
var orders = []option{
	{Value: index.ByName, Text: "name"},
	{Value: index.ByNext, Text: "next run"},
	{Value: "-" + index.ByLast, Text: "last run"},
	{Value: index.ByOutcome, Text: "worst first"},
	{Value: "-" + index.ByCreated, Text: "newest job"},
	{Value: index.ByCreated, Text: "oldest job"},
}

// chipStates are the states with a link of their own where a job is in them.
var chipStates = []string{
	index.StateFailing, string(events.OutcomeRunning), string(events.OutcomeWaiting), string(events.OutcomeRetrying),
	index.StateNeverRan, index.StateDisabled,
}

// filterKeys are what narrows the list, and no link of its own turns on; they can be taken back.
var filterKeys = []struct{ key, text string }{
	{"tag", "tag"},
	{"key", "key"},
	{"managed_by", "managed by"},
	{"status", "status"},
	{"last_result", "last call"},
	{"failed_since", "failed since"},
	{"next_before", "runs before"},
}

func (u *UI) jobsFilterOf(c *call) (jobsFilter, error) {
	counts, err := u.tally(c)
	if err != nil {
		return jobsFilter{}, err
	}
	f := jobsFilter{Text: c.query.Get("q"), Jobs: counts.Jobs, After: c.query.Get("after") != ""}
	state, mode := c.query.Get("state"), c.query.Get("mode")
	switch {
	case state != "":
		f.Matching = counts.States[state]
	case mode != "":
		f.Matching = counts.Modes[mode]
	default:
		f.Matching = counts.Meet
	}
	f.Chips = append(f.Chips, chip{Href: c.at("state", "", "mode", ""), Text: "all", Count: counts.Meet, On: state == "" && mode == "", Stays: true})
	states := chipStates
	if state != "" && !slices.Contains(states, state) {
		states = append(slices.Clone(states), state)
	}
	for _, s := range states {
		if n := counts.States[s]; n > 0 || s == state {
			f.Chips = append(f.Chips, c.chip("state", s, word(s), n))
			f.Chips[len(f.Chips)-1].Mark = s
		}
	}
	for _, m := range []struct{ mode, text string }{{index.ModeCron, "by the clock"}, {index.ModeAutomatic, "files"}} {
		if n := counts.Modes[m.mode]; n > 0 && n < counts.Meet || m.mode == mode {
			f.Chips = append(f.Chips, c.chip("mode", m.mode, m.text, n))
		}
	}
	f.More = c.moreChips()
	f.Sort = c.query.Get("sort")
	if f.Sort == "" {
		f.Sort = defaultSort
	}
	f.MoreOn = slices.ContainsFunc(f.More, func(more chip) bool { return more.On })
	f.Filtered = f.Text != "" || state != "" || mode != "" || f.MoreOn
	f.Newest = c.at("sort", "-"+index.ByCreated)
	f.sorting(c)
	return f, nil
}

// sorting says in which order the list is, and how it could be.
func (f *jobsFilter) sorting(c *call) {
	for _, o := range orders {
		o.Chosen = o.Value == f.Sort
		f.Orders = append(f.Orders, o)
	}
	if !slices.ContainsFunc(f.Orders, func(o option) bool { return o.Chosen }) {
		f.Orders = append(f.Orders, option{Value: f.Sort, Text: word(f.Sort), Chosen: true})
	}
	f.Columns = map[string]column{}
	for text, first := range map[string]string{"Job": index.ByName, "Last": index.ByOutcome, "Next": index.ByNext} {
		is := column{Text: text, Href: c.at("sort", first)}
		switch f.Sort {
		case first:
			is.Sorted, is.Href = "ascending", c.at("sort", "-"+first)
		case "-" + first:
			is.Sorted = "descending"
		}
		f.Columns[text] = is
	}
	for key, values := range c.query {
		if !slices.Contains([]string{"q", "sort", "after", "did"}, key) && len(values) == 1 && values[0] != "" {
			f.Kept = append(f.Kept, hidden{key, values[0]})
		}
	}
	sorting.By(f.Kept, func(a, b hidden) int { return len(a.Name) - len(b.Name) })
}

// at is the first page of the list with another value in its query.
func (c *call) at(pairs ...string) string { return c.with(append(pairs, "after", "", "did", "")...) }

// chip makes a link that sets one key, or takes it out where it is set so.
func (c *call) chip(key, value, text string, count int) chip {
	if c.query.Get(key) == value {
		return chip{Href: c.at(key, ""), Text: text, Count: count, On: true}
	}
	return chip{Href: c.at(key, value), Text: text, Count: count}
}

// moreChips are the filters that are on, and those that are asked for less often.
func (c *call) moreChips() (more []chip) {
	for _, f := range filterKeys {
		if v := c.query.Get(f.key); v != "" {
			more = append(more, chip{Href: c.at(f.key, ""), Text: f.text + " " + shortTime(v), Count: -1, On: true})
		}
	}
	for _, v := range index.Verdicts() {
		if v != string(events.VerdictDisabled) {
			more = append(more, c.chip("had", v, word(v)+" a slot in the last day", -1))
		}
	}
	if c.query.Get("failed_since") == "" {
		since := c.now.Add(-24 * time.Hour).UTC().Truncate(time.Minute).Format(time.RFC3339)
		more = append(more, chip{Href: c.at("failed_since", since), Text: "any failure in the last day", Count: -1})
	}
	if c.mayAdminister() {
		more = append(more, c.chip("username", "*", "of all users", -1))
		if name := c.query.Get("username"); name != "" && name != "*" {
			more = append(more, c.chip("username", name, "of "+name, -1))
		}
	}
	return more
}

// shortTime shows a time of a query as people read it, and leaves all else as it is.
func shortTime(s string) string {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC().Format("Mon 2 Jan 15:04 MST")
	}
	return s
}

// tallies are the counts beside the links, which the pages of a moment share: a count looks at
// every job.
type tallies struct {
	mu   sync.Mutex
	kept map[string]tally
}

type tally struct {
	counts index.Counts
	at     time.Time
}

// Bounds of what is kept.
const (
	tallyFor    = 2 * time.Second
	mostTallies = 256
)

// tally counts the jobs that a page means. A page as a whole counts anew; what follows events
// takes what is known.
func (u *UI) tally(c *call) (index.Counts, error) {
	q := c.pass()
	for _, key := range []string{"sort", "limit", "page_token"} {
		q.Del(key)
	}
	id := c.who.Owner + "\n" + string(c.who.Role) + "\n" + q.Encode()
	u.tallies.mu.Lock()
	t, ok := u.tallies.kept[id]
	u.tallies.mu.Unlock()
	if ok && c.cells != nil && c.now.Sub(t.at) < tallyFor {
		return t.counts, nil
	}
	counts, err := u.api.CountJobs(c.who, q)
	if err != nil {
		return counts, err
	}
	u.tallies.mu.Lock()
	defer u.tallies.mu.Unlock()
	if u.tallies.kept == nil || len(u.tallies.kept) >= mostTallies {
		u.tallies.kept = map[string]tally{}
	}
	u.tallies.kept[id] = tally{counts, c.now}
	return counts, nil
}
