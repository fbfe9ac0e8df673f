package index

import (
	"time"

	"github.com/google/uuid"
)

// history is the executions that are known, and how each job stands after them. What
// comes twice, or in another order between results and runs, leads to the same.
type history struct {
	log    log
	jobs   []standing // by number
	open   map[uint32]open
	names  map[uint32]uuid.UUID // by place: runs that are to be asked about; nil: they are heard of
	early  map[uint32][]run     // runs that have told of themselves before the result of their call came
	perJob int                  // results that the stream keeps of each job; 0 = any number
	live   int                  // entries that are kept in the stream, as far as is known
	from   time.Time            // all that was stored since is known
	whole  bool                 // all that is kept is known

	results, runs uint64 // the last sequences that were taken in
}

// standing is how a job stands. Places are plus 1, so that 0 is none.
type standing struct {
	newest   uint32  // execution
	finished uint32  // execution that finished last
	failed   uint32  // when one failed last, in seconds since 1970
	count    uint32  // executions, at most perJob
	open     bool    // one has not ended
	early    bool    // runs have told of themselves before their results
	last     outcome // of the execution that finished last: most is judged by that, and it saves a look at the log
}

// result is a result of a job by its head.
type result struct {
	seq     uint64
	stored  time.Time
	job     uint32
	trigger uint64
	kind    uint8
	call    outcome
	slot    uint32 // see [entry]
}

// run is what a run says.
type run struct {
	seq     uint64
	job     uint32
	trigger uint64
	is      outcome
	at      time.Time
	took    uint32
}

func newHistory(perJob int, from time.Time) *history {
	return &history{perJob: perJob, from: from, open: map[uint32]open{}, early: map[uint32][]run{}}
}

// of gives the standing of a job, which grows the table when it is new.
func (h *history) of(job uint32) *standing {
	if n := int(job) + 1; n > len(h.jobs) {
		h.jobs = append(h.jobs, make([]standing, n-len(h.jobs))...)
	}
	return &h.jobs[job]
}

// seen is of for reading.
func (h *history) seen(job uint32) standing {
	if int(job) < len(h.jobs) {
		return h.jobs[job]
	}
	return standing{}
}

// finish has an execution be the one that finished last; 0 is none.
func (h *history) finish(s *standing, ref uint32) {
	if s.finished, s.last = ref, none; ref != 0 {
		s.last = h.log.at(ref - 1).outcome()
	}
}

// before gives the place before an entry of the same job; ok is false where the log has no more.
func (h *history) before(ref uint32) (place uint32, e *entry, ok bool) {
	if ref == 0 || ref-1 < h.log.first {
		return 0, nil, false
	}
	return ref - 1, h.log.at(ref - 1), true
}

// eachOf calls f with the executions of a job, newest first, each trigger once, until f answers false.
func (h *history) eachOf(job uint32, f func(e *entry) bool) {
	var seen []uint64         // of the newest, among which none comes twice: see [history.take]
	var older map[uint64]bool // all, from then on
	for n, ref := 0, h.seen(job).newest; h.perJob == 0 || n < h.perJob; n++ {
		_, e, ok := h.before(ref)
		if !ok {
			return
		}
		ref = e.prev
		if e.dead() || older[e.trace()] {
			continue
		}
		if older != nil {
			older[e.trace()] = true
		} else if seen = append(seen, e.trace()); len(seen) == recent {
			older = map[uint64]bool{}
			for _, t := range seen {
				older[t] = true
			}
		}
		if !f(e) {
			return
		}
	}
}

// recent is how many of its newest executions a trigger is looked for in that has come again.
const recent = 16

func (h *history) find(job uint32, trigger uint64, most int) (place uint32, found bool) {
	ref := h.seen(job).newest
	for n := 0; most == 0 || n < most; n++ {
		place, e, ok := h.before(ref)
		if !ok {
			return 0, false
		}
		if !e.dead() && e.trace() == trigger&traceMask {
			return place, true
		}
		ref = e.prev
	}
	return 0, false
}

// take takes a result in.
func (h *history) take(r result) {
	if r.seq <= h.results {
		return
	}
	h.results = r.seq
	e := newEntry(r)
	if old, found := h.find(r.job, r.trigger, recent); found {
		o := h.log.at(old)
		e.set(r.call, o.run())
		if o.run() != none {
			e.at, e.took = o.at, o.took
		}
		h.kill(old)
	}
	s := h.of(r.job)
	e.prev = s.newest
	place := h.log.add(e)
	s.newest = place + 1
	if h.perJob == 0 || int(s.count) < h.perJob {
		s.count++
		h.live++
	}
	h.settle(place)
	for i, ev := range h.early[r.job] {
		if ev.trigger&traceMask == r.trigger&traceMask {
			if h.early[r.job] = append(h.early[r.job][:i], h.early[r.job][i+1:]...); len(h.early[r.job]) == 0 {
				delete(h.early, r.job)
				s.early = false
			}
			h.advance(place, ev)
			break
		}
	}
}

// kill takes an execution out whose trigger has a newer result.
func (h *history) kill(place uint32) {
	e := h.log.at(place)
	job := e.number()
	h.close(job, place)
	e.states = 0
	s := h.of(job)
	s.count--
	h.live--
	if s.finished == place+1 {
		h.refinish(job)
	}
}

// told takes in what a run says. late: its result has been taken in, if it is kept.
func (h *history) told(ev run, late bool) {
	h.runs = max(h.runs, ev.seq)
	match := func(place uint32) bool { return h.log.at(place).trace() == ev.trigger&traceMask }
	place, found := uint32(0), false
	if o, ok := h.open[ev.job]; ok {
		place, found = o.find(match)
		h.open[ev.job] = o
	}
	if !found {
		place, found = h.find(ev.job, ev.trigger, recent)
	}
	if found {
		h.advance(place, ev)
		return
	}
	if late {
		return
	}
	for i, old := range h.early[ev.job] {
		if old.trigger == ev.trigger {
			if old.is.open() {
				h.early[ev.job][i] = ev
			}
			return
		}
	}
	h.early[ev.job] = append(h.early[ev.job], ev)
	h.of(ev.job).early = true
}

// close takes an execution out of those of a job that have not ended.
func (h *history) close(job, place uint32) {
	s := h.of(job)
	if !s.open {
		return
	}
	o := h.open[job]
	if o.remove(place); len(o.places) > 0 {
		h.open[job] = o
		return
	}
	delete(h.open, job)
	s.open = false
}

// advance has an execution stand as its run says. What has ended stays so.
func (h *history) advance(place uint32, ev run) {
	e := h.log.at(place)
	if was := e.run(); was != none && (!was.open() || seconds(ev.at) < e.at || was != waiting && ev.is == waiting) {
		return
	}
	e.set(e.call(), ev.is)
	e.at, e.took = seconds(ev.at), ev.took
	h.settle(place)
}

// settle has the job of an execution stand as that says.
func (h *history) settle(place uint32) {
	e := h.log.at(place)
	job, is := e.number(), e.outcome()
	s := h.of(job)
	if is.open() {
		o := h.open[job]
		o.add(place)
		h.open[job], s.open = o, true
		if s.finished == place+1 {
			h.refinish(job)
		}
		return
	}
	h.close(job, place)
	if is.bad() {
		s.failed = max(s.failed, e.at)
	}
	if _, last, ok := h.before(s.finished); !ok || last.at <= e.at {
		h.finish(s, place+1)
	} else if s.finished == place+1 {
		h.refinish(job)
	}
}

// refinish looks anew for the execution of a job that finished last.
func (h *history) refinish(job uint32) {
	s := h.of(job)
	h.finish(s, 0)
	ref := s.newest
	for n := 0; n < max(h.perJob, 1000); n++ {
		place, e, ok := h.before(ref)
		if !ok {
			return
		}
		if ref = e.prev; e.dead() || e.outcome().open() {
			continue
		}
		if _, last, ok := h.before(s.finished); !ok || last.at < e.at {
			h.finish(s, place+1)
		}
	}
}
