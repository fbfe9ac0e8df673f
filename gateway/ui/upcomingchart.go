package ui

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"spool.internal/events/sorting"
	"spool.internal/events/why"
	"spool.internal/gateway/v2"
)

// chart draws slots to come: jobs down, time across, in parts of a hundred.
type chart struct {
	Rows  []chartRow
	Busy  []block // times at which runs overlap
	Ticks []tick
	Load  []pillar
	Left  int // jobs that have no row
	Most  int // runs at once

	mostAt time.Time
}

// pillar says how many run at once in a part of the time.
type pillar struct {
	block
	Y, Height int
}

// Sizes of the pillars.
const (
	pillars      = 96
	pillarHeight = 30
)

type chartRow struct {
	ID, Name string
	Usual    *int64
	Blocks   []block
	Words    string // what it shows, for who does not see it
}

// block is a part of the time: X and Width are percentages.
type block struct {
	X, Width string
	Level    int // of overlaps: how many at once, up to 4
	Words    string
}

type tick struct{ X, Text string }

// seen is the part of the time, one in so many, below which it is not shaded.
const seen = 400

// thinnest is the width of a block at least, in percent: less is not seen.
const thinnest = 0.25

// span is a run to come, as long as it usually takes.
type span struct {
	from, to time.Time
	job      int // its place in a list
}

// overlaps says which runs overlap.
type overlaps struct {
	with   [][]string // of each slot: the names of other jobs
	open   []int      // of each slot: how many run when it starts, with itself
	busy   []busy
	most   int
	mostAt time.Time
}

// busy is a time at which as many run at once.
type busy struct {
	from, to time.Time
	runs     int
}

// mostOthers bounds how many overlapping jobs are kept of one slot.
const mostOthers = 20

// overlapsOf compares slots, which are in the order of their times.
func overlapsOf(slots []v2.UpcomingSlot) overlaps {
	o := overlaps{with: make([][]string, len(slots))}
	var open []span // that run at the time that is looked at
	var edges []span
	for i, s := range slots {
		is := span{s.Slot, s.Slot.Add(usual(s)), i}
		open = slices.DeleteFunc(open, func(other span) bool { return !other.to.After(is.from) && !other.from.Equal(is.from) })
		for _, other := range open {
			if slots[other.job].ID == s.ID {
				continue
			}
			o.add(i, slots[other.job].Name)
			o.add(other.job, s.Name)
		}
		open = append(open, is)
		o.open = append(o.open, len(open))
		edges = append(edges, is)
		if len(open) > o.most {
			o.most, o.mostAt = len(open), is.from
		}
	}
	o.busy = busyOf(edges)
	return o
}

func (o *overlaps) add(slot int, name string) {
	if list := o.with[slot]; len(list) < mostOthers && !slices.Contains(list, name) {
		o.with[slot] = append(list, name)
	}
}

func usual(s v2.UpcomingSlot) time.Duration {
	if s.UsualMS == nil {
		return 0
	}
	return time.Duration(*s.UsualMS) * time.Millisecond
}

// busyOf gives the times at which two runs or more go on.
func busyOf(runs []span) (list []busy) {
	type edge struct {
		at   time.Time
		step int
	}
	var edges []edge
	for _, r := range runs {
		edges = append(edges, edge{r.from, 1}, edge{r.to, -1})
	}
	sorting.By(edges, func(a, b edge) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.step, b.step)) })
	n := 0
	for i, e := range edges {
		n += e.step
		if n < 2 || i+1 == len(edges) || !edges[i+1].at.After(e.at) {
			continue
		}
		list = append(list, busy{e.at, edges[i+1].at, n})
	}
	return list
}

func chartOf(slots []v2.UpcomingSlot, o overlaps, from, to time.Time, zone *time.Location) chart {
	length := to.Sub(from)
	c := chart{Most: o.most, mostAt: o.mostAt, Ticks: ticks(from, to, zone), Load: load(slots, o, from, length)}
	at := func(t time.Time) float64 { return min(100, max(0, 100*float64(t.Sub(from))/float64(length))) }
	for _, b := range merged(o.busy, length) {
		if b.to.Sub(b.from) < length/seen { // it shows in the pillars
			continue
		}
		c.Busy = append(c.Busy, block{percent(at(b.from)), percent(max(thinnest, at(b.to)-at(b.from))), min(b.runs, 4), why.Number(b.runs) + " at once"})
	}
	places := map[string]int{}
	ends := []float64{}
	times := [][]time.Time{}
	for _, s := range slots {
		n, known := places[s.ID]
		if !known {
			n = len(places)
			places[s.ID] = n
			if n < upcomingJobs {
				c.Rows = append(c.Rows, chartRow{ID: s.ID, Name: s.Name, Usual: s.UsualMS})
				ends, times = append(ends, -1), append(times, nil)
			}
		}
		if n >= upcomingJobs {
			continue
		}
		times[n] = append(times[n], s.Slot)
		x := at(s.Slot)
		width := max(thinnest, at(s.Slot.Add(usual(s)))-x)
		row := &c.Rows[n]
		if x < ends[n]+thinnest/2 && len(row.Blocks) > 0 { // they cannot be told apart
			last := &row.Blocks[len(row.Blocks)-1]
			begun, _ := strconv.ParseFloat(strings.TrimSuffix(last.X, "%"), 64)
			last.Width = percent(x + width - begun)
		} else {
			row.Blocks = append(row.Blocks, block{X: percent(x), Width: percent(width), Words: s.Slot.In(zone).Format("Mon 15:04")})
		}
		ends[n] = x + width
	}
	for n := range c.Rows {
		c.Rows[n].Words = starts(times[n], zone)
	}
	c.Left = max(0, len(places)-upcomingJobs)
	return c
}

// load says how many run at once in each part of a window, at most.
func load(slots []v2.UpcomingSlot, o overlaps, from time.Time, length time.Duration) (list []pillar) {
	var most [pillars]int
	part := func(t time.Time) int { return min(pillars-1, max(0, int(pillars*t.Sub(from)/length))) }
	for i, s := range slots {
		first := part(s.Slot)
		most[first] = max(most[first], o.open[i])
	}
	for _, b := range o.busy {
		for n := part(b.from); n <= part(b.to); n++ {
			most[n] = max(most[n], b.runs)
		}
	}
	for n, runs := range most {
		if runs == 0 {
			continue
		}
		height := max(2, pillarHeight*runs/max(o.most, 1))
		list = append(list, pillar{block{
			percent(100 * float64(n) / pillars), percent(90.0 / pillars), min(runs, 4), why.Number(runs) + " at once",
		}, pillarHeight - height + 2, height})
	}
	return list
}

// merged joins busy times that are too short to be drawn each.
func merged(list []busy, length time.Duration) (joined []busy) {
	short := length / seen
	for _, b := range list {
		if n := len(joined); n > 0 && b.from.Sub(joined[n-1].to) < short && (b.runs == joined[n-1].runs || b.to.Sub(joined[n-1].from) < short) {
			joined[n-1].to, joined[n-1].runs = b.to, max(b.runs, joined[n-1].runs)
			continue
		}
		joined = append(joined, b)
	}
	return joined
}

// starts says when a job starts in a window.
func starts(times []time.Time, zone *time.Location) string {
	const named = 3
	var words []string
	for _, t := range times[:min(len(times), named)] {
		words = append(words, t.In(zone).Format("Mon 15:04"))
	}
	text := "starts " + strings.Join(words, ", ")
	if more := len(times) - named; more > 0 {
		text += " and " + why.Count(more, "time") + " more"
	}
	return text
}

// ticks are round times of a window, at most ten.
func ticks(from, to time.Time, zone *time.Location) (list []tick) {
	step := 5 * time.Minute
	for _, wider := range []time.Duration{10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080, 40320} {
		if to.Sub(from) <= 9*step {
			break
		}
		step = wider * time.Minute
	}
	layout := "15:04"
	if step >= 24*time.Hour {
		layout = "2 Jan"
	} else if to.Sub(from) > 25*time.Hour {
		layout = "Mon 15:04"
	}
	local := from.In(zone)
	midnight := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, zone)
	for at := midnight; at.Before(to) && len(list) < 12; at = at.Add(step) {
		if x := 100 * float64(at.Sub(from)) / float64(to.Sub(from)); x >= 0 && x < 97 {
			list = append(list, tick{percent(x), at.In(zone).Format(layout)})
		}
	}
	return list
}

// percent writes a part of the width.
func percent(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) + "%" }
