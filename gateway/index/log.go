package index

const (
	chunkBits = 12
	chunkSize = 1 << chunkBits
)

// log is entries in the order of their sequences. A place counts from the first entry that
// was ever added; what is trimmed at the front leaves places as they are.
type log struct {
	chunks []*[chunkSize]entry
	base   uint32 // the place of the first entry of the first chunk
	first  uint32 // the place of the first entry that is kept
	next   uint32 // the place of the next entry
}

func (l *log) len() int { return int(l.next - l.first) }

// at gives the entry at a place that is kept.
func (l *log) at(place uint32) *entry {
	n := place - l.base
	return &l.chunks[n>>chunkBits][n&(chunkSize-1)]
}

func (l *log) add(e entry) (place uint32) {
	if n := l.next - l.base; int(n>>chunkBits) == len(l.chunks) {
		l.chunks = append(l.chunks, new([chunkSize]entry))
	}
	place = l.next
	l.next++
	*l.at(place) = e
	return place
}

// trim drops the entries before a sequence, and calls gone with each that is alive.
func (l *log) trim(seq uint64, gone func(*entry)) {
	for l.first < l.next {
		e := l.at(l.first)
		if e.sequence() >= seq {
			break
		}
		if !e.dead() {
			gone(e)
		}
		l.first++
	}
	for len(l.chunks) > 0 && l.first-l.base >= chunkSize {
		l.chunks[0] = nil
		l.chunks = l.chunks[1:]
		l.base += chunkSize
	}
}

// compact takes out the dead. Places change: moved is called with each entry that stays, oldest first,
// and its new place.
func (l *log) compact(moved func(e *entry, place uint32)) {
	to := l.base
	for from := l.first; from < l.next; from++ {
		e := l.at(from)
		if e.dead() {
			continue
		}
		kept := l.at(to)
		*kept = *e
		moved(kept, to)
		to++
	}
	l.first, l.next = l.base, to
	left := int(to-l.base+chunkSize-1) >> chunkBits
	clear(l.chunks[left:])
	l.chunks = append([]*[chunkSize]entry(nil), l.chunks[:left]...)
}
