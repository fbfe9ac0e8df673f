package reserve_test

import (
	"fmt"
	"os"

	"spool.internal/events/reserve"
)

// More than the disk holds is to stay free, so nothing large may be written beside the store.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	_, total, err := reserve.Room(dir)
	fmt.Println(err)
	fmt.Println(reserve.New(dir, 2*total+2).Short(os.Stat(dir)) != nil)
	fmt.Println(reserve.New(dir, -1).Short(os.Stat(dir))) // nothing is kept free
	// Output:
	// <nil>
	// true
	// <nil>
}
