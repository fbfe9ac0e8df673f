package watcher

import (
	"slices"
	"sync"
	"testing"
	"time"
)

func TestQueueGivesAFolderToOneWorkerAtATime(t *testing.T) {
	q := newQueue()
	const folders, turns = 5, 200
	var mu sync.Mutex
	held, count := map[*folder]bool{}, map[*folder]int{}
	finished := make(chan struct{}, folders*turns)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for f := q.pop(); f != nil; f = q.pop() {
				mu.Lock()
				if held[f] {
					t.Error("a folder is in two hands")
				}
				held[f] = true
				mu.Unlock()
				q.push(f) // as a hint would
				mu.Lock()
				held[f] = false
				count[f]++
				done := count[f] == turns
				mu.Unlock()
				if done {
					finished <- struct{}{}
				}
				q.done(f, time.Hour) // but it was hinted: at once
			}
		})
	}
	for range folders {
		q.push(&folder{})
	}
	for range folders {
		<-finished
	}
	q.close()
	all.Wait()
}

func TestQueueIsRoundRobin(t *testing.T) {
	q := newQueue()
	a, b := &folder{}, &folder{}
	q.push(a)
	q.push(a)
	q.push(b)
	var got []*folder
	for range 6 {
		f := q.pop()
		got = append(got, f)
		q.done(f, 0) // always something left to do
	}
	if want := []*folder{a, b, a, b, a, b}; !slices.Equal(got, want) {
		t.Error("two folders do not take turns")
	}
	q.retire(q.pop())
	q.push(a)
	q.done(q.pop(), 0)
	if f := q.pop(); f != b {
		t.Errorf("a retired folder comes again")
	}
}
