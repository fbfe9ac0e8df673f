package executable_test

import (
	"errors"
	"fmt"

	"spool.internal/events/executable"
)

func Example() {
	host := executable.Host{
		OS: "linux", Arch: "amd64", Path: []string{"/usr/bin"},
		Exists: func(path string) error {
			if path == "/bin/sh" {
				return nil
			}
			return errors.New("not there")
		},
	}
	fmt.Println(host.Why([]byte("#!/bin/sh\necho hello\n")) == "")
	fmt.Println(host.Why([]byte("#!/bin/sh\r\necho hello\r\n")) == "")
	// Output:
	// true
	// false
}
