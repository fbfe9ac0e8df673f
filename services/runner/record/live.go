package record

import "bytes"

// A log that is written can be followed: what is in the file is read from there, and what a
// full one keeps for its end from here.

// Live is how a log stands that is being written.
type Live struct {
	Closed  bool          // it grows no more
	Full    bool          // what is printed now comes into the file when the log is closed, as far as it is among the last
	Kept    int64         // bytes of this attempt that are in the file
	Printed int64         // bytes that this attempt has printed
	More    chan struct{} // closed when any of this changes
}

// Live says how the log stands.
func (l *Log) Live() Live {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.more == nil {
		l.more = make(chan struct{})
	}
	return Live{Closed: l.closed, Full: l.printed > l.kept, Kept: l.kept, Printed: l.printed, More: l.more}
}

// changed wakes who waits for more; l.mu is held.
func (l *Log) changed() {
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
}

// Since gives what this attempt printed after its first so many bytes, at most the last MiB, and
// at most so much of that; printed is the place behind it.
func (l *Log) Since(after int64, most int) (text []byte, printed int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text = l.ending(max(0, l.printed-after))
	begin := l.printed - int64(len(text))
	text = bytes.Clone(text[:min(len(text), most)])
	return text, begin + int64(len(text))
}

// LastLinesAt gives the place, in what this attempt printed, at which its last n lines begin, as
// far as they are among the last MiB.
func (l *Log) LastLinesAt(n int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.ending(MaxLast)
	at := max(0, lastLines(bytes.TrimSuffix(text, []byte("\n")), &n))
	return l.printed - int64(len(text)) + int64(at)
}
