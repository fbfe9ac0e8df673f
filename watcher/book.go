package watcher

import (
	"context"
	"encoding/hex"

	"spool.internal/events/jet"
)

// bookAfter is how many files of one scan are asked about one by one; when there
// are more, reading all that the ledger has of the job costs less.
const bookAfter = 2 * maxBatch

// book is what the ledger has of one job: fingerprints. It lasts for one scan.
// Files that it does not know are asked about.
type book map[[16]byte]struct{}

func (b book) has(fingerprint string) bool {
	var key [16]byte
	_, err := hex.Decode(key[:], []byte(fingerprint))
	_, there := b[key]
	return there && err == nil
}

// consult looks into the book, and opens it first when the scan has many
// questions. A ledger too large to be told at once is not read: it is asked.
func (t *turn) consult(ctx context.Context, files []jet.SeenFile) []bool {
	seen := make([]bool, len(files))
	p := t.f.pass
	if p == nil {
		return seen
	}
	p.asked += len(files)
	if p.asked > bookAfter && !p.opened && !t.f.task.watch.Recursive {
		p.opened = true
		all, whole, err := t.cfg.Bus.SeenAll(ctx, t.f.jobID)
		if err != nil || !whole {
			return seen // the questions go on
		}
		p.book = make(book, len(all))
		for _, fingerprint := range all {
			var key [16]byte
			if _, err := hex.Decode(key[:], []byte(fingerprint)); err == nil {
				p.book[key] = struct{}{}
			}
		}
	}
	for i, f := range files {
		seen[i] = p.book.has(f.Fingerprint)
	}
	return seen
}
