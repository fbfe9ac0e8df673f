package eventstest

import (
	"reflect"
	"sync"
	"time"
	"unsafe"

	"github.com/nats-io/nats-server/v2/server"
)

// accesses is how many accesses to its store a server with a slow disk makes at a time.
const accesses = 4

// FewAccesses prepares a server for [SlowDisk].
func FewAccesses(opts *server.Options) { opts.JetStreamConcurrentIOs = accesses }

// SlowDisk has each access of a server to its store stand behind others, until
// stop, each of which takes so long. The others are only pretended: they hold that
// by which the server bounds its accesses.
func SlowDisk(srv *server.Server, each time.Duration) (stop func()) {
	field := reflect.ValueOf(srv).Elem().FieldByName("dios").Elem().FieldByName("ch")
	slots := *(*chan struct{})(unsafe.Pointer(field.UnsafeAddr())) //nolint:gosec // the server has no door for this
	end := make(chan struct{})
	for range 2 * accesses {
		go func() { // ends with stop
			for {
				select {
				case <-slots:
				case <-end:
					return
				}
				time.Sleep(each)
				slots <- struct{}{}
			}
		}()
	}
	return sync.OnceFunc(func() { close(end) })
}
