package runner

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/outputs"
	"spool.internal/events/wait"
	"spool.internal/services/runner/record"
)

// answerGateways answers what gateways ask of the runs that this runner has started, until ctx
// ends. Who may ask what has been decided by them.
func (r *Runner) answerGateways(ctx context.Context) {
	for ctx.Err() == nil {
		err := r.cfg.Asked.AnswerRuns(ctx, r.id, r.cfg.Pool, jet.RunAnswers{Log: r.logPart, Output: r.outputPart, Cancel: r.cancelFor})
		if err != nil && ctx.Err() == nil {
			r.log.Warn("gateways cannot be answered now and are listened to again", "error", err.Error())
			_ = wait.Sleep(ctx, time.Second)
		}
	}
}

// logPart reads a part of the log of a run; where that ends and the run goes on it waits for more.
func (r *Runner) logPart(ctx context.Context, q events.LogAsk) (events.LogPart, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, q.Wait)
	defer cancel()
	q.Most = min(q.Most, events.MaxPart)
	for {
		part, text, more, err := r.logNow(q)
		if err != nil || len(text) > 0 || !part.Live || q.Most <= 0 || ctx.Err() != nil {
			return part, text, err
		}
		select {
		case <-more:
		case <-ctx.Done():
		}
		q.Lines, q.Bytes, q.Offset = 0, 0, part.Offset
	}
}

// logNow reads what there is now; more is closed when there is more.
func (r *Runner) logNow(q events.LogAsk) (part events.LogPart, text []byte, more <-chan struct{}, err error) {
	live, running := record.Live{}, r.runLog(q.FlowJobID)
	if running != nil { // before the file is looked at: it is whole once the log is closed
		live = running.Live()
		part.Live = !live.Closed
	}
	file, err := record.OpenReader(r.cfg.DataDir, q.FlowJobID)
	if errors.Is(err, fs.ErrNotExist) {
		return part, nil, nil, events.Faultf(events.NotFound, "trigger_id", "there is no log of this run: logs are kept for 30 days")
	}
	if err != nil {
		return part, nil, nil, err
	}
	defer file.Close()
	if part.Size, part.Modified, err = file.Stat(); err != nil {
		return part, nil, nil, err
	}
	part.Full = part.Live && live.Full
	if part.Offset, part.Printed = q.Offset, q.Printed; part.Full {
		part.Printed = max(part.Printed, live.Kept)
	}
	switch {
	case q.Lines > 0 && part.Full:
		part.Offset, part.Printed = part.Size, max(part.Printed, running.LastLinesAt(q.Lines))
	case q.Lines > 0:
		part.Offset, err = file.Last(q.Lines, part.Size)
	case q.Bytes > 0 && part.Full:
		part.Offset, part.Printed = part.Size, max(part.Printed, live.Printed-q.Bytes)
	case q.Bytes > 0:
		part.Offset = max(0, part.Size-q.Bytes)
	}
	if err != nil || q.Most <= 0 {
		return part, nil, live.More, err
	}
	if part.Offset < part.Size {
		text, err = file.At(part.Offset, int(min(part.Size-part.Offset, int64(q.Most))))
	} else if part.Full {
		if text, part.Printed = running.Since(part.Printed, q.Most); len(text) > 0 {
			part.Offset = -1
		}
	}
	if q.Number && err == nil && part.Offset >= 0 {
		part.Line, err = file.LineAt(min(part.Offset, part.Size))
	}
	return part, text, live.More, err
}

// runLog is the log of an attempt that goes on here, or nil.
func (r *Runner) runLog(flowJobID string) *record.Log {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.active[flowJobID]; h != nil {
		return h.log
	}
	return nil
}

// keepLog lets the log of an attempt be followed.
func (r *Runner) keepLog(a *attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.active[a.run.FlowJobID]; h != nil {
		h.log = a.runlog
	}
}

// outputPart lists what a run has written, or reads a part of a file of it. The folder is the one
// that the events of the run name, whatever is asked.
func (r *Runner) outputPart(ctx context.Context, q events.OutputAsk) (part events.OutputPart, text []byte, err error) {
	if !isRunID(q.FlowJobID) {
		return part, nil, noSuchRun()
	}
	last, seq, err := r.bus.LastRunEvent(ctx, "*", q.FlowJobID)
	if err != nil {
		return part, nil, err
	}
	if seq == 0 {
		return part, nil, noSuchRun()
	}
	own, limit := outputs.Own(last), min(q.Limit, maxListed)
	if limit > 0 && !own {
		part.Files, part.More = outputs.Named(last, q.After, limit)
		return part, nil, nil
	}
	if limit <= 0 && !own && !outputs.Has(last, q.File) {
		return part, nil, noSuchOutput()
	}
	p, err := events.ParsePath("output_folder", last.OutputFolder)
	if err != nil {
		return part, nil, err
	}
	folder, err := r.drives.OpenDir(p)
	if errors.Is(err, fs.ErrNotExist) && limit > 0 {
		return part, nil, nil
	}
	if err != nil {
		return part, nil, asFault(err)
	}
	defer folder.Close()
	if limit > 0 {
		part.Files, part.More, err = outputs.List(ctx, folder, q.After, limit)
		return part, nil, err
	}
	return readOutput(folder, q)
}

// maxListed bounds a page of files: their paths are at most 4 KiB each, and an answer holds 1 MiB.
const maxListed = 200

// readOutput reads a part of one file.
func readOutput(folder *os.Root, q events.OutputAsk) (part events.OutputPart, text []byte, err error) {
	f, info, err := outputs.Open(folder, q.File)
	if err != nil {
		return part, nil, asFault(err)
	}
	defer f.Close()
	part.Size, part.Modified = info.Size(), info.ModTime().UTC()
	text = make([]byte, max(0, min(int64(q.Most), events.MaxPart, part.Size-q.Offset)))
	n, err := f.ReadAt(text, q.Offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return part, text[:n], err
}

func asFault(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return noSuchOutput()
	}
	return err
}

func noSuchOutput() error {
	return events.Faultf(events.NotFound, "path", "the run has written no such file, or it is not there any more")
}

func noSuchRun() error {
	return events.Faultf(events.NotFound, "trigger_id", "no such run, or it is not kept any more")
}

func isRunID(s string) bool {
	id, err := uuid.Parse(s)
	return err == nil && id.String() == s
}

// cancelFor asks for the end of a run, for somebody who may.
func (r *Runner) cancelFor(ctx context.Context, q events.CancelAsk) (part events.CancelPart, err error) {
	if !isRunID(q.FlowJobID) || q.By == "" {
		return part, noSuchRun()
	}
	run, found, err := r.bus.AcceptedRun(ctx, q.FlowJobID)
	if err != nil {
		return part, err
	}
	if !found {
		return part, noSuchRun()
	}
	part.Last, err = r.askToEnd(ctx, run, events.CancelledBy+q.By)
	return part, err
}
