package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
	"spool.internal/events/why"
	"spool.internal/gateway/v2"
	"spool.internal/gateway/v2/slots"
)

// heatDays is how many days a map shows.
const heatDays = 35

// fewSlots is how many slots a day may have whose map has a cell for each day.
const fewSlots = 4

// heat is a map of what became of the slots of a job: weeks by days where a day has few,
// else days by hours. The newest row is the first.
type heat struct {
	Caption string
	Corner  string
	Heads   []string
	Rows    []heatRow
	Legend  []heatCount
	Few     bool     // a row is a week
	Shapes  []string // of marks that it has
}

type heatRow struct {
	Name  string
	Live  string // the cell of the page that it is; empty: it changes no more
	Cells []heatCell
}

// heatCell is one day or hour.
type heatCell struct {
	Is     string // how its worst slot stands; "none", "unkept", "gap", "ahead"
	Count  int    // of slots; shown when there are several
	Words  string // what it is, for who does not see it
	Href   string // where the sentence stands; empty: there is nothing to say
	Clocks bool   // they were changed in it
	Chosen bool   // its sentence is shown
	Head   string // of its column, where a row is broken
}

// heatCount is one way to stand, and how many slots stand so.
type heatCount struct {
	Is    string
	Word  string
	Count int
	Href  string
}

// heatMap draws a summary by hours.
type heatMap struct {
	v2.SlotSummary
	zone   *time.Location
	now    time.Time
	chosen time.Time // zero: none
	id     string    // of the job
	few    bool
	cells  map[time.Time]*slots.Bucket // by the beginning of each cell, by the clocks of the zone
}

// heatFrom is where a map that ends now begins.
func heatFrom(now time.Time, zone *time.Location) time.Time {
	year, month, day := now.In(zone).Date()
	return time.Date(year, month, day-heatDays+1, 0, 0, 0, 0, zone)
}

// newHeat draws what became of the slots up to now. The sentence of the slot chosen is shown beside it.
func newHeat(h jobHead, s v2.SlotSummary, now, chosen time.Time) *heat {
	m := &heatMap{SlotSummary: s, zone: h.Zone, now: now.In(h.Zone), chosen: chosen, id: h.ID, cells: map[time.Time]*slots.Bucket{}}
	m.few = max(m.busiest(), h.comingDay(now)) <= fewSlots
	for _, b := range s.Buckets {
		at := m.cellOf(b.From)
		if m.cells[at] == nil {
			m.cells[at] = &slots.Bucket{}
		}
		m.cells[at].Join(b)
	}
	drawn := &heat{Few: m.few, Legend: m.legend()}
	if m.few {
		m.weeks(drawn)
	} else {
		m.days(drawn)
	}
	drawn.finish(h.ID)
	return drawn
}

// heatLive is how many rows still change: runs end after their day.
const heatLive = 2

// finish says which rows are live, and which marks are used.
func (h *heat) finish(id string) {
	used := map[string]bool{}
	for i := range h.Rows {
		if i < heatLive {
			h.Rows[i].Live = fmt.Sprintf("%s/slots-%d", id, i)
		}
		for _, c := range h.Rows[i].Cells {
			used[c.Is] = used[c.Is] || c.Href != ""
		}
	}
	for _, is := range append([]string{"unkept", "dst_gap", "none"}, slots.Standings...) {
		if used[is] {
			h.Shapes = append(h.Shapes, is)
		}
	}
}

// comingDay is how many slots the next day has: the map of a job that is new has no other.
func (h jobHead) comingDay(now time.Time) (n int) {
	if h.Plan == nil || h.Plan.Slots == nil {
		return 0
	}
	for range h.Plan.Slots.Slots(now, now.Add(24*time.Hour)) {
		if n++; n > fewSlots {
			break
		}
	}
	return n
}

// busiest is how many slots a day has at most.
func (m *heatMap) busiest() (most int) {
	days := map[time.Time]int{}
	for _, b := range m.Buckets {
		day := wallDay(b.From.In(m.zone))
		days[day] += b.Slots
		most = max(most, days[day])
	}
	return most
}

// wall is what clocks show, as if it were UTC: hours that come twice are one.
func wall(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, t.Hour(), 0, 0, 0, time.UTC)
}

func wallDay(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func (m *heatMap) cellOf(t time.Time) time.Time {
	if m.few {
		return wallDay(t.In(m.zone))
	}
	return wall(t.In(m.zone))
}

func (m *heatMap) weeks(h *heat) {
	h.Caption, h.Corner = fmt.Sprintf("Slots of the last %d days, %s", heatDays, m.zone), "Week of"
	h.Heads = []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}
	today, first := wallDay(m.now), wallDay(heatFrom(m.now, m.zone))
	monday := today.AddDate(0, 0, -(int(today.Weekday())+6)%7)
	for ; !monday.AddDate(0, 0, 6).Before(first); monday = monday.AddDate(0, 0, -7) {
		row := heatRow{Name: monday.Format("2 Jan")}
		for n := range 7 {
			day := monday.AddDate(0, 0, n)
			c := m.cell(day, day.AddDate(0, 0, 1), day.Format("Mon 2 Jan"))
			if c.Head = h.Heads[n]; day.Before(first) || day.After(today) {
				c = heatCell{Is: "outside", Head: c.Head, Words: day.Format("Mon 2 Jan") + ", not shown"}
			}
			row.Cells = append(row.Cells, c)
		}
		h.Rows = append(h.Rows, row)
	}
}

func (m *heatMap) days(h *heat) {
	h.Caption, h.Corner = fmt.Sprintf("Slots of the last %d days by hour, %s", heatDays, m.zone), "Day"
	for hour := range 24 {
		h.Heads = append(h.Heads, fmt.Sprintf("%02d", hour))
	}
	today := wallDay(m.now)
	for n := range heatDays {
		day := today.AddDate(0, 0, -n)
		row := heatRow{Name: day.Format("Mon 2 Jan")}
		for hour := range 24 {
			from := day.Add(time.Duration(hour) * time.Hour)
			c := m.cell(from, from.Add(time.Hour), from.Format("Mon 2 Jan 15:04"))
			c.Head = h.Heads[hour]
			row.Cells = append(row.Cells, c)
		}
		h.Rows = append(h.Rows, row)
	}
}

// instant is the first instant at which clocks show a time; ok is false when they never do.
func (m *heatMap) instant(wall time.Time) (at time.Time, ok bool) {
	year, month, day := wall.Date()
	at = time.Date(year, month, day, wall.Hour(), 0, 0, 0, m.zone)
	return at, at.Hour() == wall.Hour() && at.Day() == day
}

// cell draws what came from a time to another, by the clocks.
func (m *heatMap) cell(from, to time.Time, name string) heatCell {
	begins, exists := m.instant(from)
	ends, _ := m.instant(to)
	c := heatCell{Is: "none", Words: name + ", no slot"}
	c.Chosen = !m.chosen.IsZero() && m.cellOf(m.chosen).Equal(from)
	b := m.cells[from]
	switch {
	case b != nil:
		m.fill(&c, b, name)
	case begins.After(m.now):
		c.Is, c.Words = "ahead", name+", still to come"
	case !exists && !m.few:
		c.Is, c.Words, c.Clocks, c.Href = "dst_gap", name+" did not exist, why", true, m.at(begins.Add(-time.Hour))
	case !m.KnownFrom.IsZero() && !ends.After(m.KnownFrom):
		c.Is, c.Words, c.Href = "unkept", name+", not kept, why", m.at(begins)
	case c.Chosen:
		c.Href = m.at(m.chosen)
	}
	return c
}

// fill draws slots.
func (m *heatMap) fill(c *heatCell, b *slots.Bucket, name string) {
	c.Is, c.Count, c.Href = b.As, b.Slots, m.at(b.At)
	c.Clocks = len(b.Marks) > 0
	if b.Slots == 1 {
		name = b.At.In(m.zone).Format("Mon 2 Jan 15:04")
		c.Words = name + ", " + standingWord(b.As)
	} else {
		c.Words = name + ", " + why.Count(b.Slots, "slot") + ": " + strings.Join(standings(b), ", ")
	}
	for _, mark := range b.Marks {
		if c.Words += ", comes twice"; mark == schedule.Gap {
			c.Words = strings.TrimSuffix(c.Words, ", comes twice") + ", in place of a time that did not exist"
		}
	}
	c.Words += ", why"
}

func (m *heatMap) at(t time.Time) string {
	return "/jobs/" + m.id + "?at=" + t.UTC().Format(time.RFC3339)
}

// standings names them, the worst first.
func standings(b *slots.Bucket) (list []string) {
	for _, as := range slots.Standings {
		if n := b.Standing[as]; n > 0 {
			list = append(list, why.Number(n)+" "+standingWord(as))
		}
	}
	return list
}

// legend counts all slots of the map.
func (m *heatMap) legend() (list []heatCount) {
	var sum slots.Bucket
	for _, b := range m.Buckets {
		sum.Join(b)
	}
	for _, as := range slots.Standings {
		if n := sum.Standing[as]; n > 0 {
			list = append(list, heatCount{as, standingWord(as), n, m.listOf(as)})
		}
	}
	return list
}

// listOf is the list of the slots that stand in a way.
func (m *heatMap) listOf(as string) string {
	if slices.Contains(slots.Verdicts, as) {
		return "/jobs/" + m.id + "/slots?verdict=" + as
	}
	return "/jobs/" + m.id + "/runs?kind=cron&outcome=" + as
}

// standingWord says how a slot stands.
func standingWord(as string) string {
	switch as {
	case string(slots.Fired):
		return "started, its end not kept"
	case string(slots.CaughtUp):
		return "started late"
	case string(slots.Pending):
		return "due"
	case string(events.VerdictShadow):
		return "shadowed"
	}
	return word(as)
}
