package seal_test

import (
	"fmt"
	"os"
	"path/filepath"

	"spool.internal/events/seal"
)

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	key, err := seal.Load(filepath.Join(dir, "seal.key"))
	if err != nil {
		fmt.Println(err)
		return
	}
	box, err := key.Public.Seal("s3cret", "job-1", "/auth_token")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(key.Open(box, "job-1", "/auth_token"))
	_, err = key.Open(box, "job-2", "/auth_token")
	fmt.Println(err)
	// Output:
	// s3cret <nil>
	// the secret was sealed with another key or for another job
}
