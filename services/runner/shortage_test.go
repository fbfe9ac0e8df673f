package runner

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"spool.internal/events"
)

// What the system is short of is no fault of the place that could not be opened.
func TestShortOfDescriptors(t *testing.T) {
	fault := events.Faultf(events.NotFound, "input_dir", "is not there")
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM} {
		err := unlessShort(&os.PathError{Op: "open", Path: "in", Err: errno}, fault)
		if _, ends := errors.AsType[*events.Error](err); ends || !isShort(err) {
			t.Errorf("%v became %v", errno, err)
		}
	}
	if err := unlessShort(fs.ErrNotExist, fault); !errors.Is(err, fault) {
		t.Errorf("what is not there became %v", err)
	}
}
