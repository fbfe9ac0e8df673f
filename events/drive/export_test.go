package drive

import "time"

// The folders of tests show at once what others have written.
func init() { idShows = 200 * time.Millisecond }
