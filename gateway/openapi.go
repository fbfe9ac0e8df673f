package gateway

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/gorilla/mux"
)

// The specification of the API, and the same as a page. A test makes the page
// out of the specification and refuses another, so that the program needs
// neither a YAML parser nor a template for what never changes while it runs.
var (
	//go:embed openapi.yaml
	openapiYAML []byte
	//go:embed docs.html
	docsHTML []byte
)

// documents are what anybody may read, without a token.
var documents = map[string]struct {
	kind    string
	content []byte
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
		sum := sha256.Sum256(d.content)
		tag := `"` + hex.EncodeToString(sum[:8]) + `"`
		r.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Content-Type", d.kind)
			h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
			h.Set("Cache-Control", "no-cache")
			h.Set("ETag", tag)
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(d.content))
		}).Methods(http.MethodGet)
	}
}
