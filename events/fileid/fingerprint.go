// Package fileid tells files apart: by what stat says of them, and by the fingerprint
// that the ledger remembers.
//
//	info, err := fileid.At(root, folder, "invoice.pdf")
//	if info.Regular {
//		id := fileid.Fingerprint(jobID, "invoice.pdf", "", info.Stat)
//	}
//
// It reads metadata only, never content, and follows no symbolic link but in [Path].
package fileid

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// Length is the length of a fingerprint: hexadecimal digits.
const Length = 32

// Fingerprint tells a file from every other: 128 bits, hex.
//
// The device is not in it (it changes with a reboot or a mount), nor the change
// time (a chmod or a link elsewhere makes no new file). The birth time is,
// because file systems give the inode of a deleted file to the next one. It is
// part of what the ledger remembers: changed, it would run every file again.
// The generation is what tells a file that was asked to run again (see
// events.Rerun) from itself; it is empty before.
func Fingerprint(jobID, path, generation string, s Stat) string {
	b := make([]byte, 0, 256)
	for _, text := range []string{jobID, path} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(text)))
		b = append(b, text...)
	}
	for _, n := range []uint64{s.Inode, uint64(s.Birth), uint64(s.Size), uint64(s.Modified)} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	b = append(b, generation...)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}
