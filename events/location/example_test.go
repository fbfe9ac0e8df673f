package location_test

import (
	"fmt"
	"os"
	"path/filepath"

	"spool.internal/events/location"
)

// Two names of one folder are at one place, also when one of them is a link.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Symlink(dir, filepath.Join(dir, "again")); err != nil {
		fmt.Println(err)
		return
	}
	one, err1 := location.Of(dir)
	two, err2 := location.Of(filepath.Join(dir, "again"))
	deeper, err3 := location.Of(filepath.Join(dir, "again", "not there yet"))
	fmt.Println(err1, err2, err3)
	fmt.Println(one.Is(two), deeper.Within(one), one.Within(deeper))
	// Output:
	// <nil> <nil> <nil>
	// true true false
}
