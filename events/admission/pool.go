package admission

import (
	"container/list"
	"sync/atomic"

	"spool.internal/events/heap"
)

// Pool is the connections of a listener, grouped by caller. It is not safe for
// concurrent use. What it evicts it has removed; the listener closes it.
type Pool struct {
	size      int
	n         int
	groups    map[string]*group
	anonymous *heap.Heap[*group] // the groups of anonymous callers, the largest first
}

// Entry is one connection in a pool.
type Entry struct {
	Busy  atomic.Bool // a request is in progress; may be set at any time by anybody
	Close func()      // ends the connection, without blocking

	group *group // nil: not in the pool
	place *list.Element
}

// Caller is whom the connection is counted as; zero outside of a pool.
func (e *Entry) Caller() Caller {
	if e.group == nil {
		return Caller{}
	}
	return e.group.caller
}

type group struct {
	caller  Caller
	entries list.List // of *Entry, the oldest in front
	index   int       // in the heap
}

// NewPool makes an empty pool for so many connections.
func NewPool(size int) *Pool {
	larger := func(a, b *group) bool { return a.entries.Len() > b.entries.Len() }
	return &Pool{
		size: size, groups: map[string]*group{},
		anonymous: heap.New(larger).Moved(func(g *group, place int) { g.index = place }),
	}
}

// Len is how many connections are in the pool.
func (p *Pool) Len() int { return p.n }

// Add adds a connection, and gives the one that it evicts, if any. ok is false
// when each of the others has a request in progress for a caller that is known.
func (p *Pool) Add(e *Entry, who Caller) (evicted *Entry, ok bool) {
	if g := p.groups[who.Key]; g != nil && who.Rank == Anonymous && g.entries.Len() >= share(p.size) {
		evicted = g.oldest(nil, false)
		p.Remove(evicted)
	} else if p.n >= p.size {
		if evicted = p.Evict(); evicted == nil {
			return nil, false
		}
	}
	p.join(e, who)
	return evicted, true
}

// Reassign counts a connection as another caller's from now on. A caller that has
// too many loses its oldest idle one; ok is false, and nothing changed, when
// none is idle.
func (p *Pool) Reassign(e *Entry, who Caller) (evicted *Entry, ok bool) {
	if e.group == nil || e.group.caller == who {
		return nil, true
	}
	if g := p.groups[who.Key]; g != nil && g.entries.Len() >= share(p.size) && who.Rank != Service {
		if evicted = g.oldest(e, who.Rank != Anonymous); evicted == nil {
			return nil, false
		}
		p.Remove(evicted)
	}
	p.Remove(e)
	p.join(e, who)
	return evicted, true
}

func (p *Pool) join(e *Entry, who Caller) {
	g := p.groups[who.Key]
	if g == nil {
		g = &group{caller: who}
		p.groups[who.Key] = g
		if who.Rank == Anonymous {
			p.anonymous.Push(g)
		}
	}
	e.group, e.place = g, g.entries.PushBack(e)
	p.n++
	if who.Rank == Anonymous {
		p.anonymous.Fix(g.index)
	}
}

// Remove removes a connection, unless that has happened.
func (p *Pool) Remove(e *Entry) {
	g := e.group
	if g == nil {
		return
	}
	g.entries.Remove(e.place)
	e.group, e.place = nil, nil
	p.n--
	empty := g.entries.Len() == 0
	if empty {
		delete(p.groups, g.caller.Key)
	}
	switch {
	case g.caller.Rank != Anonymous:
	case empty:
		p.anonymous.Remove(g.index)
	default:
		p.anonymous.Fix(g.index)
	}
}

// Evict removes the connection that is missed least: the oldest of the anonymous
// caller that has most, or else the oldest idle one of whoever has most. Nil: there
// is none.
func (p *Pool) Evict() *Entry {
	var victim *Entry
	if g, ok := p.anonymous.First(); ok {
		victim = g.oldest(nil, false)
	} else {
		most := 0
		for _, g := range p.groups {
			if n := g.entries.Len(); n > most {
				if e := g.oldest(nil, true); e != nil {
					victim, most = e, n
				}
			}
		}
	}
	if victim != nil {
		p.Remove(victim)
	}
	return victim
}

// oldest finds the oldest connection except one.
func (g *group) oldest(except *Entry, idle bool) *Entry {
	for el := g.entries.Front(); el != nil; el = el.Next() {
		if e := el.Value.(*Entry); e != except && (!idle || !e.Busy.Load()) { //nolint:forcetypeassert // nothing else is in the list
			return e
		}
	}
	return nil
}
