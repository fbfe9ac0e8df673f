package pack

import (
	"errors"
	"sync"
)

// Bounds: of samples, and of texts that are packed. A place in a sample and a text behind it fits 16 bits.
const (
	samplesMost = 16
	sampleMost  = 8 << 10
	textMost    = 16 << 10
)

// Samples packs and unpacks texts. Make one with [New]; it is safe for concurrent use.
type Samples struct {
	mu   sync.RWMutex
	all  []*sample
	last int // the one that was good last
}

// New makes samples of which there is none yet.
func New() *Samples { return &Samples{} }

// sample is a text that others are compared with.
type sample struct {
	text   string
	places table
}

// errForeign says that something does not come from Pack.
var errForeign = errors.New("pack: not a text that was packed here")

// A packed text begins with the number of its sample plus 1, or with 0 where it is as it is.

// Pack gives a text in fewer bytes, if it can.
func (s *Samples) Pack(text []byte) string {
	if len(text) >= textMost {
		return "\x00" + string(text)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var best []byte
	for i := range s.all {
		n := (s.last + i) % len(s.all)
		if packed := s.all[n].pack(byte(n+1), text); best == nil || len(packed) < len(best) {
			best = packed
			if good(best, text) {
				s.last = n
				return string(best)
			}
		}
	}
	if len(s.all) < samplesMost && len(text) <= sampleMost {
		s.all = append(s.all, newSample(string(text)))
		s.last = len(s.all) - 1
		return string(s.all[s.last].pack(byte(len(s.all)), text))
	}
	if best == nil || len(best) > len(text) {
		return "\x00" + string(text)
	}
	return string(best)
}

// good reports that a text has much in common with a sample.
func good(packed, text []byte) bool { return len(packed) <= len(text)/2 }

// Unpack gives the text again, which is the caller's.
func (s *Samples) Unpack(packed string) ([]byte, error) {
	if packed == "" {
		return nil, errForeign
	}
	number, rest := int(packed[0]), packed[1:]
	if number == 0 {
		return []byte(rest), nil
	}
	s.mu.RLock()
	if number > len(s.all) {
		s.mu.RUnlock()
		return nil, errForeign
	}
	with := s.all[number-1].text
	s.mu.RUnlock()
	return unpack(with, rest)
}
