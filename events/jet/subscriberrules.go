package jet

import (
	"iter"
	"slices"
	"strings"

	"spool.internal/events"
)

// publicStreams are those that subscribers may read: by stream all its subjects, at
// which token of them the job stands, and what it tells.
var publicStreams = map[string]struct {
	all   string
	job   int
	tells string
}{
	streamJobs:        {allJobsFilter, 2, "changes of jobs"},
	streamResults:     {allResultsFilter, 2, "how calls ended"},
	streamRunEvents:   {allRunsFilter, 3, "how runs go on"},
	streamDeadLetters: {allDeadFilter, 2, "calls that were given up"},
}

// PublicStreams yields the streams that subscribers may read, and what each tells; the one
// that most want is the first.
func PublicStreams() iter.Seq2[string, string] {
	return func(yield func(name, tells string) bool) {
		for _, name := range []string{streamRunEvents, streamResults, streamJobs, streamDeadLetters} {
			if !yield(name, publicStreams[name].tells) {
				return
			}
		}
	}
}

// maxName is how long the name of a subscriber may be.
const maxName = 64

// NewSubscriber checks what somebody asks for, and ties the filter to the job. An
// empty filter is all of the stream.
func NewSubscriber(s events.Subscriber) (events.Subscriber, error) {
	if err := checkName(s.Name); err != nil {
		return s, err
	}
	stream, public := publicStreams[s.Stream]
	if !public {
		return s, events.Faultf(events.Invalid, "stream", "%q is not one of RUN_EVENTS, RESULTS, JOBS, DEADLETTERS", s.Stream)
	}
	if s.Filter == "" {
		s.Filter = stream.all
	}
	filter := strings.Split(s.Filter, ".")
	root := strings.Split(strings.TrimSuffix(stream.all, ".>"), ".")
	if !isFilter(filter) || len(filter) <= len(root) || !slices.Equal(filter[:len(root)], root) {
		return s, events.Faultf(events.Invalid, "filter", "%q does not begin with %s. and go on with tokens, * or a last >", s.Filter, strings.Join(root, "."))
	}
	if s.JobID == "" {
		return s, nil
	}
	if !events.IsToken(s.JobID) {
		return s, events.Faultf(events.Invalid, "job_id", "%q is no id of a job", s.JobID)
	}
	var err error
	s.Filter, err = tie(filter, stream.job, s.JobID)
	return s, err
}

// tie makes a filter one that lets the events of a job through, and no others.
func tie(filter []string, at int, job string) (string, error) {
	if n := len(filter) - 1; filter[n] == ">" && n <= at {
		filter = slices.Clone(filter[:n])
		for len(filter) < at {
			filter = append(filter, "*")
		}
		filter = append(filter, job)
		if at == 3 { // runs: the id of the run follows
			filter = append(filter, ">")
		}
		return strings.Join(filter, "."), nil
	}
	if len(filter) <= at || filter[at] != "*" && filter[at] != job {
		return "", events.Faultf(events.Invalid, "filter", "%q is not about the job %s", strings.Join(filter, "."), job)
	}
	filter = slices.Clone(filter)
	filter[at] = job
	return strings.Join(filter, "."), nil
}

func isFilter(tokens []string) bool {
	for i, t := range tokens {
		if t == "*" || t == ">" && i == len(tokens)-1 {
			continue
		}
		if !events.IsToken(t) {
			return false
		}
	}
	return true
}

func checkName(name string) error {
	if name == "" {
		return events.Faultf(events.Invalid, "name", "is required")
	}
	if len(name) > maxName {
		return events.Faultf(events.Invalid, "name", "is longer than %d bytes", maxName)
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return events.Faultf(events.Invalid, "name", "contains %q: use letters, digits, - and _", c)
		}
	}
	return nil
}
