package events

import (
	"slices"
	"strings"
	"time"
)

// DefaultMaxDepth is how many runs may follow from one another through watched
// folders, unless an installation says otherwise.
const DefaultMaxDepth = 8

// maxChain bounds what a header can make a chain.
const maxChain = 256

// Next is the chain of the files that a run of a job writes, whose own chain is given.
func Next(chain []string, jobID string) []string {
	if jobID == "" {
		jobID = NoJob
	}
	return append(slices.Clip(chain), jobID)
}

// FormatChain writes a chain for [HeaderChain].
func FormatChain(chain []string) string { return strings.Join(chain, ",") }

// ParseChain reads one. What cannot be the id of a job is left out.
func ParseChain(text string) (chain []string) {
	for id := range strings.SplitSeq(text, ",") {
		if IsToken(id) && len(chain) < maxChain {
			chain = append(chain, id)
		}
	}
	return chain
}

// Held is a file that leads to no run, because runs led to it that its job
// began, or too many. It stays where it is, and in the ledger.
type Held struct {
	JobID       string    `json:"job_id"`
	Path        string    `json:"path"` // as in [File]
	PathB64     string    `json:"path_b64,omitempty"`
	Fingerprint string    `json:"fingerprint"`
	Size        int64     `json:"size"`        // bytes
	ModifiedNS  int64     `json:"modified_ns"` // ns since 1970
	Chain       []string  `json:"chain"`       // see [File.Chain]
	Deep        bool      `json:"deep,omitzero"`
	Ring        string    `json:"ring"`   // the jobs by name, from the first to this one
	Ignore      string    `json:"ignore"` // the pattern for watch.ignore that leaves such files alone
	At          time.Time `json:"at"`
	Place       string    `json:"place,omitzero"` // the machine that alone has the folder; empty = any
}

// RawPath gives the exact bytes of the relative path.
func (h Held) RawPath() string { return (&File{Path: h.Path, PathB64: h.PathB64}).RawPath() }

// Reason tells a person why.
func (h Held) Reason() string {
	if h.Deep {
		return "too many runs have followed from one another: " + h.Ring
	}
	return "the file comes out of runs that this job began: " + h.Ring
}

// foreignJob stands for the name of a job that the reader may not see.
const foreignJob = "(a job of another user)"

// NameFor is the name of a job for somebody who may see the jobs of one owner.
func (j Job) NameFor(owner string) string {
	if j.Username != owner {
		return foreignJob
	}
	return j.Name
}
