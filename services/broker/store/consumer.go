package store

import "encoding/binary"

// wholeState reports that text is the state of a consumer as the server writes it:
// magic and version; acked and delivered, each in the consumer's and the stream's
// sequence; what is pending; what was redelivered. It has no checksum.
func wholeState(text []byte) bool {
	const magic = 22
	if len(text) < 2 || text[0] != magic || text[1] != 1 && text[1] != 2 {
		return false
	}
	at, ok := 2, true
	number := func() uint64 {
		v, n := binary.Uvarint(text[min(at, len(text)):])
		ok, at = ok && n > 0, at+max(n, 0)
		return v
	}
	var seqs [4]uint64
	for i := range seqs {
		seqs[i] = number()
	}
	if !ok || (seqs[1]|seqs[3])>>63 != 0 {
		return false
	}
	pending := number()
	if pending > 0 {
		number() // the lowest time
		for i := uint64(0); ok && i < pending*(uint64(text[1])+1); i++ {
			number()
		}
	}
	for i := number() * 2; ok && i > 0; i-- {
		number()
	}
	return ok && at == len(text)
}
