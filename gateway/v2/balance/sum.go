package balance

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/sorting"
)

// Sum is what became of the entries of one group of a day.
type Sum struct {
	Total  int     `json:"total"`
	Counts []Count `json:"counts"` // add up to the total
}

// Count is how many entries of one kind there are.
type Count struct {
	Is     string `json:"is"`
	Count  int    `json:"count"`
	Filter string `json:"filter,omitzero"` // the request that lists them; not where jobs are added up
}

// Folder is what lies in a watched folder and has not been entered into the ledger.
type Folder struct {
	State    events.FolderState `json:"state"`
	Pending  int                `json:"pending"`  // seen, and not complete yet
	Unmarked int                `json:"unmarked"` // without the marker that they must have
	Filter   string             `json:"filter"`   // the request that shows it
}

// Job is the balance of a day of one job.
type Job struct {
	ID     string         `json:"job_id"`
	Name   string         `json:"name"`
	Owner  string         `json:"username"`
	Sums   map[string]Sum `json:"sums"`             // by group, see [Groups]
	Folder *Folder        `json:"folder,omitempty"` // as it is now, where the day is today
}

// Empty reports whether there is nothing to account for.
func (j Job) Empty() bool {
	for _, s := range j.Sums {
		if s.Total > 0 {
			return false
		}
	}
	return j.Folder == nil || j.Folder.Pending+j.Folder.Unmarked == 0
}

// Job gives the balance of a day of a job.
func (b Books) Job(ctx context.Context, job events.Job, d Day, now time.Time) (Job, error) {
	entries, slots, err := b.Of(ctx, job.ID, d, now)
	if err != nil {
		return Job{}, err
	}
	balance := Job{ID: job.ID, Name: job.Name, Owner: job.Username, Sums: map[string]Sum{}}
	for _, e := range entries {
		s := balance.Sums[e.Of]
		s.add(e.Is, e.Count)
		balance.Sums[e.Of] = s
	}
	for of, s := range balance.Sums {
		for i := range s.Counts {
			s.Counts[i].Filter = filter(job.ID, d, of, s.Counts[i].Is)
		}
		if of == Slots {
			s.Total = slots
		}
		balance.Sums[of] = s
	}
	if d.has(now) {
		balance.Folder, err = b.folder(ctx, job.ID)
	}
	return balance, err
}

func filter(jobID string, d Day, of, is string) string {
	return "/api/v2/balance/entries?" + url.Values{"job_id": {jobID}, "day": {d.Name}, "of": {of}, "is": {is}}.Encode()
}

func (s *Sum) add(is string, n int) {
	s.Total += n
	for i := range s.Counts {
		if s.Counts[i].Is == is {
			s.Counts[i].Count += n
			return
		}
	}
	s.Counts = append(s.Counts, Count{Is: is, Count: n})
	sorting.By(s.Counts, func(a, b Count) int { return strings.Compare(a.Is, b.Is) })
}

func (b Books) folder(ctx context.Context, jobID string) (f *Folder, err error) {
	states, err := b.Bus.JobStates(ctx, jobID)
	if s := states.Watch; s != nil {
		f = &Folder{State: s.State, Pending: s.Pending, Unmarked: s.Unmarked, Filter: "/api/v2/jobs/" + jobID}
	}
	return f, err
}

// Totals adds up the balances of jobs.
func Totals(jobs []Job) map[string]Sum {
	all := map[string]Sum{}
	for _, j := range jobs {
		for of, s := range j.Sums {
			sum := all[of]
			for _, c := range s.Counts {
				sum.add(c.Is, c.Count)
			}
			all[of] = sum
		}
	}
	return all
}

// Text is a balance in one line, for people.
func (s Sum) Text() string {
	var parts []string
	for _, c := range s.Counts {
		parts = append(parts, fmt.Sprintf("%d %s", c.Count, strings.ReplaceAll(c.Is, "_", " ")))
	}
	return fmt.Sprintf("%d: %s", s.Total, strings.Join(parts, ", "))
}
