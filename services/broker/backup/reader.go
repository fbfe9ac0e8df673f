package backup

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// errCut is the error for a file that ends too early, whatever noticed it.
var errCut = errors.New("it is cut off: the backup was not made to its end, or not copied to its end")

// reader reads the entries of a backup one after the other. It makes no file of any name in it.
type reader struct {
	zstd *zstd.Decoder
	tar  *tar.Reader
	head Head

	name string // of the entry that is next
	size int64
	err  error
}

// open reads what a backup is of.
func open(r io.Reader, ids []age.Identity) (*reader, error) {
	in, err := decrypted(r, ids)
	if err != nil {
		return nil, err
	}
	z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(32<<20), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	b := &reader{zstd: z, tar: tar.NewReader(z)}
	if b.next(); b.err == nil && b.name != headName {
		b.err = errors.New("it is not a backup of Spool")
	}
	var text []byte
	if b.err == nil {
		text, b.err = b.text()
	}
	if b.err == nil {
		b.head, b.err = readHead(text)
	}
	if b.err != nil {
		z.Close()
		return nil, plain(b.err)
	}
	b.next()
	return b, nil
}

func (b *reader) close() { b.zstd.Close() }

// next goes to the next entry; at the end of the file name is "".
func (b *reader) next() {
	b.name = ""
	h, err := b.tar.Next()
	if errors.Is(err, io.EOF) {
		return
	}
	if err != nil {
		b.err = err
		return
	}
	b.name, b.size = h.Name, h.Size
	most := int64(textSize)
	if strings.HasPrefix(h.Name, "streams/") && !strings.HasSuffix(h.Name, "/"+configName) {
		most = pieceSize
	}
	switch {
	case h.Typeflag != tar.TypeReg:
		b.err = fmt.Errorf("its entry %.60q is no file", h.Name)
	case h.Size > most:
		b.err = fmt.Errorf("its entry %.60q is larger than can be", h.Name)
	}
}

// text reads the entry that is next, whole.
func (b *reader) text() ([]byte, error) {
	if b.err != nil {
		return nil, b.err
	}
	text, err := io.ReadAll(io.LimitReader(b.tar, b.size))
	if err == nil && int64(len(text)) < b.size {
		err = errCut
	}
	if b.err = err; err != nil {
		return nil, err
	}
	return text, nil
}

// part is a try of a stream: its pieces, one after the other.
type part struct {
	b      *reader
	stream string
	try    int
	n      int
	left   int64
	size   int64
	hash   hash.Hash
}

// part gives the try that the next entry, its settings, begins, and its settings.
func (b *reader) part() (*part, []byte, error) {
	way := strings.Split(b.name, "/")
	if len(way) != 4 || !streamName.MatchString(way[1]) || way[3] != configName {
		return nil, nil, fmt.Errorf("its entry %.60q cannot be", b.name)
	}
	try, err := strconv.Atoi(way[2])
	if err != nil || try < 1 || b.name != partName(way[1], try)+configName {
		return nil, nil, fmt.Errorf("its entry %.60q cannot be", b.name)
	}
	text, err := b.text()
	if err != nil {
		return nil, nil, err
	}
	p := &part{b: b, stream: way[1], try: try, hash: sha256.New()}
	b.next()
	return p, text, b.err
}

func (p *part) Read(buf []byte) (int, error) {
	for p.left == 0 {
		if p.b.err != nil {
			return 0, p.b.err
		}
		if p.b.name != fmt.Sprintf("%s%06d", partName(p.stream, p.try), p.n+1) {
			return 0, io.EOF
		}
		if p.left = p.b.size; p.left == 0 {
			return 0, fmt.Errorf("its entry %.60q is empty", p.b.name)
		}
		p.n++
	}
	n, err := p.b.tar.Read(buf[:min(int64(len(buf)), p.left)])
	p.left -= int64(n)
	p.size += int64(n)
	p.hash.Write(buf[:n]) //nolint:errcheck // never fails
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		p.b.err = err
	case err != nil && p.left > 0:
		p.b.err = errCut
	case p.left == 0:
		p.b.next()
	}
	if n > 0 {
		return n, nil
	}
	return n, p.b.err
}

// rest reads what is left of the part and gives what was read in all.
func (p *part) rest() (Stream, error) {
	_, err := io.Copy(io.Discard, p)
	return Stream{Name: p.stream, Try: p.try, Pieces: p.n, Size: p.size, SHA256: hex.EncodeToString(p.hash.Sum(nil))}, err
}

// plain says in one's own words what the libraries say of a file that is cut off or damaged.
func plain(err error) error {
	switch {
	case err == nil || errors.Is(err, errCut):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errCut
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fmt.Errorf("it asks for more memory than a backup needs: %w", err)
	case errors.Is(err, zstd.ErrCRCMismatch), errors.Is(err, zstd.ErrMagicMismatch), errors.Is(err, tar.ErrHeader),
		strings.Contains(err.Error(), "chunk"), isZstd(err):
		return fmt.Errorf("it is damaged: %w", err)
	}
	return err
}

// isZstd reports an error of the decoder, which has no type for them.
func isZstd(err error) bool {
	for _, known := range []error{
		zstd.ErrReservedBlockType, zstd.ErrCompressedSizeTooBig, zstd.ErrBlockTooSmall, zstd.ErrUnexpectedBlockSize,
		zstd.ErrWindowSizeTooSmall, zstd.ErrUnknownDictionary, zstd.ErrFrameSizeExceeded, zstd.ErrFrameSizeMismatch,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
