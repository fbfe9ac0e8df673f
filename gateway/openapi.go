package gateway

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events/packed"
	"spool.internal/gateway/wire"
)

// The specification of the API, and the same as a page. A test makes the page
// out of the specification and refuses another, so that the program needs
// neither a YAML parser nor a template for what never changes while it runs.
// Both are embedded compressed, as almost everybody takes them.
var (
	//go:embed openapi.yaml.gz
	openapiYAML []byte
	//go:embed docs.html.gz
	docsHTML []byte
)

// documents are what anybody may read, without a token.
var documents = map[string]struct {
	kind   string
	zipped []byte
}{
	"/api/v2/openapi.yaml": {"application/yaml", openapiYAML},
	"/api/v2/docs":         {"text/html; charset=utf-8", docsHTML},
}

func isDocument(path string) bool {
	_, ok := documents[path]
	return ok
}

func serveDocuments(r *mux.Router) {
	for path, d := range documents {
		sum := sha256.Sum256(d.zipped)
		tag := hex.EncodeToString(sum[:8])
		r.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Content-Type", d.kind)
			h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
			h.Set("Cache-Control", "no-cache")
			h.Set("Vary", "Accept-Encoding")
			h.Set("ETag", `"`+tag+`"`)
			content := d.zipped
			if wire.TakesGzip(r) {
				h.Set("ETag", `"`+tag+`-gzip"`)
				h.Set("Content-Encoding", "gzip")
			} else {
				content = packed.Text(content)
			}
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
		}).Methods(http.MethodGet)
	}
}
