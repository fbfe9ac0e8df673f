package events

// JobRevision is a job as one message of JOBS left it.
type JobRevision struct {
	Seq   uint64 // sequence in JOBS; what triggers carry as job_seq
	Event JobEvent
	Size  int64 // about what JOBS keeps of this event, in bytes
}

// Bytes is about what JOBS keeps of the job, with the events before.
func (r JobRevision) Bytes() int64 { return r.Size + r.Event.Before }

// Gone reports that the job is deleted.
func (r JobRevision) Gone() bool { return r.Event.Event == JobDeleted }
