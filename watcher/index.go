package watcher

import (
	"context"
	"encoding/hex"
)

// indexAfter is how many files of one scan are asked about one by one; when there are more, reading the whole ledger of the
// job costs less.
const indexAfter = 2 * maxBatch

// index holds the fingerprints that the ledger of one job knows, for the duration of one scan. Files that it does not
// hold are asked about.
type index map[[16]byte]struct{}

func (b index) has(fingerprint string) bool {
	var key [16]byte
	_, err := hex.Decode(key[:], []byte(fingerprint))
	_, there := b[key]
	return there && err == nil
}

// readIndex reads the ledger of the job for the scan under way. A ledger too large to be read at once is asked about
// each file instead.
func (t *turn) readIndex(ctx context.Context) {
	s := t.k.scan
	s.opened = true
	all, whole, err := t.w.cfg.Bus.SeenAll(ctx, t.f.jobID)
	if err != nil || !whole {
		return
	}
	s.index = make(index, len(all))
	for _, fingerprint := range all {
		var key [16]byte
		if _, err := hex.Decode(key[:], []byte(fingerprint)); err == nil {
			s.index[key] = struct{}{}
		}
	}
}
