package atomicfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"spool.internal/events/atomicfile"
)

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "keys", "seal.key")

	// Create is for what must not be there yet; missing folders are made.
	fmt.Println(atomicfile.Create(file, []byte("first\n"), 0o600))
	fmt.Println(errors.Is(atomicfile.Create(file, []byte("second\n"), 0o600), fs.ErrExist))

	// Write replaces: readers see the one text or the other, whatever happens on the way.
	fmt.Println(atomicfile.Write(file, []byte("third\n"), 0o600))
	text, err := os.ReadFile(file)
	fmt.Printf("%s%v\n", text, err)
	// Output:
	// <nil>
	// true
	// <nil>
	// third
	// <nil>
}
