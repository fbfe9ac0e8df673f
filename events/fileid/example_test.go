package fileid_test

import (
	"fmt"
	"os"
	"path/filepath"

	"spool.internal/events/fileid"
)

// A file that is read or made readable is the same file; one with other content is another.
func ExampleFingerprint() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "invoice.pdf")
	fingerprint := func() string {
		info, err := fileid.Link(file)
		if err != nil {
			fmt.Println(err)
		}
		return fileid.Fingerprint("job", "invoice.pdf", "", info.Stat)
	}

	_ = os.WriteFile(file, []byte("one page"), 0o600)
	first := fingerprint()
	_ = os.Chmod(file, 0o644)
	fmt.Println(len(first) == fileid.Length, fingerprint() == first)

	_ = os.WriteFile(file, []byte("one page, and another"), 0o600)
	fmt.Println(fingerprint() == first)
	// Output:
	// true true
	// false
}
