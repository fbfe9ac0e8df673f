// Package packed unpacks texts that are embedded compressed (gzip), when somebody asks for one.
package packed

import (
	"bytes"
	"compress/gzip"
	"io"
)

// Text unpacks a text of this program. Tests compare each with what it was made of, so a fault
// in one shows there.
func Text(zipped []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		panic(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		panic(err)
	}
	return text
}
