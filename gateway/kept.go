package gateway

import (
	"bytes"
	"encoding/json"
	"unique"

	"spool.internal/events"
)

// kept is a job as the cache has it.
type kept struct {
	text  string // the job but its parameters in JSON, a line break, and they
	holds bool   // failures in a row may disable it

	created int64 // ns since 1970
	owner   unique.Handle[string]
}

// keep packs a job without its secrets, and without its id, which the cache has as a key.
func (j *jobs) keep(job events.Job) kept {
	parameters := job.Parameters
	job.ID, job.Parameters, job.Secrets, job.Sums = "", nil, nil, nil
	head, err := json.Marshal(job)
	if err != nil {
		panic(err) // it was read from JSON
	}
	holds := job.Status == events.Enabled && bytes.Contains(parameters, []byte(`"hold_after"`))
	return kept{j.samples.Pack(append(append(head, '\n'), parameters...)), holds, job.CreatedOnNS, unique.Make(job.Username)}
}

// unpack gives a job again, which is the caller's.
func (j *jobs) unpack(id string, k kept) (job events.Job, ok bool) {
	text, err := j.samples.Unpack(k.text)
	if err != nil {
		return job, false
	}
	head, parameters, _ := bytes.Cut(text, []byte{'\n'})
	if json.Unmarshal(head, &job) != nil {
		return job, false
	}
	if job.ID = id; len(parameters) > 0 {
		job.Parameters = parameters
	}
	return job, true
}

func (k kept) place(id string) place { return place{k.created, id, k.owner.Value()} }
