package events

// QuietMinutes: minutes in which no slot was due are committed together, at each whole half hour at the latest,
// so that a disk on which nothing happens can sleep. The clock of a cron that is there is at most so old.
const QuietMinutes = 30

// Clock is how far the slots of all jobs have been committed. Every slot of a
// minute up to From is done; of those in (From, Minute], the jobs up to Cursor
// are done; an empty Cursor means all of them. JobsSeq is the sequence of JOBS
// that the pass had seen.
type Clock struct {
	From    Minute `json:"from"`
	Minute  Minute `json:"minute"`
	Cursor  string `json:"cursor,omitzero"`
	JobsSeq uint64 `json:"jobs_seq"`
}

// Done reports whether no job is left in the pass that ended at c.Minute.
func (c Clock) Done() bool { return c.Cursor == "" }

// Answered gives the minute up to which the slots of a job are answered for.
func (c Clock) Answered(jobID string) Minute {
	if !c.Done() && jobID > c.Cursor {
		return c.From
	}
	return c.Minute
}
