package wire

import (
	"net/url"
	"testing"

	"spool.internal/events"
)

func FuzzParsePageToken(f *testing.F) {
	f.Add("")
	f.Add("MTIzLmFiYw")
	f.Add(PageToken(int64(-1), "x.y"))
	f.Fuzz(func(t *testing.T, s string) {
		number, id, ok := ParsePageToken(s)
		if !ok {
			return
		}
		if n, i, ok := ParsePageToken(PageToken(number, id)); s != "" && (!ok || n != number || i != id) {
			t.Errorf("%d %q became %d %q, %v", number, id, n, i, ok)
		}
	})
}

// Page tokens come back from strangers.
func FuzzPageToken(f *testing.F) {
	f.Add(PageToken(uint64(7), "job"))
	f.Add("MTIzLmFiYw")
	f.Fuzz(func(t *testing.T, s string) {
		q := QueryOf(url.Values{"page_token": {s}})
		number, id := q.After()
		if q.Err() != nil {
			if events.CodeOf(q.Err()) != events.Invalid {
				t.Fatalf("fault %v", q.Err())
			}
			return
		}
		again := QueryOf(url.Values{"page_token": {PageToken(number, id)}})
		if n, i := again.After(); s != "" && (n != number || i != id || again.Err() != nil) {
			t.Errorf("%d %q became %d %q, %v", number, id, n, i, again.Err())
		}
	})
}
