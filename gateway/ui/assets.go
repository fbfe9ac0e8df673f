package ui

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gorilla/mux"

	"spool.internal/gateway/wire"
)

// Styles are joined here, modules by deploy/tools/bundle.
var (
	//go:embed styles
	styleFiles embed.FS
	//go:embed assets
	assetFiles embed.FS
)

// assetsPrefix is where what never changes under its name is served.
const assetsPrefix = "/assets/"

// asset is a file that browsers keep.
type asset struct {
	kind        string
	raw, zipped []byte
}

// assetSet are all of them. A name holds the hash of what it names.
type assetSet struct {
	urls   map[string]string // by plain name
	byName map[string]asset
}

var assets = sync.OnceValue(func() *assetSet {
	s := &assetSet{map[string]string{}, map[string]asset{}}
	s.add("spool.css", joinStyles())
	files, _ := fs.ReadDir(assetFiles, "assets") // embedded: never fails
	for _, f := range files {
		if text, err := assetFiles.ReadFile("assets/" + f.Name()); err == nil {
			s.add(f.Name(), text)
		}
	}
	return s
})

func (s *assetSet) add(name string, text []byte) {
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	ending := path.Ext(name)
	kind, ok := kinds[ending]
	if !ok {
		return
	}
	sum := sha256.Sum256(text)
	hashed := strings.TrimSuffix(name, ending) + "-" + hex.EncodeToString(sum[:6]) + ending
	s.urls[name] = assetsPrefix + hashed
	s.byName[hashed] = asset{kind, text, compress(text)}
}

// url is where a file is, by its plain name; empty = it is not there.
func (s *assetSet) url(name string) string { return s.urls[name] }

// joinStyles makes one style sheet: the tokens, what bare elements look like, then one
// component after the other.
func joinStyles() []byte {
	names := map[string]string{}
	files, _ := fs.ReadDir(styleFiles, "styles") // embedded: never fails
	for _, f := range files {
		text, _ := styleFiles.ReadFile("styles/" + f.Name())
		names[f.Name()] = string(text)
	}
	rank := func(name string) string {
		switch name {
		case "tokens.css":
			return "0"
		case "base.css":
			return "1"
		}
		return "2" + name
	}
	order := slices.SortedFunc(maps.Keys(names), func(a, b string) int { return strings.Compare(rank(a), rank(b)) })
	var all strings.Builder
	for _, name := range order {
		all.WriteString(names[name])
	}
	return []byte(all.String())
}

// serveAsset serves one file, for ever: another content has another name.
func serveAsset(w http.ResponseWriter, r *http.Request) {
	a, ok := assets().byName[mux.Vars(r)["name"]]
	if !ok {
		http.Error(w, "no such file: reload the page, which names the ones of this version", http.StatusNotFound)
		return
	}
	h := w.Header()
	secure(h)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Type", a.kind)
	h.Add("Vary", "Accept-Encoding")
	body := a.raw
	if wire.TakesGzip(r) {
		body = a.zipped
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // an error means that the browser has gone
}
