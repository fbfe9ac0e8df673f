package index

import (
	"strings"
	"time"
	"unique"

	"github.com/google/uuid"

	"spool.internal/events"
)

// job is what lists ask about a job.
type job struct {
	id        uuid.UUID
	known     bool // else only its results are known yet
	enabled   bool
	automatic bool
	owner     string
	folded    string // the name, in lower case
	created   int64  // ns since 1970
	effective int64  // no slot up to then is its own, in seconds since 1970
	timing    *timing
	labels    *labels // nil: it has none
}

// labels are shared by the jobs that have the same.
type labels struct {
	tags           []string
	key, managedBy string
	folded         string // all of them in lower case, between line breaks
}

// jobs is a table of all jobs, which have numbers.
type jobs struct {
	numbers map[uuid.UUID]uint32
	all     []*job
	timings map[events.When]*timing
	labels  map[string]*labels
	zone    *time.Location // of jobs that name none
}

func newJobs(zone *time.Location) *jobs {
	return &jobs{numbers: map[uuid.UUID]uint32{}, timings: map[events.When]*timing{}, labels: map[string]*labels{}, zone: zone}
}

// number gives the number of a job, which is entered when it is new; ok is false for what is no job.
func (t *jobs) number(id string) (n uint32, ok bool) {
	u, err := uuid.Parse(id)
	if err != nil {
		return 0, false
	}
	n, ok = t.numbers[u]
	if !ok && len(t.all) < 1<<24 {
		n, ok = uint32(len(t.all)), true
		t.numbers[u] = n
		t.all = append(t.all, &job{id: u})
	}
	return n, ok
}

// find gives the number of a job that is known.
func (t *jobs) find(id string) (n uint32, ok bool) {
	u, err := uuid.Parse(id)
	if err != nil {
		return 0, false
	}
	n, ok = t.numbers[u]
	return n, ok && t.all[n].known
}

// apply takes a revision of a job in.
func (t *jobs) apply(rev events.JobRevision, minute events.Minute) {
	stored := rev.Event.Job
	n, ok := t.number(stored.ID)
	if !ok {
		return
	}
	j := t.all[n]
	t.release(j)
	if rev.Gone() {
		*j = job{id: j.id}
		return
	}
	l := stored.Labels()
	*j = job{
		id: j.id, known: true, enabled: stored.Status == events.Enabled, automatic: l.Schedule == "",
		owner: unique.Make(stored.Username).Value(), folded: fold(stored.Name), created: stored.CreatedOnNS,
		effective: stored.EffectiveFrom.Unix(), timing: t.timed(l.When, minute), labels: t.labelled(stored, l.Tags),
	}
}

// fold gives a text in lower case, and the text itself where it is that.
func fold(s string) string { return strings.ToLower(s) }

func (t *jobs) timed(w events.When, minute events.Minute) *timing {
	if w.Schedule == "" {
		return nil
	}
	shared, ok := t.timings[w]
	if !ok {
		slots, err := w.Slots(t.zone)
		if err != nil {
			return nil // another version stored it, or has another database of zones
		}
		shared = &timing{When: w, slots: slots}
		shared.refresh(minute)
		t.timings[w] = shared
	}
	shared.jobs++
	return shared
}

func (t *jobs) labelled(j events.Job, tags []string) *labels {
	if len(tags) == 0 && j.Key == "" && j.ManagedBy == "" {
		return nil
	}
	made := &labels{tags: tags, key: j.Key, managedBy: j.ManagedBy, folded: fold(strings.Join(append([]string{j.Key}, tags...), "\n"))}
	if j.Key != "" { // it is of one job alone
		return made
	}
	id := strings.Join(append([]string{j.ManagedBy}, tags...), "\n")
	if t.labels[id] == nil {
		t.labels[id] = made
	}
	return t.labels[id]
}

// release lets go of what a job shares with others.
func (t *jobs) release(j *job) {
	if j.timing == nil {
		return
	}
	if j.timing.jobs--; j.timing.jobs == 0 {
		delete(t.timings, j.timing.When)
	}
}

// next gives the next slot of a job after a time that is in the minute of its timing; ok is false when there is none.
func (j *job) next(now time.Time) (slot events.Minute, ok bool) {
	if !j.enabled || j.timing == nil {
		return 0, false
	}
	if j.effective <= now.Unix() {
		return j.timing.next, j.timing.next != 0
	}
	at := j.timing.slots.Next(time.Unix(j.effective, 0))
	return events.MinuteOf(at), !at.IsZero()
}
