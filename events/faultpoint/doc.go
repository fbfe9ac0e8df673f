// Package faultpoint lets tests of whole processes cause a fault at a named step instead of by luck:
// kill the process there, hold it up, step its clock, slow its disk.
//
// Code names its steps by [Hit]. The environment variable SPOOL_FAULT says what happens there, in
// programs that were built with the tag "faults"; in all others the functions here do nothing and
// cost nothing. Faults are separated by commas:
//
//	dispatch.called=kill         the process kills itself where it comes to that step
//	dispatch.called=kill@3       when it comes there for the third time
//	dispatch.called=sleep:2s@3   it stops there for so long; without @ each time
//	dispatch.called=stop@3       it gets SIGSTOP, as a machine that is put to sleep
//	clock=step:-1h@30s           [Now] is an hour behind from 30 s after the start on
//	disk=delay:200ms@30s         each access to the store waits about so long, for the first 30 s; without @ always
//
// A step is a constant of this package. Any other name ends the program at once, so that no test
// passes because of a typing error.
package faultpoint

// Steps in the life of a file, of a trigger, of a run and of its notifications.
const (
	StoreJournal = "store.journal" // a store of an older Spool is about to be changed: what it is to be is written down
	StoreMeta    = "store.meta"    // the stream's settings are changed, their checksum is not
	StoreSum     = "store.sum"     // both are changed, the journal is still there

	FileStaged    = "file.staged"    // a file has its stage, it is not queued
	FileCommitted = "file.committed" // the file is queued, its ledger entry may be missing
	FileEntered   = "file.entered"   // it is in the ledger, too

	AfterHeld      = "after.held"      // a file whose run has ended is about to be moved, nothing has happened to it
	AfterAside     = "after.aside"     // it has its hidden name
	AfterExplained = "after.explained" // its reason is written, it is about to be moved
	AfterCopied    = "after.copied"    // to another file system: the copy is there under its hidden name
	AfterNamed     = "after.named"     // the copy has its name, the original is there too
	AfterMoved     = "after.moved"     // it is at its place, and that is not stored yet

	OutputPlanned  = "output.planned"  // it is written down where the outputs of a run go, none has moved
	OutputCopied   = "output.copied"   // to another file system: the copy of one is there under its hidden name
	OutputNamed    = "output.named"    // the copy has its name, the original is there too
	OutputMoved    = "output.moved"    // one of them is where it is to be
	OutputReturned = "output.returned" // one of them is back in the run's folder, since another could not be placed
	OutputPlaced   = "output.placed"   // all are at their places, and that is not stored yet
	OutputTold     = "output.told"     // the end of the run is stored, its empty folder is there

	JobKeyed = "job.keyed" // a job and the claim on its key are on their way to the store, not committed
	BulkDone = "bulk.done" // an action of many is done with one thing, and that is not stored

	TriggerStored = "trigger.stored" // a trigger that was asked for is queued, who asked has no answer
	SlotsReckoned = "slots.reckoned" // cron knows what is due, nothing of it is stored
	SlotsStored   = "slots.stored"   // it is stored, cron has not taken note

	DispatchTaken  = "dispatch.taken"  // off the queue, not called
	DispatchCalled = "dispatch.called" // the endpoint has answered
	DispatchDead   = "dispatch.dead"   // given up, and the dead letter stored; the ledger does not know
	DispatchEnded  = "dispatch.ended"  // how it ended is in the ledger, and nowhere else yet
	DispatchStored = "dispatch.stored" // the result is stored, the ack is not sent

	RunAccepted = "run.accepted" // a run is queued, who called for it has no answer
	RunLaunched = "run.launched" // its flow is a warm process with its command, and that is not stored yet
	RunStarted  = "run.started"  // its start is stored, the flow has not begun
	RunBegun    = "run.begun"    // the flow may begin
	RunOver     = "run.over"     // the flow has ended, and that is not stored yet
	RunEnded    = "run.ended"    // the end is stored, the key is not kept
	RunKept     = "run.kept"     // the key is kept, the run is still queued

	NoticeDue  = "notice.due"  // a notification is about to be sent
	NoticeTold = "notice.told" // it was sent, and is still queued

	QueueAcked  = "queue.acked"  // the server has confirmed a group of acks
	QueuePurged = "queue.purged" // what was acked is out of a stream that keeps it
	EndsPurged  = "ends.purged"  // so is what the ledger held of it
)

// Steps lists all of them.
var Steps = []string{
	StoreJournal, StoreMeta, StoreSum,
	FileStaged, FileCommitted, FileEntered,
	AfterHeld, AfterAside, AfterExplained, AfterCopied, AfterNamed, AfterMoved,
	OutputPlanned, OutputCopied, OutputNamed, OutputMoved, OutputReturned, OutputPlaced, OutputTold,
	JobKeyed, BulkDone, TriggerStored, SlotsReckoned, SlotsStored,
	DispatchTaken, DispatchCalled, DispatchDead, DispatchEnded, DispatchStored,
	RunAccepted, RunLaunched, RunStarted, RunBegun, RunOver, RunEnded, RunKept,
	NoticeDue, NoticeTold,
	QueueAcked, QueuePurged, EndsPurged,
}
