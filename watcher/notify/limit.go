package notify

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// FewEnough refuses folders with so many entries that a watch costs more than polling.
func FewEnough(folder *os.Root) error {
	if watchLimit == 0 {
		return nil
	}
	dir, err := folder.Open(".")
	if err != nil {
		return err
	}
	names, err := dir.Readdirnames(watchLimit + 1)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err == nil && len(names) > watchLimit {
		err = fmt.Errorf("more than %d entries: too many to watch on this system", watchLimit)
	}
	return errors.Join(err, dir.Close())
}
