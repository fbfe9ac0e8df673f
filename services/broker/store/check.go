package store

import (
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"spool.internal/events/jet"
)

// Damage is the error for a store that has lost something of what was stored.
type Damage struct {
	DataDir string
	Lost    []string // in words, each with its stream
	Shared  bool     // other machines have what was stored, too
}

func (d *Damage) Error() string {
	if d.Shared {
		return fmt.Sprintf("this machine's copy of the store is damaged: %s; the other machines of the cluster have all of it: when spool cluster status on one of them shows every stream current there, "+
			"stop Spool here, put the copy aside by spool store accept-loss --data %s, and start Spool again: it fetches everything from them", strings.Join(d.Lost, "; "), d.DataDir)
	}
	return fmt.Sprintf("the store is damaged: %s; restore the data folder from your backup, or stop Spool and go on without that: spool store accept-loss --data %s",
		strings.Join(d.Lost, "; "), d.DataDir)
}

// slow is how long one may look through the store without saying so.
const slow = 5 * time.Second

// Check reports what the streams in dir have lost, as [*Damage], and mends what can be
// mended without loss. The server must not run. When it returns nil the server may be
// started: the note says from then on that the store is in use. inOrder says that it
// was closed in order before.
//
// What other machines store, too, is shared. A copy may be shorter than it was: the server lets go of
// what it cannot bring in line with the others, and fetches it anew, also what is missing at the end.
// What cannot be read in its midst it would never miss; that is damage.
func Check(dataDir, dir string, shared bool, log *slog.Logger) (inOrder bool, err error) {
	began := time.Now()
	defer time.AfterFunc(slow, func() { log.Info("looking through the store, before NATS opens it", "folder", dir) }).Stop()
	f, err := inspect(dataDir, dir, shared)
	if err != nil {
		return false, err
	}
	if took := time.Since(began); took > slow {
		log.Info("looked through the store", "took", took.Round(time.Millisecond).String())
	}
	if lost := f.lost(); len(lost) > 0 {
		return false, &Damage{dataDir, lost, shared}
	}
	for _, name := range slices.Sorted(maps.Keys(f.streams)) {
		if err := f.streams[name].mend(f.note.of(name), log); err != nil {
			return false, fmt.Errorf("mend stream %s: %w", name, err)
		}
	}
	return f.note != nil && f.note.Closed, f.begin(log)
}

// findings are what is there, and what was.
type findings struct {
	dataDir, dir string
	note         *note // nil = nothing is known
	streams      map[string]*stream
	shared       bool
}

func inspect(dataDir, dir string, shared bool) (*findings, error) {
	n, err := readNote(dataDir)
	if err != nil {
		return nil, err
	}
	streams, err := readStreams(dir)
	if err != nil {
		return nil, err
	}
	for _, s := range streams {
		s.inOrder = n.inOrder()
	}
	return &findings{dataDir, dir, n, streams, shared}, nil
}

func (n *note) of(stream string) *known {
	if n == nil {
		return nil
	}
	return n.Streams[stream]
}

// lost says what is missing, in words.
func (f *findings) lost() (lost []string) {
	names := map[string]bool{}
	for name := range f.streams {
		names[name] = true
	}
	if f.note != nil {
		for name := range f.note.Streams {
			names[name] = true
		}
	}
	if f.note != nil && slices.ContainsFunc(f.note.Accepted, func(a Acceptance) bool { return !a.Done }) {
		lost = append(lost, "an accept-loss was cut off before its end")
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		s, k := f.streams[name], f.note.of(name)
		if f.shared {
			lost = append(lost, s.sharedLost(k)...)
			continue
		}
		switch {
		case s == nil:
			lost = append(lost, fmt.Sprintf("stream %s is gone: %s held what was stored up to %d", name, filepath.Join(f.dir, name), k.Last))
		case settingsOf(name, s.dir) == "" && s.former(k) == "":
			lost = append(lost, fmt.Sprintf("stream %s: its settings %s are damaged", name, filepath.Join(s.dir, settingsFile)))
		}
		if s == nil {
			continue
		}
		lost = append(lost, s.lost(k)...)
		if name == jet.JobsStream && f.note != nil && f.note.Jobs != nil {
			if n := s.jobsLost(*f.note.Jobs); n > 0 {
				lost = append(lost, fmt.Sprintf("stream %s: %d of %d jobs are not there", name, n, f.note.Jobs.Live))
			}
		}
	}
	return lost
}

func (s *stream) jobsLost(k JobsKnown) int {
	if s.jobs == nil {
		return k.Live
	}
	return s.jobs.fewer(k)
}

// sharedLost says what a copy lacks that the server would not miss: what lies between what it can read,
// and whole blocks that were there when it was closed in order.
func (s *stream) sharedLost(k *known) (lost []string) {
	if s == nil {
		return nil
	}
	inside := *s
	inside.holes = slices.DeleteFunc(slices.Clone(s.holes), func(h hole) bool { return h.before == 0 && h.after >= s.last })
	if k != nil && s.last < k.Last {
		k = &known{Last: s.last}
	}
	return inside.lost(k)
}

// lost says what the stream lacks of what is known of it; without any knowledge, what
// it cannot have been told to hold.
func (s *stream) lost(k *known) (lost []string) {
	for _, h := range s.holes {
		if !s.promised(h, k) {
			continue
		}
		what := fmt.Sprintf("stream %s: %s cannot be read from byte %d to %d of %d", s.name, h.block, h.from, h.to, h.size)
		if h.size == 0 {
			what = fmt.Sprintf("stream %s: %s is empty", s.name, h.block)
		}
		if h.before > h.after+1 {
			what += fmt.Sprintf(", which held what was stored between %d and %d", h.after, h.before)
		}
		lost = append(lost, what)
	}
	if k == nil {
		return lost
	}
	if s.last < k.Last {
		lost = append(lost, fmt.Sprintf("stream %s: what was stored from %d to %d is missing at its end, in %s", s.name, s.last+1, k.Last, s.blocksIn()))
	}
	if s.last == k.Last { // else somebody has written to it who knows nothing of the note
		for _, block := range slices.Sorted(maps.Keys(k.Blocks)) {
			size, there := s.blocks[block]
			switch {
			case !there:
				lost = append(lost, fmt.Sprintf("stream %s: %s is missing", s.name, filepath.Join(s.blocksIn(), block)))
			case size != k.Blocks[block] && len(lost) == 0:
				lost = append(lost, fmt.Sprintf("stream %s: %s has %d bytes and had %d", s.name, filepath.Join(s.blocksIn(), block), size, k.Blocks[block]))
			}
		}
	}
	return lost
}

// promised reports that what a hole may have held was said to be stored.
func (s *stream) promised(h hole, k *known) bool {
	if k == nil {
		return !s.torn(h)
	}
	return s.inOrder && h.before != 0 || h.after < k.Last || k.Blocks != nil && s.last <= k.Last
}

// begin has the note say that the store is in use.
func (f *findings) begin(log *slog.Logger) error {
	if f.note == nil {
		return nil
	}
	for i, a := range f.note.Accepted {
		if !a.Begun {
			log.Warn("going on without what was lost, as somebody has accepted", "at", a.At, "lost", strings.Join(a.Lost, "; "), "damaged_files", a.Kept)
			f.note.Accepted[i].Begun = true
		}
	}
	f.note.Closed = false
	for _, k := range f.note.Streams {
		k.Blocks = nil
	}
	return f.note.write(f.dataDir)
}
