// Package why says in one sentence what became of a slot, a file, a job or an
// execution, and why. It is the only place with those sentences: the API, the command
// line and pages print them as they are.
//
//	at := why.At{Now: time.Now(), Zone: zone}
//	answer := at.Slot(why.Facts{Slot: slot, Verdict: events.VerdictSkipped, Blocker: blocker})
//	fmt.Println(answer.Sentence) // Skipped: the run of Sat 02:30 had not ended (it took 25 h) and overlap is skip.
//
// It does no I/O: the caller gathers [Facts], and gets a sentence, a code and the facts
// back. What a fact does not say, as in records of older versions, the sentence leaves out.
//
// Times are in the zone of the job: a clock of the same day as HH:MM, of the next
// days or the last ones with its weekday, else with its date.
//
// # Codes
//
// A code stays what it is in every version; there may be more of them.
//
//	of a slot       fired caught_up superseded skipped missed_not_running missed_edited missed_disabled
//	                missed_too_old missed disabled shadow queued paused pending dst_gap dst_fold none
//	                future not_kept
//	of a file       young open unmarked unreadable unstaged unseen queued paused held ignored not_included
//	                not_watched not_a_file absent never_seen rewritten marked before_job hangs, those of its
//	                folder and those of an execution
//	of a folder     folder_absent folder_blocked folder_unserved folder_arming folder_rescan folder_poll watching
//	of an execution waiting retrying called running ok failed gave_up cancelled not_kept
//	of a job        disabled shadow no_slot gate_closed next, those of its folder and those of an execution
package why
