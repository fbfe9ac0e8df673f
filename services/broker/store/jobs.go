package store

import (
	"bytes"
	"maps"
	"slices"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// jobs counts jobs by the records of JOBS.
type jobs struct {
	all     map[string][]jobRecord // by subject
	removed map[uint64]bool        // sequences
}

type jobRecord struct {
	seq              uint64
	created, deleted bool
}

// JobsKnown is how many jobs there are once the events of JOBS up to Seq have come about.
type JobsKnown struct {
	Seq  uint64 `json:"seq"`
	Live int    `json:"live"`
}

func newJobs() *jobs { return &jobs{map[string][]jobRecord{}, map[uint64]bool{}} }

var (
	jobStem = []byte(jet.JobsPrefix)
	created = []byte(jet.JobsPrefix + string(events.JobCreated)) // the type of the event is spelled like that
	deleted = []byte(jet.JobsPrefix + string(events.JobDeleted))
)

func (j *jobs) take(r record) {
	switch {
	case r.bits != 0:
		j.removed[r.seq] = true
	case bytes.HasPrefix(r.subject, jobStem):
		of := string(r.subject)
		j.all[of] = append(j.all[of], jobRecord{r.seq, bytes.Contains(r.headers, created), bytes.Contains(r.headers, deleted)})
	}
}

func (j *jobs) add(other *jobs) {
	for subject, list := range other.all {
		j.all[subject] = append(j.all[subject], list...)
	}
	maps.Copy(j.removed, other.removed)
}

// fewer gives how many of the jobs that were there at a time are there no more though
// nobody has deleted them since.
func (j *jobs) fewer(k JobsKnown) int {
	there, since := 0, 0
	for _, list := range j.all {
		list = slices.DeleteFunc(slices.Clone(list), func(r jobRecord) bool { return j.removed[r.seq] })
		if len(list) == 0 {
			continue
		}
		newest := slices.MaxFunc(list, func(a, b jobRecord) int { return int(int64(a.seq) - int64(b.seq)) })
		switch {
		case newest.deleted:
			if newest.seq > k.Seq {
				since++
			}
		case !slices.ContainsFunc(list, func(r jobRecord) bool { return r.created && r.seq > k.Seq }):
			there++
		}
	}
	return max(0, k.Live-there-since)
}

// live counts the jobs.
func (j *jobs) live() JobsKnown {
	var k JobsKnown
	for _, list := range j.all {
		var newest jobRecord
		for _, r := range list {
			if r.seq > newest.seq && !j.removed[r.seq] {
				newest = r
			}
			k.Seq = max(k.Seq, r.seq)
		}
		if newest.seq > 0 && !newest.deleted {
			k.Live++
		}
	}
	return k
}
