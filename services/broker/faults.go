package broker

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// faults are what the server itself says is wrong with its streams, as it was when
// it was looked at last. A server keeps the first error of a write for the life of
// a stream's store.
type faults struct {
	mu      sync.Mutex
	looked  time.Time
	since   map[string]time.Time // by what is wrong
	current []string
}

// lookAgain is for how long a look at the server counts.
const lookAgain = time.Second

// Check reports why messages cannot be stored now, or nil.
func (b *Broker) Check() error {
	if err := b.look(lookAgain); err != nil {
		return err
	}
	if b.own == nil {
		return nil
	}
	return b.own.Check()
}

// look asks the server what is wrong with it, unless that is known of a moment ago.
func (b *Broker) look(fresh time.Duration) error {
	f := &b.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.looked) >= fresh {
		f.note(faultsOf(b.srv), time.Now())
	}
	return f.err()
}

// held is what keeps services from beginning what they could not bring to an end.
func (f *faults) held() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err()
}

// note takes in what is wrong now.
func (f *faults) note(found []string, now time.Time) {
	since := map[string]time.Time{}
	for _, what := range found {
		since[what] = now
		if was, known := f.since[what]; known {
			since[what] = was
		}
	}
	f.looked, f.since, f.current = now, since, found
}

func (f *faults) err() error {
	var errs []error
	for _, what := range f.current {
		errs = append(errs, fmt.Errorf("%s since %s", what, f.since[what].UTC().Format(time.RFC3339)))
	}
	return errors.Join(errs...)
}

// faultsOf says what is wrong with a server, stream by stream.
func faultsOf(srv *server.Server) (found []string) {
	if !srv.Running() {
		return []string{"the NATS server has stopped"}
	}
	if !srv.JetStreamEnabled() {
		return []string{"JetStream is off, because the store failed (see the log),"}
	}
	for _, e := range srv.Healthz(&server.HealthzOptions{Details: true}).Errors {
		_, why, refused := strings.Cut(e.Error, "write error: ")
		switch {
		case e.Stream != "" && refused:
			found = append(found, fmt.Sprintf("%s refuses what is written (%s)", e.Stream, why))
		case e.Stream != "":
			found = append(found, e.Stream+" could not be read from the disk")
		default:
			found = append(found, "the NATS server is not well ("+e.Error+")")
		}
	}
	slices.Sort(found)
	return found
}
