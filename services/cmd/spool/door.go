package main

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"

	"spool.internal/events"
)

// door is --listen of a machine of a cluster, which is open from the start: the start waits for a majority
// of the machines, for as long as it takes, and says so to whoever asks.
type door struct {
	addr   string
	inside atomic.Pointer[http.Handler] // nil: nothing is served yet, or any more
	why    atomic.Pointer[string]       // what the start waits for
}

// openDoor begins to listen. The process is not ready while the start waits.
func (in *instance) openDoor() (err error) {
	d := &door{}
	d.waits("")
	in.OnCheck("cluster", d.check)
	d.addr, err = in.Serve("api", in.set.common.listener(), d)
	in.door = d
	return err
}

// listen serves a handler, through the door where one is open.
func (in *instance) listen(name string, h http.Handler) (addr string, err error) {
	d := in.door
	if d == nil {
		return in.Serve(name, in.set.common.listener(), h)
	}
	d.inside.Store(&h)
	d.why.Store(nil)
	in.OnStop(name, func(context.Context) error {
		d.inside.Store(nil)
		return nil
	})
	return d.addr, nil
}

// waits says what the start waits for; after the machine has joined it is the services.
func (d *door) waits(why string) {
	if why == "" {
		why = "this machine is starting"
	}
	d.why.Store(&why)
}

func (d *door) check() error {
	if why := d.why.Load(); why != nil {
		return errors.New(*why)
	}
	return nil
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := d.inside.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	why := "this machine is about to stop: ask another machine"
	if err := d.check(); err != nil {
		why = err.Error() + ": ask again, or ask another machine"
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	w.Write(events.Encode(map[string]string{"status": "ERROR", "msg": why})) //nolint:errcheck // the client has gone
}
