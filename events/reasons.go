package events

// Reasons that are recorded with a verdict, or told with a slot: each says one thing,
// and package why says it in a sentence.
const (
	WhyNotRunning    = "not running"                                       // missed
	WhyTooOld        = "beyond the catch-up window"                        // missed
	WhyEdited        = "edited"                                            // missed
	WhyDisabledFirst = "disabled before it could run"                      // missed
	WhyNewerRan      = "a newer slot ran instead"                          // superseded
	WhyOvertaken     = "a newer slot was due before this one was called"   // superseded
	WhyRewritten     = "rewritten"                                         // superseded: a file
	WhyOverlap       = "the run before it had not ended"                   // skipped
	WhyBacklog       = "catch-up has not come to it yet"                   // pending
	WhyUncommitted   = "cron has not committed this minute yet"            // pending
	WhyUnread        = "cron has not taken in yet how the job was changed" // pending
	WhyUncalled      = "its run-binary call has no result yet"             // queued
	WhyNoResult      = "no result of it is kept"                           // fired
	WhyRemote        = "on a network mount"                                // begins the reason of a folder that is polled
)

// Came says how it was known that a file is complete.
type Came string

// How a file was found complete.
const (
	CameLease     Came = "lease"     // unchanged for its quiet period, and nobody had it open for writing
	CameRenamed   Came = "renamed"   // it came whole under its name
	CameMarker    Came = "marker"    // its marker lay there
	CameUnchanged Came = "unchanged" // it was unchanged for long, where no lease is to be had
)
