package daemon

import (
	"os"
	"runtime"
	"sync"
)

// spread lets the process run on twice as many threads as there are processors,
// unless GOMAXPROCS is set. What Spool does is mostly short writes to files, and a
// thread in one keeps its place among those that may run: with one place for each
// processor, processors stand idle.
var spread = sync.OnceFunc(func() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2 * runtime.GOMAXPROCS(0))
	}
})
