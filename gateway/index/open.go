package index

import "slices"

// open is the executions of one job that have not ended, by their places, oldest first.
type open struct {
	places []uint32
	hint   int // where the next is looked for: runs end about in the order in which they were accepted
}

func (o *open) add(place uint32) {
	if i, found := slices.BinarySearch(o.places, place); !found {
		o.places = slices.Insert(o.places, i, place)
	}
}

func (o *open) remove(place uint32) {
	if i, found := slices.BinarySearch(o.places, place); found {
		o.places = slices.Delete(o.places, i, i+1)
		o.hint = i
	}
}

// find gives the first place that f wants.
func (o *open) find(f func(place uint32) bool) (place uint32, found bool) {
	n := len(o.places)
	begin := max(0, min(o.hint, n)-16) // behind those that end late
	for i := range n {
		k := begin + i
		if k >= n {
			k -= n
		}
		if f(o.places[k]) {
			o.hint = k
			return o.places[k], true
		}
	}
	return 0, false
}
