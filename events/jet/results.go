package jet

import (
	"context"
	"strconv"
	"time"

	"spool.internal/events"
)

// Headers that repeat parts of a body, for readers of many messages without their bodies.
const (
	headerStatus  = "Spool-Status"  // of a result: that of its call
	headerOutcome = "Spool-Outcome" // of a result and of a run event
	headerKind    = "Spool-Kind"    // of a result
	headerRun     = "Spool-Run"     // of a result: the run that it led to
	headerTook    = "Spool-Took"    // of the end of a run: how long its last attempt took, in ms
)

// Results are those of a job; an empty jobID means every job's.
func (b *Bus) Results(jobID string) View[events.Result] {
	return view[events.Result](b, streamResults, orAll(jobID, allResultsFilter, resultSubject))
}

// ResultsPerJob is how many results are kept of each job; 0 means any number.
func (b *Bus) ResultsPerJob(ctx context.Context) (int, error) {
	info, err := b.info(ctx, streamResults, questionAlone)
	if err != nil {
		return 0, err
	}
	return max(0, int(info.Config.MaxMsgsPerSubject)), nil
}

// ResultsAt reads results by their sequences, in one go. f is called in the order of the
// answers, with the index of the sequence; what is gone is left out.
func (b *Bus) ResultsAt(ctx context.Context, seqs []uint64, f func(i int, m Entry[events.Result])) error {
	return b.getMany(ctx, many{stream: streamResults, seqs: seqs}, func(i int, m Stored) bool {
		f(i, Entry[events.Result]{m})
		return true
	})
}

// Result reads the result that a delivery carries.
func (d *Delivery) Result() (events.Result, error) { return decode[events.Result](d.Stored) }

// PutResult stores the result of one execution. The result of a trigger that is
// stored twice within two minutes is stored once; readers fold by trigger id.
func (b *Bus) PutResult(ctx context.Context, r events.Result) error {
	_, err := b.commit(ctx, streamResults, EncodeResult(r).m)
	return err
}

// EncodedResult is a result as it is stored.
type EncodedResult struct{ m message }

// EncodeResult encodes a result once for the ledger of ends and for its stream.
func EncodeResult(r events.Result) EncodedResult {
	if r.HTTP.Headers == nil {
		r.HTTP.Headers = []events.Header{} // it is served as it is stored, and is never null
	}
	m := message{Subject: resultSubject(r.JobID), Data: body(r)}
	m.Header = events.CloudEvent("spool.result", r.TriggerID, "dispatcher", r.TriggerID, time.Unix(0, r.EndedNS))
	m.Header["Nats-Msg-Id"] = deliveryID(r)
	m.Header[headerStatus] = string(r.Status)
	if r.Kind != "" {
		m.Header[headerKind] = string(r.Kind)
	}
	if r.Outcome != "" {
		m.Header[headerOutcome] = string(r.Outcome)
	}
	if r.FlowJobID != "" {
		m.Header[headerRun] = r.FlowJobID
	}
	return EncodedResult{m}
}

// PutResults stores results all or none, as they are: also a second one of a trigger.
func (b *Bus) PutResults(ctx context.Context, rs ...events.Result) error {
	msgs := make([]message, len(rs))
	for i, r := range rs {
		msgs[i] = EncodeResult(r).m
		delete(msgs[i].Header, "Nats-Msg-Id")
	}
	_, err := b.commit(ctx, streamResults, msgs...)
	return err
}

// ResultWriter stores the results of many calls together where that is cheaper.
type ResultWriter struct{ group *group }

// NewResults makes a writer of results.
func (b *Bus) NewResults() ResultWriter { return ResultWriter{b.newGroup(streamResults)} }

// Put stores a result and returns when it is stored. When ctx ends before, it may be
// stored or not.
func (w ResultWriter) Put(ctx context.Context, r EncodedResult) error { return w.group.put(ctx, r.m) }

// deliveryID names the trigger as it was queued: a dead letter that is queued
// again keeps its identity and has another result.
func deliveryID(r events.Result) string {
	return r.TriggerID + "|" + strconv.FormatInt(r.TriggeredAt.UnixNano(), 10)
}

// HasResult reports whether a trigger that was stored at t has a result.
func (b *Bus) HasResult(ctx context.Context, jobID, triggerID string, t time.Time) (bool, error) {
	_, found, err := b.storedResult(ctx, jobID, triggerID, t)
	return found, err
}

// ResultOf reads the result of a trigger that was stored at t; found is false
// when there is none.
func (b *Bus) ResultOf(ctx context.Context, jobID, triggerID string, t time.Time) (r events.Result, found bool, err error) {
	m, found, err := b.storedResult(ctx, jobID, triggerID, t)
	if err != nil || !found {
		return events.Result{}, false, err
	}
	r, err = decode[events.Result](m)
	return r, err == nil, newer(err) // what is no result is none
}

// storedResult finds the first result that was stored of a trigger since t.
func (b *Bus) storedResult(ctx context.Context, jobID, triggerID string, t time.Time) (result Stored, found bool, err error) {
	err = b.sinceSure(ctx, streamResults, resultSubject(jobID), t, func(m Stored) bool {
		if found = m.header.Get("ce-id") == triggerID; found {
			result = m
		}
		return !found
	})
	return result, found, err
}
