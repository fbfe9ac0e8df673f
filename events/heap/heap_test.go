package heap_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"spool.internal/events/heap"
)

type element struct{ key, place int }

// Against a sorted list: any sequence of what a heap can do leaves the least first, and
// every element knows its place.
func TestHeap(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	h := heap.New(func(a, b *element) bool { return a.key < b.key }).Moved(func(e *element, place int) { e.place = place })
	var in []*element
	leave := func(e *element) {
		if e.place != -1 {
			t.Errorf("it is out, and its place is %d", e.place)
		}
		in = slices.DeleteFunc(in, func(o *element) bool { return o == e })
	}
	for step := range 20_000 {
		switch op := random.IntN(10); {
		case op < 4 || len(in) == 0:
			e := &element{key: random.IntN(100)}
			in = append(in, e)
			h.Push(e)
		case op < 6:
			e, _ := h.Pop()
			if e.key != slices.MinFunc(in, func(a, b *element) int { return a.key - b.key }).key {
				t.Fatalf("step %d: popped %d, which is not the least", step, e.key)
			}
			leave(e)
		case op < 7:
			leave(h.Remove(in[random.IntN(len(in))].place))
		case op < 9:
			e := in[random.IntN(len(in))]
			e.key = random.IntN(100)
			h.Fix(e.place)
		default:
			h.Reset(slices.Clone(in))
		}
		if h.Len() != len(in) {
			t.Fatalf("step %d: %d elements, want %d", step, h.Len(), len(in))
		}
		for place, e := range h.All() {
			if e.place != place {
				t.Fatalf("step %d: an element at %d believes to be at %d", step, place, e.place)
			}
		}
		if first, ok := h.First(); ok != (len(in) > 0) || ok && first.key != slices.MinFunc(in, func(a, b *element) int { return a.key - b.key }).key {
			t.Fatalf("step %d: the first is not the least", step)
		}
	}
}

func TestEmpty(t *testing.T) {
	h := heap.New(func(a, b int) bool { return a < b })
	if _, ok := h.First(); ok {
		t.Error("an empty heap has a first element")
	}
	if _, ok := h.Pop(); ok {
		t.Error("an empty heap gave an element")
	}
}

func Example() {
	h := heap.New(func(a, b string) bool { return len(a) < len(b) })
	for _, word := range []string{"minute", "slot", "trigger"} {
		h.Push(word)
	}
	for h.Len() > 0 {
		word, _ := h.Pop()
		fmt.Println(word)
	}
	// Output:
	// slot
	// minute
	// trigger
}
