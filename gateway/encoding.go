package gateway

import (
	"fmt"
	"net/http"
	"strings"
)

// refuseEncoded answers to a body that is compressed: it would be taken for JSON,
// or stored in a file, as it is.
func refuseEncoded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, encoding := range r.Header.Values("Content-Encoding") {
			if encoding != "" && !strings.EqualFold(encoding, "identity") {
				w.Header().Set("Accept-Encoding", "identity")
				refuse(w, r, http.StatusUnsupportedMediaType,
					fmt.Sprintf("Content-Encoding: %.40q is not supported: send the body as it is, without compression", encoding))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
