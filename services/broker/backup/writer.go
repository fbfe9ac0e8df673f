package backup

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// writer writes the entries of a backup.
type writer struct {
	tar    *tar.Writer
	layers []io.Closer // from the inside out
	made   time.Time
}

func newWriter(w io.Writer, to []age.Recipient, made time.Time) (*writer, error) {
	out := &writer{made: made}
	if len(to) > 0 {
		sealed, err := age.Encrypt(w, to...)
		if err != nil {
			return nil, fmt.Errorf("encrypt: %w", err)
		}
		out.layers, w = append(out.layers, sealed), sealed
	}
	packed, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	out.tar = tar.NewWriter(packed)
	out.layers = append([]io.Closer{out.tar, packed}, out.layers...)
	return out, nil
}

// put writes one entry.
func (w *writer) put(name string, text []byte) error {
	err := w.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text)), ModTime: w.made, Format: tar.FormatUSTAR})
	if err == nil {
		_, err = w.tar.Write(text)
	}
	return err
}

func (w *writer) putJSON(name string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return w.put(name, append(text, '\n'))
}

// close ends the file. Without it nobody takes it for whole.
func (w *writer) close() error {
	var errs []error
	for _, l := range w.layers {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// pieces cuts a stream into entries.
type pieces struct {
	to     *writer
	name   string // that of an entry, without its number
	buf    []byte
	n      int
	size   int64
	hash   hash.Hash
	report func(bytes int)
}

func newPieces(to *writer, stream string, try int, report func(int)) *pieces {
	return &pieces{to: to, name: partName(stream, try), buf: make([]byte, 0, pieceSize), hash: sha256.New(), report: report}
}

func partName(stream string, try int) string { return fmt.Sprintf("streams/%s/%d/", stream, try) }

func (p *pieces) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		part := b[:min(len(b), pieceSize-len(p.buf))]
		p.buf, b, n = append(p.buf, part...), b[len(part):], n+len(part)
		if len(p.buf) == pieceSize {
			if err := p.flush(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func (p *pieces) flush() error {
	if len(p.buf) == 0 {
		return nil
	}
	p.n++
	p.size += int64(len(p.buf))
	p.hash.Write(p.buf) //nolint:errcheck // never fails
	if err := p.to.put(fmt.Sprintf("%s%06d", p.name, p.n), p.buf); err != nil {
		return err
	}
	p.report(len(p.buf))
	p.buf = p.buf[:0]
	return nil
}

func (p *pieces) sum() string { return hex.EncodeToString(p.hash.Sum(nil)) }
