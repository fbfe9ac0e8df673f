package ui

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"sync"

	"spool.internal/gateway/wire"
)

// smallest is the size below which compressing costs more than it saves, in bytes.
const smallest = 1024

var writers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// send answers with a page. What answers a POST may show a secret beside what was typed,
// and its length must not tell which: it is not compressed.
func send(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	h := w.Header()
	secure(h)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Add("Vary", "Accept-Encoding")
	if r.Method != http.MethodPost && len(body) >= smallest && wire.TakesGzip(r) {
		body = compress(body)
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error means that the browser has gone
}

func compress(body []byte) []byte {
	var out bytes.Buffer
	z, ok := writers.Get().(*gzip.Writer)
	if !ok {
		return body
	}
	defer writers.Put(z)
	z.Reset(&out)
	_, _ = z.Write(body) // into memory: never fails
	_ = z.Close()
	return out.Bytes()
}
