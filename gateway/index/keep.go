package index

import "time"

// How long an execution waits for word of its run, until it counts as not kept; and
// a run that has told of itself for the result of its call.
const (
	wordWithin   = 10 * time.Minute
	resultWithin = time.Hour
)

// keep forgets what the streams have dropped, and gives up on what will not come: first is
// the sequence of the oldest result that is kept.
func (h *history) keep(first uint64, now time.Time) {
	h.log.trim(first, func(e *entry) {
		h.live--
		if s := h.of(e.number()); s.count > 0 {
			s.count--
		}
	})
	for job, s := range h.jobs {
		if s.newest != 0 && s.newest-1 < h.log.first {
			s.newest = 0
		}
		if s.finished != 0 && s.finished-1 < h.log.first {
			h.finish(&s, 0)
		}
		h.jobs[job] = s
	}
	if h.whole { // else it may be to come
		h.giveUp(now)
	}
	for job, list := range h.early {
		var kept []run
		for _, ev := range list {
			if now.Sub(ev.at) < resultWithin {
				kept = append(kept, ev)
			}
		}
		if h.early[job] = kept; len(kept) == 0 {
			delete(h.early, job)
			h.of(job).early = false
		}
	}
	if h.log.len()-h.live > max(2*chunkSize, h.live/4) {
		h.compact()
	}
}

// giveUp has executions count as not kept whose runs have said nothing for too long.
func (h *history) giveUp(now time.Time) {
	since := seconds(now.Add(-wordWithin))
	for job, o := range h.open {
		kept := o.places[:0]
		for _, place := range o.places {
			switch {
			case place < h.log.first:
				continue
			case h.log.at(place).run() == none && h.log.at(place).stored < since:
				h.log.at(place).set(notKept, none)
				s := h.of(job)
				if _, last, ok := h.before(s.finished); !ok || last.at <= h.log.at(place).at {
					h.finish(s, place+1)
				}
				continue
			}
			kept = append(kept, place)
		}
		h.open[job] = open{places: kept}
		if len(kept) == 0 {
			delete(h.open, job)
			h.of(job).open = false
		}
	}
}

// compact takes out what is dead, or more than the stream keeps of its job.
func (h *history) compact() {
	seen := make([]uint32, len(h.jobs))
	for place := h.log.next; place > h.log.first; {
		place--
		e := h.log.at(place)
		if e.dead() {
			continue
		}
		n := e.number()
		if seen[n]++; h.perJob > 0 && int(seen[n]) > h.perJob {
			e.states = 0
		}
	}
	clear(h.open)
	for i := range h.jobs {
		h.jobs[i] = standing{failed: h.jobs[i].failed, early: h.jobs[i].early}
	}
	h.live = 0
	h.log.compact(func(e *entry, place uint32) {
		s := &h.jobs[e.number()]
		e.prev, s.newest = s.newest, place+1
		s.count++
		h.live++
		h.settle(place)
	})
}

// forget takes out all executions of a job.
func (h *history) forget(job uint32) {
	s := h.of(job)
	for ref := s.newest; ; {
		_, e, ok := h.before(ref)
		if !ok {
			break
		}
		if ref = e.prev; !e.dead() {
			e.states = 0
			h.live--
		}
	}
	*s = standing{}
	delete(h.open, job)
	delete(h.early, job)
}
