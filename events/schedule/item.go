package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// parse reads the text of one field, which is not empty and has no spaces.
func (k *kind) parse(text string) (field, error) {
	f := field{star: text[0] == '*' || text[0] == '?'}
	for item := range strings.SplitSeq(text, ",") {
		set, err := k.item(item)
		if err != nil {
			return field{}, err
		}
		f.bits |= set
	}
	return f, nil
}

// item reads one item of a list: a star, a value or a range, perhaps with a step.
func (k *kind) item(item string) (uint64, error) {
	if item == "" {
		return 0, &Error{Field: k.name, Problem: k.name + " has an empty list item", Remedy: "remove the extra comma"}
	}
	if err := k.dialect(item); err != nil {
		return 0, err
	}
	base, text, stepped := strings.Cut(item, "/")
	lo, hi, err := k.span(item, base)
	if err != nil {
		return 0, err
	}
	if !stepped {
		return k.fold(between(lo, hi, 1)), nil
	}
	if lo == hi && !strings.Contains(base, "-") {
		// "5/15" runs on to the end of the field; "7/2" begins on Sunday, which is 0.
		if lo > k.max {
			lo = k.min
		}
		hi = k.max
	}
	step, ok := number(text)
	size := hi - lo + 1
	switch {
	case !ok:
		return 0, k.fault(item, "has no number after the slash", fmt.Sprintf("use a step of 1-%d", size))
	case step == 0:
		return 0, k.fault(item, "has step 0", fmt.Sprintf("use a step of 1-%d", size))
	case step > size:
		only := k.list(k.fold(between(lo, lo, 1)))
		return 0, k.fault(item, fmt.Sprintf("has a step larger than its %d values, so that only %s would match", size, only), "use "+only)
	}
	return k.fold(between(lo, hi, step)), nil
}

// span reads the part of an item before its step.
func (k *kind) span(item, base string) (lo, hi int, err error) {
	switch base {
	case "*", "?":
		return k.min, k.max, nil
	case "":
		return 0, 0, k.fault(item, "has nothing before the slash", `use "*`+item+`"`)
	}
	first, last, ranged := strings.Cut(base, "-")
	if lo, err = k.value(item, first); err != nil || !ranged {
		return lo, lo, err
	}
	if hi, err = k.value(item, last); err != nil {
		return 0, 0, err
	}
	if k.sunday && strings.EqualFold(last, k.names[0]) && lo > hi {
		hi = k.max + 1 // "fri-sun" ends on the Sunday after Friday
	}
	if lo > hi {
		around := k.fold(between(lo, k.limit(), 1)) | between(k.min, hi, 1)
		return 0, 0, k.fault(item, "is a reversed range", "use "+k.list(around))
	}
	return lo, hi, nil
}

// value reads one number or name.
func (k *kind) value(item, text string) (int, error) {
	if v, ok := number(text); ok {
		if v < k.min || v > k.limit() {
			return 0, k.fault(item, fmt.Sprintf("is outside %d-%d", k.min, k.limit()), "")
		}
		return v, nil
	}
	if i := slices.IndexFunc(k.names, func(name string) bool { return strings.EqualFold(name, text) }); i >= 0 {
		return k.min + i, nil
	}
	remedy := fmt.Sprintf("use %d-%d", k.min, k.limit())
	if k.names != nil {
		remedy += " or " + k.names[0] + " to " + k.names[len(k.names)-1]
	}
	return 0, k.fault(item, "is not a value, a range or a step", remedy)
}

// limit is the highest number that may be written.
func (k *kind) limit() int {
	if k.sunday {
		return k.max + 1
	}
	return k.max
}

// fold moves the second Sunday onto the first.
func (k *kind) fold(set uint64) uint64 {
	if k.sunday && set>>(k.max+1)&1 == 1 {
		set = set&^(1<<(k.max+1)) | 1<<k.min
	}
	return set
}

// number reads decimal digits alone: no sign, no space, no underscore.
func number(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil
}
