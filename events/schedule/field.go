package schedule

import (
	"iter"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// field is what one field of an expression matches: value v when bit v is set.
// The star is remembered because it changes the rule for days and for clocks.
type field struct {
	bits uint64
	star bool
}

func (f field) has(v int) bool { return f.bits>>v&1 == 1 }

func (f field) count() int { return bits.OnesCount64(f.bits) }

func (f field) values() iter.Seq[int] {
	return func(yield func(int) bool) {
		for rest := f.bits; rest != 0; rest &= rest - 1 {
			if !yield(bits.TrailingZeros64(rest)) {
				return
			}
		}
	}
}

// kind is one of the five positions in an expression.
type kind struct {
	name     string
	min, max int
	names    []string // names[i] means min+i
	sunday   bool     // max+1 is another way to write min
}

var (
	minutes = kind{name: "minute", max: 59}
	hours   = kind{name: "hour", max: 23}
	days    = kind{name: "day of month", min: 1, max: 31}
	months  = kind{name: "month", min: 1, max: 12, names: []string{
		"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
	}}
	weekdays = kind{name: "day of week", max: 6, sunday: true, names: []string{
		"sun", "mon", "tue", "wed", "thu", "fri", "sat",
	}}
)

// between is the set of every step-th value from lo to hi.
func between(lo, hi, step int) uint64 {
	var set uint64
	for v := lo; v <= hi; v += step {
		set |= 1 << v
	}
	return set
}

func (k *kind) all() uint64 { return between(k.min, k.max, 1) }

// text is the canonical text of f. A star is kept, as "*" or as the smallest step
// whose values f has; what is left follows as a list.
func (k *kind) text(f field) string {
	if !f.star {
		return k.list(f.bits)
	}
	step, rest := k.step(f)
	text := "*"
	if step > 1 {
		text += "/" + strconv.Itoa(step)
	}
	if rest != 0 {
		text += "," + k.list(rest)
	}
	return text
}

// step finds the smallest step of f, which begins with a star, and the values that
// it leaves over.
func (k *kind) step(f field) (step int, rest uint64) {
	for step = 1; ; step++ {
		// The step that leaves k.min alone ends the search: a star has k.min.
		if set := between(k.min, k.max, step); set&^f.bits == 0 {
			return step, f.bits &^ set
		}
	}
}

// list writes a set as values and ranges, for example 1-5,8,10-30/5.
func (k *kind) list(set uint64) string {
	var items []string
	values := slices.Collect(field{bits: set}.values())
	for len(values) > 0 {
		n := even(values)
		first, last := strconv.Itoa(values[0]), strconv.Itoa(values[n-1])
		switch {
		case n >= 3 && values[1]-values[0] == 1:
			items = append(items, first+"-"+last)
		case n >= 5:
			items = append(items, first+"-"+last+"/"+strconv.Itoa(values[1]-values[0]))
		default:
			n = 1
			items = append(items, first)
		}
		values = values[n:]
	}
	return strings.Join(items, ",")
}

// even counts how many leading values are equally far apart.
func even(values []int) int {
	n := min(len(values), 2)
	for n < len(values) && values[n]-values[n-1] == values[1]-values[0] {
		n++
	}
	return n
}
