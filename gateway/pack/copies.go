package pack

import "encoding/binary"

// A packed text is a row of parts. A byte n below 128 begins n+1 bytes of the text; any other begins a copy of
// n-128+copyLeast bytes, from a place that follows in two bytes. Places count from the beginning of the sample,
// which the text follows.
const (
	copyLeast   = 4
	copyMost    = copyLeast + 127
	literalMost = 128
	tableBits   = 12
)

// table is where four bytes stand, by their hash: the place plus 1; 0 is none.
type table [1 << tableBits]uint16

func hash(four []byte) uint32 {
	return binary.LittleEndian.Uint32(four) * 2654435761 >> (32 - tableBits)
}

func newSample(text string) *sample {
	s := &sample{text: text}
	for i := 0; i+copyLeast <= len(text); i++ {
		s.places[hash([]byte(text[i:i+copyLeast]))] = uint16(i + 1)
	}
	return s
}

// pack writes a text behind a first byte.
func (s *sample) pack(first byte, text []byte) []byte {
	out := append(make([]byte, 0, len(text)/2+16), first)
	places, before := s.places, len(s.text)
	from := 0 // what stands from here to i is in no copy
	for i := 0; i+copyLeast <= len(text); {
		at := &places[hash(text[i:])]
		place := int(*at) - 1
		*at = uint16(before + i + 1)
		n := 0
		if place >= 0 {
			n = s.common(text, place, i)
		}
		if n < copyLeast {
			i++
			continue
		}
		out = literals(out, text[from:i])
		out = append(out, byte(128+n-copyLeast), byte(place), byte(place>>8))
		i += n
		from = i
	}
	return literals(out, text[from:])
}

// common is how many bytes are the same at a place and at i, as far as one copy goes.
func (s *sample) common(text []byte, place, i int) (n int) {
	for n < copyMost && i+n < len(text) {
		at, b := place+n, byte(0)
		if at < len(s.text) {
			b = s.text[at]
		} else {
			b = text[at-len(s.text)]
		}
		if b != text[i+n] {
			break
		}
		n++
	}
	return n
}

func literals(out, text []byte) []byte {
	for len(text) > 0 {
		n := min(len(text), literalMost)
		out = append(append(out, byte(n-1)), text[:n]...)
		text = text[n:]
	}
	return out
}

// unpack reads what pack wrote behind its first byte.
func unpack(sample, packed string) ([]byte, error) {
	text := make([]byte, 0, len(sample)+len(packed))
	for i := 0; i < len(packed); {
		n := int(packed[i])
		i++
		if n < 128 {
			if i+n+1 > len(packed) {
				return nil, errForeign
			}
			text = append(text, packed[i:i+n+1]...)
			i += n + 1
			continue
		}
		if i+2 > len(packed) {
			return nil, errForeign
		}
		place := int(packed[i]) | int(packed[i+1])<<8
		i += 2
		for end := place + n - 128 + copyLeast; place < end; place++ {
			switch {
			case place < len(sample):
				text = append(text, sample[place])
			case place-len(sample) < len(text):
				text = append(text, text[place-len(sample)])
			default:
				return nil, errForeign
			}
		}
	}
	return text, nil
}
