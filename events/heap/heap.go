// Package heap is a priority queue of any type: [container/heap] without a type and
// five methods for each user of it.
//
//	due := heap.New(func(a, b *job) bool { return a.next < b.next })
//	due.Push(j)
//	first, ok := due.First()
//
// It is not safe for concurrent use. Where an element must be removed or moved while it
// is not the first, [Moved] has the user keep its place.
package heap

import "container/heap"

// Heap holds elements, the least of them first. Make one with [New].
type Heap[T any] struct{ list list[T] }

// New makes an empty heap in the order of less. Elements that are alike come in any order.
func New[T any](less func(a, b T) bool) *Heap[T] {
	return &Heap[T]{list[T]{less: less, moved: func(T, int) {}}}
}

// Moved has f told of the place of an element whenever it changes: what [Heap.Fix] and
// [Heap.Remove] need. A place of -1 says that the element is out. Call it while the
// heap is empty.
func (h *Heap[T]) Moved(f func(v T, place int)) *Heap[T] {
	h.list.moved = f
	return h
}

// Len returns how many elements there are.
func (h *Heap[T]) Len() int { return len(h.list.all) }

// First returns the least element and leaves it there; ok is false if there is none.
func (h *Heap[T]) First() (least T, ok bool) {
	if len(h.list.all) == 0 {
		return least, false
	}
	return h.list.all[0], true
}

// All returns the elements in the order of the heap, which only begins with the least:
// until the heap changes, and for reading, or for a change that leaves the order as it is.
func (h *Heap[T]) All() []T { return h.list.all }

// Push adds an element, in O(log n).
func (h *Heap[T]) Push(v T) { heap.Push(&h.list, v) }

// Pop removes the least element; ok is false if there is none.
func (h *Heap[T]) Pop() (least T, ok bool) {
	if len(h.list.all) == 0 {
		return least, false
	}
	return heap.Pop(&h.list).(T), true
}

// Fix restores the order after the element at the place has changed. The first is at 0.
func (h *Heap[T]) Fix(place int) { heap.Fix(&h.list, place) }

// Remove takes out the element at the place.
func (h *Heap[T]) Remove(place int) T { return heap.Remove(&h.list, place).(T) }

// Reset has the heap hold exactly these elements, in O(n). It keeps the slice.
func (h *Heap[T]) Reset(all []T) {
	h.list.all = all
	for i, v := range all {
		h.list.moved(v, i)
	}
	heap.Init(&h.list)
}

type list[T any] struct {
	all   []T
	less  func(a, b T) bool
	moved func(T, int)
}

func (l *list[T]) Len() int           { return len(l.all) }
func (l *list[T]) Less(i, k int) bool { return l.less(l.all[i], l.all[k]) }

func (l *list[T]) Swap(i, k int) {
	l.all[i], l.all[k] = l.all[k], l.all[i]
	l.moved(l.all[i], i)
	l.moved(l.all[k], k)
}

func (l *list[T]) Push(v any) {
	l.all = append(l.all, v.(T))
	l.moved(v.(T), len(l.all)-1)
}

func (l *list[T]) Pop() any {
	last := len(l.all) - 1
	v := l.all[last]
	var zero T
	l.all[last] = zero // it is to be collected once its user drops it
	l.all = l.all[:last]
	l.moved(v, -1)
	return v
}
