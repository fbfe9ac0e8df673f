package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"

	"github.com/minio/highwayhash"
)

// How the server writes a record into a block: length, sequence, time and length of the
// subject; the subject; with headers their length and they; the message; a checksum.
const (
	headSize    = 22
	sumSize     = 8
	maxRecord   = 32 << 20
	withHeaders = 1 << 31 // in the length
	erased      = 1 << 63 // in the sequence: the message was deleted where it lay
	removed     = 1 << 62 // in the sequence: no message, but that this one was removed
)

// record is one message of a block, or that one was removed.
type record struct {
	seq     uint64 // without the bits above
	bits    uint64
	subject []byte
	headers []byte
}

// hole is a part of a block in which nothing can be read.
type hole struct {
	block  string // its file
	from   int    // bytes; to is the next record, or the end of the block
	to     int
	size   int    // of the block
	after  uint64 // highest sequence before it; 0 = none in its block
	before uint64 // lowest sequence of a message after it; 0 = none in its block
}

// checksum makes the server's checksum for a block of a stream.
func checksum(stream string, block int) hash.Hash {
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", stream, block))
	h, err := highwayhash.New64(key[:])
	if err != nil {
		panic(err) // only for a key of another length
	}
	return h
}

// readRecord gives the record that text begins with, and its length; 0 = that is none.
func readRecord(text []byte, sum hash.Hash) (r record, size int) {
	if len(text) < headSize+sumSize {
		return r, 0
	}
	length, subject := binary.LittleEndian.Uint32(text), int(binary.LittleEndian.Uint16(text[20:]))
	size = int(length &^ withHeaders)
	begin := headSize + subject
	if length&withHeaders != 0 {
		begin += 4
	}
	if size > maxRecord || size > len(text) || begin+sumSize > size {
		return r, 0
	}
	end := size - sumSize
	sum.Reset()
	_, _ = sum.Write(text[4:20]) // a hash takes everything
	_, _ = sum.Write(text[headSize : headSize+subject])
	_, _ = sum.Write(text[begin:end])
	var room [sumSize]byte
	if !bytes.Equal(sum.Sum(room[:0]), text[end:size]) {
		return r, 0
	}
	seq := binary.LittleEndian.Uint64(text[4:])
	r = record{seq: seq &^ (erased | removed), bits: seq & (erased | removed), subject: text[headSize : headSize+subject]}
	if length&withHeaders != 0 {
		n := int(binary.LittleEndian.Uint32(text[begin-4:]))
		r.headers = text[begin : begin+max(0, min(n, end-begin))]
	}
	return r, size
}

// readBlock calls each for every record of a block and gives what lies between them.
// After a part that cannot be read it goes on with the next record.
func readBlock(file string, text []byte, sum hash.Hash, each func(record)) (last uint64, holes []hole) {
	open := false // whether the last hole still waits for the message after it
	for at := 0; at < len(text); {
		r, size := readRecord(text[at:], sum)
		if size == 0 {
			h := hole{block: file, from: at, size: len(text), after: last}
			for at++; at < len(text); at++ {
				if _, size = readRecord(text[at:], sum); size > 0 {
					break
				}
			}
			h.to = at
			holes, open = append(holes, h), true
			continue
		}
		if open && r.bits&removed == 0 {
			holes[len(holes)-1].before, open = r.seq, false
		}
		last = max(last, r.seq)
		each(r)
		at += size
	}
	return last, holes
}

// marker is a block that says what the last sequence of a stream is, as the server
// writes it when the messages themselves are gone.
func marker(stream string, block int, last uint64, unixNano int64) []byte {
	text := make([]byte, headSize, headSize+sumSize)
	binary.LittleEndian.PutUint32(text, headSize+sumSize)
	binary.LittleEndian.PutUint64(text[4:], last|removed)
	binary.LittleEndian.PutUint64(text[12:], uint64(unixNano))
	sum := checksum(stream, block)
	_, _ = sum.Write(text[4:20])
	return sum.Sum(text)
}

// firstOf is the sequence of the first message in the beginning of a block; 0 = none is
// in it.
func firstOf(text []byte) uint64 {
	for len(text) >= headSize {
		seq := binary.LittleEndian.Uint64(text[4:])
		if seq&removed == 0 {
			return seq &^ erased
		}
		size := int(binary.LittleEndian.Uint32(text) &^ withHeaders)
		if size < headSize || size > len(text) {
			return 0
		}
		text = text[size:]
	}
	return 0
}
