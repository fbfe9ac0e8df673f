package events

// CatchUp is what becomes of the slots that came while nobody could answer for them.
type CatchUp string

const (
	CatchUpLatest CatchUp = "latest" // the newest runs: the default
	CatchUpNone   CatchUp = "none"   // none runs
	CatchUpAll    CatchUp = "all"    // all run, the older ones later
)

// Overlap is what becomes of a trigger whose job still has a run that has not ended.
type Overlap string

const (
	OverlapAllow Overlap = "allow" // both run: the default
	OverlapQueue Overlap = "queue" // it waits
	OverlapSkip  Overlap = "skip"  // it does not run; jobs with a schedule only
)

// Serial reports whether two runs of a job must not be under way at once.
func (o Overlap) Serial() bool { return o != OverlapAllow }

// OutputConflict is what becomes of an output whose name is taken.
type OutputConflict string

const (
	ConflictSuffix  OutputConflict = "suffix"  // it gets a number, as a-2.pdf: the default
	ConflictReplace OutputConflict = "replace" // it takes the place of what is there
	ConflictFail    OutputConflict = "fail"    // the run ends with ERROR
)
