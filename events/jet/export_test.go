package jet

import "context"

// DeleteConsumer takes a queue's consumer away, as an administrator may.
func (b *Bus) DeleteConsumer(ctx context.Context, q Queue) error {
	return b.js.DeleteConsumer(ctx, q.Stream, q.Name)
}

// WriteProbe writes a probe, as [Bus] does when a stream refuses a message.
func (b *Bus) WriteProbe(stream string) error { return b.writeProbe(stream) }

// DeleteStream takes a stream away, as an administrator may.
func (b *Bus) DeleteStream(ctx context.Context, stream string) error {
	return b.js.DeleteStream(ctx, stream)
}

// Prices is prices.
var Prices = prices

// Stored is the result as its stream holds it.
func (r EncodedResult) Stored() Stored {
	return Stored{Data: r.m.Data, Header: r.m.wire().Header}
}

// Names on the wire, for the tests of this package.
const (
	AllFiles          = allFilesFilter
	AllRunKeys        = allRunKeysFilter
	AllRunQueue       = allRunQueueFilter
	AllSeen           = allSeenFilter
	StreamDeadLetters = streamDeadLetters
	StreamFiles       = streamFiles
	StreamJobs        = streamJobs
	StreamResults     = streamResults
	StreamRunEvents   = streamRunEvents
	StreamRuns        = streamRuns
	StreamSlots       = streamSlots
	StreamTriggers    = streamTriggers
)

var (
	DeadSubject     = deadSubject
	DoneOf          = doneFilter
	FileSubject     = fileSubject
	FilesOf         = filesFilter
	JobSubject      = jobSubject
	ParseSubject    = parseSubject
	ProbeSubject    = probeSubject
	ResultSubject   = resultSubject
	RunQueueOf      = runQueueFilter
	RunQueueSubject = runQueueSubject
	RunsOf          = runsFilter
	SeenSubject     = seenSubject
	SlotSubject     = slotSubject
	TriggerSubject  = triggerSubject
	TriggersOf      = triggersFilter
)
